#!/usr/bin/env bash
# The step of the action. Gets dis-eval, and runs the command that $COMMAND names.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/ci/common.sh
. "$here/common.sh"

command=${COMMAND:-} reason=${REASON:-}
if [ -z "$command" ] && [ "${GITHUB_EVENT_NAME:-}" = workflow_dispatch ]; then
  command=baseline
  reason=${reason:-started by hand by ${GITHUB_ACTOR:-an unknown user}}
fi
case "${command:=gate}/${ACCEPT:-false}" in
  gate/false | plan/false) set -- ;;
  baseline/false) set -- "$reason" ;;
  baseline/true) set -- "$reason" --accept ;;
  */true) fail 64 "accept: only the command baseline has it" ;;
  */false) fail 64 "command: found '$command', expected gate, plan or baseline" ;;
  *) fail 64 "accept: found '$ACCEPT', expected true or false" ;;
esac
# What is installed may also be named by the settings.
if [ "${RELEASE:-}" != installed ]; then
  DIS_EVAL=$("$here/install.sh") || {
    status=$?
    trap - EXIT # It has reported its error.
    exit $status
  }
  export DIS_EVAL
fi
exec "$here/$command.sh" "$@"
