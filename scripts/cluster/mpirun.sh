#!/usr/bin/env bash
# Computes a run with workers that Open MPI starts, and scores it. The workers do not communicate.
#
#   mpirun.sh RUN.conf [options of mpirun, such as -n 8 --hostfile hosts]
set -uo pipefail
if [ $# -eq 0 ] || [ ! -r "$1" ]; then
  echo "usage: mpirun.sh RUN.conf [options of mpirun]" >&2
  exit 64
fi
# shellcheck source=scripts/cluster/run.conf
. "$1"
shift
[ "$(id -u)" -ne 0 ] || set -- --allow-run-as-root "$@"

# With recovery, a worker that fails or is killed does not end the others.
mpirun --bind-to none --enable-recovery "$@" "$DIS_EVAL" "${ARGUMENTS[@]}" --run "$RUN" &
workers=$!
stopped=
# mpirun passes SIGUSR1 on and waits. On SIGTERM, it would kill its workers after a second.
trap 'stopped=1; kill -USR1 "$workers"' TERM INT USR1
wait "$workers"
while kill -0 "$workers" 2>/dev/null; do wait "$workers"; done
[ -z "$stopped" ] || exit 75
# mpirun's status does not tell how its workers ended. The merge finds out what is missing.
exec "$DIS_EVAL" merge "$RUN" --out "$RESULT"
