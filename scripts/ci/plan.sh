#!/usr/bin/env bash
# Chooses the number of samples and of steps for the time budget, and says how wide the interval will
# be: times a pilot for each number of steps. Run it once, on a runner like those of the gate, and
# commit the plan: results of other numbers are not comparable.
set -euo pipefail
# shellcheck source=scripts/ci/common.sh
. "$(dirname "$0")/common.sh"
pilot=${PILOT:-200}

# shellcheck disable=SC2153 # STEPS is a setting
for steps in "${STEPS[@]}"; do
  say "Timing $pilot samples of $steps steps"
  begin=$EPOCHREALTIME
  score "$OUT/pilot.json" "$pilot" "$steps"
  end=$EPOCHREALTIME
  # Two significant digits, in four fifths of the budget.
  num=$(LC_ALL=C awk -v begin="${begin/,/.}" -v end="${end/,/.}" -v pilot="$pilot" \
    -v budget="$BUDGET" -v max="$MAX_SAMPLES" 'BEGIN {
      num = int(0.8 * 60 * budget * pilot / (end - begin))
      for (unit = 1; num / unit >= 100; unit *= 10) {}
      num = int(num / unit) * unit
      print (num > max ? max : num)
    }')
  [ "$num" -lt "$MIN_SAMPLES" ] || break
done
if [ "$num" -lt 100 ]; then
  say "$BUDGET min are enough for $num samples of $steps steps, and 100 are the least: raise BUDGET"
  exit 78
fi

# Any limit will do, to have the interval as text; the runner is not to hear of it.
status=0
GITHUB_ACTIONS='' "$DIS_EVAL" gate "$OUT/pilot.json" --min "$METRIC=0" --openmetrics "$OUT/pilot.txt" --quiet \
  > /dev/null || status=$?
[ $status -lt 64 ] || exit $status
label="{name=\"$METRIC\"}"
interval=$(LC_ALL=C awk -v value="$(gauge "$OUT/pilot.txt" "dis_eval_metric$label")" \
  -v low="$(gauge "$OUT/pilot.txt" "dis_eval_metric_low$label")" \
  -v high="$(gauge "$OUT/pilot.txt" "dis_eval_metric_high$label")" \
  -v num="$num" -v pilot="$pilot" 'BEGIN {
    if (value == "") print "is not known: the result has no such metric"
    else if (low == "") print "is not known: the pilot has none"
    else printf "is then about ±%.1f %%\n", 100 * (high - low) / 2 / value * sqrt(pilot / num)
  }')
mkdir -p "$(dirname "$PLAN")"
printf 'num=%s\nsteps=%s\n' "$num" "$steps" > "$PLAN"
output num "$num"
output steps "$steps"
summarize "Plan for $BUDGET min: $num samples of $steps steps. The 95 % interval of $METRIC $interval."
[ "$num" -ge "$MIN_SAMPLES" ] || summarize "That is fewer than MIN_SAMPLES, $MIN_SAMPLES."
