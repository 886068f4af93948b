#!/usr/bin/env bash
# The step of the action: the command that $COMMAND names.
set -euo pipefail
here=$(dirname "$0")
case "${COMMAND:-gate}" in
  gate | plan) exec "$here/${COMMAND:-gate}.sh" ;;
  baseline) exec "$here/baseline.sh" "${REASON:-}" ;;
  *)
    echo "command: expected gate, plan or baseline" >&2
    exit 64
    ;;
esac
