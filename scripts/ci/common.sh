# shellcheck shell=bash
# How the steps report errors, and how they read the settings.
shopt -s inherit_errexit
kit=$(dirname "${BASH_SOURCE[0]}")
conf=${DIS_EVAL_CONF:-.dis-eval/gate.conf}
subject=     # The setting that names what is judged: CHECKPOINT or IMAGES.
problem=     # Why the step fails.
otherwise=70 # The exit status if a command fails with a status that is not in dis-eval's table.
judged=      # Set once the gate judges: before that, 1 and 3 are not verdicts.
notes=()

say() { printf '==> %s\n' "$*" >&2; }

# Whether this is GitHub's runner and the variable $1 names a file.
github() { [ "${GITHUB_ACTIONS:-}" = true ] && [ -n "${!1:-}" ]; }

# Prints a paragraph, and adds it to the summaries.
summarize() {
  say "$1"
  note "$1"
}

# Adds a paragraph to the summaries.
note() {
  notes+=("$1")
  if github GITHUB_STEP_SUMMARY; then printf '%s\n\n' "$1" >> "$GITHUB_STEP_SUMMARY"; fi
}

# Sets an output of the step.
output() {
  if github GITHUB_OUTPUT; then printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"; fi
}

# fail STATUS WHY
fail() {
  problem=$2
  exit "$1"
}

# call COMMAND...: runs it and keeps its error message for the summaries.
call() {
  local status=0
  { "$@" 2>&1 >&3 3>&- | tee "$OUT/log" >&2; } 3>&1 || status=$?
  if [ $status -ne 0 ]; then
    problem=$(sed -n 's/^dis-eval: error: //p; s/^Error: //p' "$OUT/log" | tail -n 1)
  fi
  return $status
}

# Runs at every end of a step. Reports an error wherever a verdict would be.
finish() {
  local status=$?
  trap - EXIT
  set +e
  if ((status != 0 && (status < 64 || status > 78))) && ! [[ -n $judged && $status =~ ^[13]$ ]]; then
    problem=${problem:-a command ended with status $status, see the log}
    status=$otherwise
  fi
  if [ $status -ge 64 ]; then report_error $status; fi
  if [ -d "${OUT:-}" ]; then
    : > "$OUT/log"
    [ ${#notes[@]} -eq 0 ] || printf '%s\n\n' "${notes[@]}" > "$OUT/log"
    [ ! -e "$OUT/summary.md" ] || cat "$OUT/summary.md" >> "$OUT/log"
    mv -f "$OUT/log" "$OUT/summary.md"
  fi
  exit $status
}
trap finish EXIT

# report_error STATUS: reports to summaries, annotation, output and junit.xml, as the gate does with a verdict.
report_error() {
  local text
  text=$(printf '%s' "${problem:-see the log}" | tr '\000-\037\177' ' ' | iconv -c -f UTF-8 -t UTF-8)
  text="${text:0:2000} (exit status $1)"
  output verdict error
  note "### dis-eval: error"$'\n\n'"    $text" # Indented text is shown as it is.
  if [ "${GITHUB_ACTIONS:-}" = true ]; then
    printf '::error title=dis-eval::%s\n' "${text//%/%25}" >&2
  else
    say "error: $text"
  fi
  [ -d "${OUT:-}" ] || return 0
  text=$(sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g' <<< "$text")
  cat > "$OUT/junit.xml" << XML
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="dis-eval" tests="1" failures="0" errors="1">
  <testsuite name="dis-eval gate" tests="1" failures="0" errors="1" skipped="0" time="0">
    <testcase classname="dis-eval.gate" name="scoring" time="0">
      <error type="error" message="$text"/>
    </testcase>
  </testsuite>
</testsuites>
XML
}

# Reads the settings from $conf, and removes everything that an earlier job left in $OUT except its run.
settings() {
  [ -r "$conf" ] || fail 66 "the settings '$conf' are not there; copy gate.conf from $kit"
  # If nothing was installed, an old dis-eval on the PATH must not be used instead.
  [ -n "${DIS_EVAL-dis-eval}" ] || fail 69 "DIS_EVAL is set but empty: installing dis-eval has failed"
  problem="the settings '$conf' cannot be read, see the log" otherwise=78
  # shellcheck source=scripts/ci/gate.conf
  . "$conf"
  problem='' otherwise=70
  local name
  subject=CHECKPOINT
  if [ -n "${IMAGES:-}" ]; then subject=IMAGES; fi
  for name in $subject REFERENCE METRIC BUDGET STEPS MIN_SAMPLES MAX_SAMPLES PLAN BASELINE OUT DIS_EVAL; do
    [ -n "${!name:-}" ] || fail 78 "'$conf' does not set $name"
  done
  for name in BUDGET MIN_SAMPLES MAX_SAMPLES; do
    [[ ${!name} =~ ^[1-9][0-9]{0,8}$ ]] || fail 78 "$name is '${!name}': expected a whole number"
  done
  command -v "$DIS_EVAL" > /dev/null || fail 69 "DIS_EVAL is '$DIS_EVAL', which is not there"
  [ -z "${CACHE:-}" ] || XDG_CACHE_HOME=$(realpath -m -- "$CACHE")
  [ -z "${CACHE:-}" ] || export XDG_CACHE_HOME

  problem="OUT is '$OUT', which cannot be written" otherwise=73
  mkdir -p -- "$OUT"
  for name in result.json pilot.json pilot.txt junit.xml metrics.txt verdict.json summary.md log; do
    rm -f -- "$OUT/$name"
  done
  rm -rf -- "$OUT/pilot"
  problem='' otherwise=70
}
