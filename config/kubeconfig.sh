#!/bin/sh
# Writes a kubeconfig with which fedns reads one cluster: the address of a context of your own kubeconfig, and the token
# of the Secret in token.yaml, which must have been applied. Nothing else of your kubeconfig gets into it.
#
#   sh kubeconfig.sh CONTEXT FILE
#
set -eu
if [ $# -ne 2 ]; then
  echo "usage: sh $0 CONTEXT FILE" >&2
  exit 1
fi
context=$1
file=$2

# The cluster fills the Secret in some moments after it was made.
secret_token() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    token=$(kubectl --context "$context" get secret --namespace fedns fedns-token -o 'jsonpath={.data.token}')
    if [ -n "$token" ]; then
      printf %s "$token" | base64 -d
      return
    fi
    sleep 1
  done
  echo "the cluster of context $context has put no token into the Secret fedns-token" >&2
  return 1
}

cluster=$(kubectl config view --context "$context" --minify --flatten --raw -o 'jsonpath={.clusters[0].cluster}')
token=$(secret_token)
umask 077
# Aside, then renamed: fedns never reads half of it.
cat > "$file.new" <<END
apiVersion: v1
kind: Config
current-context: fedns
contexts: [{ name: fedns, context: { cluster: member, user: fedns } }]
clusters: [{ name: member, cluster: $cluster }]
users: [{ name: fedns, user: { token: $token } }]
END
mv "$file.new" "$file"
