# shellcheck shell=bash
# The settings, and what the steps have in common.
conf=${DIS_EVAL_CONF:-.dis-eval/gate.conf}
if [ ! -r "$conf" ]; then
  echo "$conf is not there; copy gate.conf from $(dirname "${BASH_SOURCE[0]}")" >&2
  exit 66
fi
# shellcheck source=scripts/ci/gate.conf
. "$conf"

say() { printf '==> %s\n' "$*" >&2; }

if ! [[ $BUDGET =~ ^[1-9][0-9]{0,4}$ ]]; then
  say "BUDGET is '$BUDGET': expected whole minutes"
  exit 78
fi
mkdir -p "$OUT"

# Appends a paragraph to the page of the step, where GitHub's runner is.
summarize() {
  say "$*"
  if [ "${GITHUB_ACTIONS:-}" = true ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    printf '%s\n\n' "$*" >> "$GITHUB_STEP_SUMMARY"
  fi
}

# Sets an output of the step, where GitHub's runner is.
output() {
  if [ "${GITHUB_ACTIONS:-}" = true ] && [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
  fi
}

# score RESULT NUM STEPS
score() {
  "$DIS_EVAL" fid --ckpt "$CHECKPOINT" --ref "$REFERENCE" "${ARGUMENTS[@]}" \
    --num "$2" --steps "$3" --out "$1" --quiet > /dev/null
}

# gauge FILE NAME: the value in an OpenMetrics text.
gauge() { awk -v name="$2" '$1 == name { print $2 }' "$1"; }

# Scores the checkpoint as planned, into $OUT/result.json. A job that was stopped continues.
score_as_planned() {
  if [ ! -r "$PLAN" ]; then
    "$(dirname "${BASH_SOURCE[0]}")/plan.sh"
    summarize "Commit $PLAN: what another plan gives is not comparable."
  fi
  local num steps digest
  num=$(awk -F= '$1 == "num" { print $2 }' "$PLAN")
  steps=$(awk -F= '$1 == "steps" { print $2 }' "$PLAN")
  digest=$({ sha256sum "$CHECKPOINT" "$PLAN" && echo "$REFERENCE ${ARGUMENTS[*]}"; } | sha256sum | cut -c 1-16)
  # What other jobs left is of no more use, and the runner's cache keeps all of $OUT.
  find "$OUT" -maxdepth 1 -name 'run-*' ! -name "run-$digest" -exec rm -r {} +
  say "$num samples of $steps steps, in about $BUDGET min"
  timeout --preserve-status --signal=TERM "$((2 * BUDGET))m" \
    "$DIS_EVAL" fid --ckpt "$CHECKPOINT" --ref "$REFERENCE" "${ARGUMENTS[@]}" \
    --num "$num" --steps "$steps" --out "$OUT/result.json" --quiet --shard none \
    --run "$OUT/run-$digest" > /dev/null
}
