#!/usr/bin/env bash
# Scores the checkpoint as planned and judges it by the policy and against the baseline, where they
# are there. Exits 0 for pass, 1 for worse, 3 when nobody can say; 75 when the budget was not enough:
# the next job with the same $OUT continues.
set -euo pipefail
# shellcheck source=scripts/ci/common.sh
. "$(dirname "$0")/common.sh"

score_as_planned
options=(--metric "$METRIC")
if [ -e "$BASELINE" ]; then options+=(--baseline "$BASELINE"); fi
if [ -n "${POLICY:-}" ] && [ -e "$POLICY" ]; then options+=(--policy "$POLICY"); fi
exec "$DIS_EVAL" gate "$OUT/result.json" "${options[@]}" --junit "$OUT/junit.xml" \
  --openmetrics "$OUT/metrics.txt" --out "$OUT/verdict.json" --summary "$OUT/summary.md"
