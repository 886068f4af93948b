# shellcheck shell=bash disable=SC2034,SC2154 # Variables of common.sh.
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
  case $subject in
    CHECKPOINT) [ -e "$CHECKPOINT" ] || fail 66 "the checkpoint '$CHECKPOINT' is not there" ;;
    IMAGES) [ -e "$IMAGES" ] || fail 66 "the images '$IMAGES' are not there" ;;
  esac
  inputs=("$REFERENCE" "${REFERENCE%.*}.json" "${ARGUMENTS[@]#--*=}")
}

# gauge FILE NAME: prints a value of an OpenMetrics text.
gauge() { awk -v name="$2" '$1 == name { print $2 }' "$1"; }

# calculate EXPRESSION [NAME=VALUE...]: prints the value of an expression of awk.
calculate() {
  local text=$1 value values=()
  shift
  for value; do values+=(-v "$value"); done
  LC_ALL=C awk "${values[@]}" "
    # Two significant digits, rounded down.
    function short(number, unit) {
      for (unit = 1; number / unit >= 100; unit *= 10) {}
      return int(number / unit) * unit
    }
    BEGIN { print $text }"
}

# time_pilot STEPS SAMPLES SECONDS: makes up to SAMPLES for at most SECONDS, and scores them. Sets
#   made    the number of samples
#   pace    seconds for each
#   fixed   seconds for everything else
#   spread  the half-width of the interval for one sample as a part of the value, if there is an interval
time_pilot() {
  local begin end status=0 label="{name=\"$METRIC\"}" value low high
  rm -rf -- "$OUT/pilot" "$OUT/pilot.json" "$OUT/pilot.txt"
  # Only samples: a shard scores nothing. In units of one sample, none is lost when the time is over.
  begin=${EPOCHREALTIME/,/.}
  call timeout --preserve-status --signal=TERM --kill-after=60 "$3" "$DIS_EVAL" fid --ckpt "$CHECKPOINT" \
    --ref "$REFERENCE" "${ARGUMENTS[@]}" --num "$2" --steps "$1" --quiet --unit 1 --shard 0/1 \
    --run "$OUT/pilot" > /dev/null || status=$?
  end=${EPOCHREALTIME/,/.}
  case $status in
    0 | 75 | 143) problem='' ;;
    *) exit $status ;;
  esac
  # There is no folder if the time was over before the first sample.
  made=$({ find "$OUT/pilot/units" -name '*-1.safetensors' 2> /dev/null || true; } | wc -l)
  pace=$(calculate '(end - begin) / (made < 1 ? 1 : made)' begin="$begin" end="$end" made="$made")
  fixed=0 spread=''
  if [ "$made" -lt 2 ]; then
    rm -rf -- "$OUT/pilot"
    return
  fi

  begin=${EPOCHREALTIME/,/.}
  call "$DIS_EVAL" merge "$OUT/pilot" --partial --out "$OUT/pilot.json" --quiet > /dev/null
  end=${EPOCHREALTIME/,/.}
  fixed=$(calculate 'end - begin' begin="$begin" end="$end")
  # Any limit gives the interval as text. Without GITHUB_ACTIONS, the runner does not see this verdict.
  status=0
  GITHUB_ACTIONS='' call "$DIS_EVAL" gate "$OUT/pilot.json" --min "$METRIC=0" --openmetrics "$OUT/pilot.txt" \
    --quiet > /dev/null || status=$?
  [ $status -lt 64 ] || exit $status
  problem=
  value=$(gauge "$OUT/pilot.txt" "dis_eval_metric$label")
  [ -n "$value" ] || fail 78 "METRIC is '$METRIC', but the result has no such metric"
  low=$(gauge "$OUT/pilot.txt" "dis_eval_metric_low$label")
  high=$(gauge "$OUT/pilot.txt" "dis_eval_metric_high$label")
  error=$(gauge "$OUT/pilot.txt" "dis_eval_metric_error$label")
  # A distance of few images has no interval, but an error that says how wide that of more will be, roughly.
  if [ -z "$low" ] && [ -n "$error" ]; then
    low=$(calculate 'value - 2 * error' value="$value" error="$error")
    high=$(calculate 'value + 2 * error' value="$value" error="$error")
  fi
  [ -z "$low" ] || spread=$(calculate '(high - low) / 2 / (value == 0 ? 1 : value) * sqrt(made)' \
    high="$high" low="$low" value="$value" made="$made")
  rm -rf -- "$OUT/pilot"
}

