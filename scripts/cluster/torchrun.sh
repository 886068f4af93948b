#!/usr/bin/env bash
# Computes a run with workers that torchrun starts on this host, and scores it. If one worker fails,
# torchrun restarts all of them.
#
#   torchrun.sh RUN.conf [options of torchrun, such as --nproc_per_node=8]
set -uo pipefail
if [ $# -eq 0 ] || [ ! -r "$1" ]; then
  echo "usage: torchrun.sh RUN.conf [options of torchrun]" >&2
  exit 64
fi
# shellcheck source=scripts/cluster/run.conf
. "$1"
shift

torchrun --standalone --max_restarts="$RESTARTS" "$@" --no_python -- \
  "$DIS_EVAL" "${ARGUMENTS[@]}" --run "$RUN" &
workers=$!
stopped=
trap 'stopped=1; kill -TERM "$workers"' TERM INT USR1
wait "$workers"
while kill -0 "$workers" 2>/dev/null; do wait "$workers"; done
[ -z "$stopped" ] || exit 75
exec "$DIS_EVAL" merge "$RUN" --out "$RESULT"
