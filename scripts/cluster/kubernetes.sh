#!/usr/bin/env bash
# Starts a run on Kubernetes, waits for it, merges it, and prints the result. Ends also when the run fails.
# Given again, it computes what is missing: jobs that have failed are replaced.
#
#   kubernetes.sh MANIFEST SHARDS             MANIFEST is a copy of kubernetes.yaml
#   kubernetes.sh --print MANIFEST SHARDS     only prints the manifest with the number of shards
set -euo pipefail
shopt -s inherit_errexit
print=
if [ "${1:-}" = --print ]; then
  print=1
  shift
fi
if [ $# -ne 2 ] || [ ! -r "$1" ] || ! [[ $2 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: kubernetes.sh [--print] MANIFEST SHARDS" >&2
  exit 64
fi
manifest=$1 shards=$2

# state JOB: prints Complete, Failed or nothing.
state() {
  local path='{range .status.conditions[?(@.status=="True")]}{.type}{"\n"}{end}' types
  types=$(kubectl get "job/$1" --output "jsonpath=$path" --ignore-not-found)
  grep -xE 'Complete|Failed' <<< "$types" || true
}

# complete JOB: waits until the job is complete. Exits with 69 if it fails; the status of its pods says why.
complete() {
  local state
  until state=$(state "$1") && [ "$state" = Complete ]; do
    if [ "$state" = Failed ]; then
      kubectl describe "job/$1" >&2
      kubectl logs "job/$1" --container dis-eval --tail 20 >&2 || true
      echo "job $1 has failed: see above; when the cause is gone, give the same command again" >&2
      exit 69
    fi
    sleep "${POLL:-10}"
  done
}

if [ -n "$print" ]; then
  exec sed "s/SHARDS/$shards/g" "$manifest"
fi
# A job cannot be changed. The merge is always made again, because a complete one would not start.
merge=dis-eval-merge
[ "$(state dis-eval)" != Failed ] || kubectl delete job/dis-eval >&2
kubectl delete "job/$merge" --ignore-not-found >&2
sed "s/SHARDS/$shards/g" "$manifest" | kubectl apply --filename - >&2
complete dis-eval
kubectl patch "job/$merge" --patch '{"spec": {"suspend": false}}' >&2
complete "$merge"
kubectl logs "job/$merge" --container dis-eval