# interval SAMPLES: prints how wide the interval will be.
interval() {
  if [ -n "$spread" ]; then
    LC_ALL=C printf 'about ±%.1f %%' "$(calculate '100 * spread / sqrt(num)' spread="$spread" num="$1")"
  else
    printf 'unknown, because the pilot has none'
  fi
}

# Prints what else could be done if the budget is not enough for MIN_SAMPLES samples of $steps steps.
alternatives() {
  local fewer=$((steps / 2)) minutes samples
  if [ $fewer -ge 2 ]; then
    # Most of the time goes into the steps.
    samples=$(calculate 'short(num * steps / fewer)' num="$num" steps="$steps" fewer="$fewer")
    printf -- '- Take fewer steps: STEPS=(%s) allows about %s samples. Interval: %s.\n' \
      "$fewer" "$samples" "$(interval "$samples")"
  fi
  minutes=$(calculate 'int((num * pace + fixed) / 0.8 / 60) + 1' num="$MIN_SAMPLES" pace="$pace" fixed="$fixed")
  printf -- '- Give it more time: %s samples need BUDGET=%s. Interval: %s.\n' \
    "$MIN_SAMPLES" "$minutes" "$(interval "$MIN_SAMPLES")"
  printf -- '- Make the images elsewhere, for example on a GPU, and name them as IMAGES. Interval of %s: %s.\n' \
    "$MIN_SAMPLES" "$(interval "$MIN_SAMPLES")"
}

# Times a pilot for each number of steps, and writes the first plan that fits the budget.
make_plan() {
  local most=${PILOT:-200} seconds=${PILOT_SECONDS:-$((60 * BUDGET / ${#STEPS[@]}))}
  local steps made pace fixed spread num dimension
  # shellcheck disable=SC2153 # STEPS is a setting
  for steps in "${STEPS[@]}"; do
    say "Timing up to $most samples of $steps steps, for at most $seconds s"
    time_pilot "$steps" "$most" "$seconds"
    if [ "$made" -eq 0 ]; then
      summarize "Not one sample of $steps steps was finished in $seconds s"
      num=0
      continue
    fi
    # Four fifths of the budget.
    num=$(calculate 'short(num < 0 ? 0 : num > max ? max : num)' max="$MAX_SAMPLES" \
      num="$(calculate '(0.8 * 60 * budget - fixed) / pace' budget="$BUDGET" fixed="$fixed" pace="$pace")")
    say "$made samples took $pace s each, so that $BUDGET min are enough for $num"
    [ "$num" -lt "$MIN_SAMPLES" ] || break
  done
  if [ "$num" -lt 100 ]; then
    [ "$made" -eq 0 ] || summarize "$(alternatives)"
    fail 78 "$BUDGET min are enough for only $num samples of $steps steps, but at least 100 are needed"
  fi

  mkdir -p -- "$(dirname "$PLAN")"
  printf 'num=%s\nsteps=%s\n' "$num" "$steps" > "$PLAN"
  output num "$num"
  output steps "$steps"
  summarize "Plan for $BUDGET min: $num samples of $steps steps. The 95 % interval of $METRIC, judging by a pilot of $made: $(interval "$num")."
  # The gate judges debiased distances, which need 2.5 samples for each feature.
  dimension=$(awk '$1 == "\"dimension\"" { print $3 + 0; exit }' "$OUT/pilot.json")
  if [[ $METRIC =~ ^(fid|fd)$ && $((2 * num)) -lt $((5 * ${dimension:-0})) ]]; then
    summarize "**With fewer than $(((5 * dimension + 1) / 2)) samples, 2.5 for each of $dimension features, the gate cannot judge $METRIC.**"
  fi
  [ "$num" -ge "$MIN_SAMPLES" ] || summarize "That is fewer than MIN_SAMPLES, $MIN_SAMPLES. You can change this:"$'\n\n'"$(alternatives)"
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

# Scores the images into $OUT/result.json.
score_images() {
  local status=0
  say "The images '$IMAGES', for at most $((2 * BUDGET)) min"
  call timeout --preserve-status --signal=TERM "$((2 * BUDGET))m" "$DIS_EVAL" fid --images "$IMAGES" \
    --ref "$REFERENCE" "${ARGUMENTS[@]}" --out "$OUT/result.json" --quiet > /dev/null || status=$?
  [ $status -ne 143 ] || fail 78 "scoring the images takes more than twice BUDGET, $BUDGET min"
  [ $status -eq 0 ] || exit $status
}

# Scores the checkpoint as planned into $OUT/result.json. Continues the run of a job that was stopped.
score_as_planned() {
  if [ "$subject" = IMAGES ]; then
    score_images
    return
  fi
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
