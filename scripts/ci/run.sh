#!/usr/bin/env bash
# The step of the action. Runs the command that $COMMAND names.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/ci/common.sh
. "$here/common.sh"
case "${COMMAND:-gate}/${ACCEPT:-false}" in
  gate/false | plan/false) exec "$here/${COMMAND:-gate}.sh" ;;
  baseline/false) exec "$here/baseline.sh" "${REASON:-}" ;;
  baseline/true) exec "$here/baseline.sh" "${REASON:-}" --accept ;;
  */true) fail 64 "accept: only the command baseline has it" ;;
  */false) fail 64 "command: found '$COMMAND', expected gate, plan or baseline" ;;
  *) fail 64 "accept: found '$ACCEPT', expected true or false" ;;
esac
