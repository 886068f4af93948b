#!/usr/bin/env bash
# Scores the checkpoint as planned and makes it the baseline, unless it is worse than that.
#
#   baseline.sh REASON [--accept]
set -euo pipefail
if [[ "${1:-}" =~ ^[[:space:]]*$ ]]; then
  echo "baseline.sh REASON [--accept]: expected why the baseline is replaced" >&2
  exit 64
fi
# shellcheck source=scripts/ci/common.sh
. "$(dirname "$0")/common.sh"

score_as_planned
mkdir -p "$(dirname "$BASELINE")"
"$DIS_EVAL" gate "$OUT/result.json" --metric "$METRIC" --update-baseline "$BASELINE" \
  --reason "$1" "${@:2}"
