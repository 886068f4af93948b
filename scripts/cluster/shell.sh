#!/usr/bin/env bash
# Computes and scores a run on this host, without a scheduler. Restarts dis-eval if it was stopped (75)
# or killed, or could not read or write (74).
#
#   shell.sh RUN.conf
set -uo pipefail
if [ $# -ne 1 ] || [ ! -r "$1" ]; then
  echo "usage: shell.sh RUN.conf" >&2
  exit 64
fi
# shellcheck source=scripts/cluster/run.conf
. "$1"

stopped=
trap 'stopped=1; kill -TERM "$worker"' TERM INT USR1
for ((restarts = 0; ; restarts++)); do
  "$DIS_EVAL" "${ARGUMENTS[@]}" --shard none --run "$RUN" --out "$RESULT" &
  worker=$!
  wait "$worker"
  status=$?
  while kill -0 "$worker" 2>/dev/null; do wait "$worker"; done
  [ -z "$stopped" ] || exit 75
  [ $status -eq 74 ] || [ $status -eq 75 ] || [ $status -gt 128 ] || exit $status
  [ $restarts -lt "$RESTARTS" ] || exit $status
  echo "exit status $status: starting again" >&2
  sleep 1
done
