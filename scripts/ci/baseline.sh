#!/usr/bin/env bash
# Scores the checkpoint as planned and makes it the baseline, unless it is worse than that.
#
#   baseline.sh REASON [--accept]
set -euo pipefail
if [ $# -eq 0 ]; then
  echo "usage: baseline.sh REASON [--accept]" >&2
  exit 64
fi
# shellcheck source=scripts/ci/common.sh
. "$(dirname "$0")/common.sh"

# shellcheck disable=SC2119 # its arguments are options of dis-eval
score_as_planned
mkdir -p "$(dirname "$BASELINE")"
"$DIS_EVAL" gate "$OUT/result.json" --metric "$METRIC" --update-baseline "$BASELINE" \
  --reason "$1" "${@:2}"
