#!/usr/bin/env bash
# Scores the checkpoint as planned, or the images, and judges the result by the policy and against the
# baseline. Exits with 0 for pass, 1 for worse, 3 for cannot say, and 75 if the budget was not enough; then the
# next job with the same $OUT continues. If the CI system names a base branch, settings, policy, plan and baseline come from it.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/ci/common.sh
. "$here/common.sh"
# shellcheck source=scripts/ci/base.sh
. "$here/base.sh"
# shellcheck source=scripts/ci/score.sh
. "$here/score.sh"

fetch_base
own_conf=$conf asked=${CHECKPOINT:-}
from_base conf || fail 66 "the settings '$conf' are not there$where; copy gate.conf from $kit"
settings
[ -n "$asked" ] || checkpoint_of_change "$own_conf" "$conf"
if [ -n "${POLICY:-}" ]; then
  from_base POLICY || fail 66 "the policy '$POLICY' is not there$where; to do without one, remove POLICY from the settings"
fi
baseline=()
if from_base BASELINE; then
  baseline=(--baseline "$BASELINE")
elif [ "${ALLOW_NO_BASELINE:-}" = 1 ]; then
  summarize "**No baseline: '$BASELINE' is not there$where. Because of ALLOW_NO_BASELINE=1, only the limits of the policy count.**"
else
  fail 66 "the baseline '$BASELINE' is not there$where; the command baseline writes it, and with ALLOW_NO_BASELINE=1 only the limits of the policy count"
fi
planned=1
if [ "$subject" = CHECKPOINT ] && ! from_base PLAN; then
  planned=
  [ "${ALLOW_NO_BASELINE:-}" = 1 ] || fail 66 "the plan '$PLAN' is not there$where; the command plan writes it"
fi
tell_sources
check_inputs
refuse_own_inputs "${inputs[@]}" "$DIS_EVAL"
fetch_inputs
if [ -z "$planned" ]; then
  make_plan
  summarize "Commit $PLAN: results of a different plan are not comparable."
fi
score_as_planned
judge "${baseline[@]}" --junit "$OUT/junit.xml" --openmetrics "$OUT/metrics.txt" --out "$OUT/verdict.json" \
  --summary "$OUT/summary.md"
