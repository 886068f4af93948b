#!/usr/bin/env bash
# Scores the checkpoint as planned, or the images, and makes the result the baseline, unless the gate's verdict is worse or cannot
# say. With --accept, it becomes the baseline anyway.
#
#   baseline.sh REASON [--accept]
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/ci/common.sh
. "$here/common.sh"
# shellcheck source=scripts/ci/score.sh
. "$here/score.sh"

[[ ! ${1:-} =~ ^[[:space:]]*$ ]] || fail 64 "baseline: expected a reason for replacing the baseline"
reason=$1
case "${*:2}" in
  "" | --accept) ;;
  *) fail 64 "baseline.sh REASON [--accept]: found '${*:2}'" ;;
esac
settings
[ -z "${POLICY:-}" ] || [ -e "$POLICY" ] ||
  fail 66 "the policy '$POLICY' is not there; to do without one, remove POLICY from the settings"
check_inputs
fetch_inputs
if [ "$subject" = CHECKPOINT ] && [ ! -e "$PLAN" ]; then make_plan; fi
score_as_planned
mkdir -p -- "$(dirname "$BASELINE")"
judge --update-baseline "$BASELINE" --reason "$reason" "${@:2}"
