# shellcheck shell=bash disable=SC2034 # Variables of common.sh.
# How the checkpoint is scored and judged.

# Fetches the weights of Inception and a reference from the registry into the cache, unless they exist.
fetch_inputs() {
  if [ -n "${WEIGHTS:-}" ]; then
    call "$DIS_EVAL" weights fetch "$WEIGHTS" ${WEIGHTS_FROM:+--from "$WEIGHTS_FROM"} > /dev/null
  fi
  [ -e "$REFERENCE" ] || call "$DIS_EVAL" stats fetch "$REFERENCE" > /dev/null
}

# Checks what must exist before anything is scored. Sets the array inputs to everything that can be a file.
check_inputs() {
  [ -e "$CHECKPOINT" ] || fail 66 "the checkpoint '$CHECKPOINT' is not there"
  inputs=("$REFERENCE" "${REFERENCE%.*}.json" "${ARGUMENTS[@]#--*=}")
}

# evaluate RESULT NUM STEPS [OPTION...]
evaluate() {
  "$DIS_EVAL" fid --ckpt "$CHECKPOINT" --ref "$REFERENCE" "${ARGUMENTS[@]}" \
    --num "$2" --steps "$3" --out "$1" --quiet "${@:4}"
}

# gauge FILE NAME: prints a value of an OpenMetrics text.
gauge() { awk -v name="$2" '$1 == name { print $2 }' "$1"; }

# Times a pilot for each number of steps, and writes the first plan that fits the budget.
make_plan() {
  local pilot=${PILOT:-200} steps begin end num status=0 interval label="{name=\"$METRIC\"}"
  # shellcheck disable=SC2153 # STEPS is a setting
  for steps in "${STEPS[@]}"; do
    say "Timing $pilot samples of $steps steps"
    begin=$EPOCHREALTIME
    call evaluate "$OUT/pilot.json" "$pilot" "$steps" > /dev/null
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
  [ "$num" -ge 100 ] ||
    fail 78 "$BUDGET min are enough for only $num samples of $steps steps, but at least 100 are needed: raise BUDGET"

  # Any limit gives the interval as text. Without GITHUB_ACTIONS, the runner does not see this verdict.
  GITHUB_ACTIONS='' call "$DIS_EVAL" gate "$OUT/pilot.json" --min "$METRIC=0" --openmetrics "$OUT/pilot.txt" \
    --quiet > /dev/null || status=$?
  [ $status -lt 64 ] || exit $status
  problem=
  interval=$(LC_ALL=C awk -v value="$(gauge "$OUT/pilot.txt" "dis_eval_metric$label")" \
    -v low="$(gauge "$OUT/pilot.txt" "dis_eval_metric_low$label")" \
    -v high="$(gauge "$OUT/pilot.txt" "dis_eval_metric_high$label")" \
    -v num="$num" -v pilot="$pilot" 'BEGIN {
      if (value == "") print "is unknown, because the result has no such metric"
      else if (low == "") print "is unknown, because the pilot has none"
      else printf "will be about ±%.1f %%\n", 100 * (high - low) / 2 / value * sqrt(pilot / num)
    }')
  mkdir -p -- "$(dirname "$PLAN")"
  printf 'num=%s\nsteps=%s\n' "$num" "$steps" > "$PLAN"
  output num "$num"
  output steps "$steps"
  summarize "Plan for $BUDGET min: $num samples of $steps steps. The 95 % interval of $METRIC $interval."
  [ "$num" -ge "$MIN_SAMPLES" ] || summarize "That is fewer than MIN_SAMPLES, $MIN_SAMPLES."
}

# contents PATH...: prints the SHA-256 of each file that exists, and of each file of a folder.
contents() {
  local path
  for path in "$@"; do
    if [ -d "$path" ]; then
      (cd -- "$path" && find -L . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum)
    elif [ -e "$path" ]; then
      sha256sum < "$path"
    fi
  done
}

# Prints the version, and the kernels of this machine unless the arguments choose them.
version_and_kernels() {
  case " ${ARGUMENTS[*]}" in
    *" --kernels"*) "$DIS_EVAL" --version | sed -n 1p ;;
    *) "$DIS_EVAL" --version ;;
  esac
}

# Scores the checkpoint as planned into $OUT/result.json. Continues the run of a job that was stopped.
score_as_planned() {
  local num steps digest status=0
  num=$(awk -F= '$1 == "num" { print $2 }' "$PLAN")
  steps=$(awk -F= '$1 == "steps" { print $2 }' "$PLAN")
  [[ $num =~ ^[1-9][0-9]*$ && $steps =~ ^[1-9][0-9]*$ ]] ||
    fail 78 "the plan '$PLAN': expected the lines num=… and steps=…, each with a whole number"
  # A run continues only if nothing has changed, because dis-eval refuses to mix.
  problem="the inputs cannot be read, see the log" otherwise=74
  digest=$({
    version_and_kernels
    contents "$CHECKPOINT" "$PLAN" "${inputs[@]}"
    printf '%s\n' "$REFERENCE" "${WEIGHTS:-}" "${ARGUMENTS[@]}"
  } | sha256sum | cut -c 1-16)
  problem='' otherwise=70
  # The runs of other jobs are no longer needed, and the runner's cache would keep them.
  find "$OUT" -maxdepth 1 -name 'run-*' ! -name "run-$digest" -exec rm -r {} +
  say "$num samples of $steps steps, in about $BUDGET min"
  set -- --ckpt "$CHECKPOINT" --ref "$REFERENCE" "${ARGUMENTS[@]}"
  call timeout --preserve-status --signal=TERM "$((2 * BUDGET))m" \
    "$DIS_EVAL" fid "$@" --num "$num" --steps "$steps" --out "$OUT/result.json" --quiet --shard none \
    --run "$OUT/run-$digest" > /dev/null || status=$?
  case $status in
    # 143: the signal arrived before dis-eval handled it, or after the last sample.
    75 | 143) fail 75 "stopped; the next job with the same '$OUT' continues (the limit is twice BUDGET, $BUDGET min)" ;;
    0) ;;
    *) exit $status ;;
  esac
}

# judge OPTION...: judges by the policy and the options. Only here, 1 and 3 are verdicts.
judge() {
  judged=1
  call "$DIS_EVAL" gate "$OUT/result.json" --metrics "$METRIC" ${POLICY:+--policy "$POLICY"} "$@"
}
