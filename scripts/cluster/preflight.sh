# shellcheck shell=bash
# What a worker needs, by dis-eval's own measurement before its first sample. To be sourced.

# preflight PROCESSORS: starts the run of RUN.conf in a temporary folder with that many threads, stops it at
# its first sample, and sets $memory to what to ask for, in megabytes. If dis-eval refuses the run, exits with
# its status, before anything is submitted.
preflight() {
  local folder line='' pid status=0 argument skip='' arguments=()
  # Without --quiet, which hides the figures, and without a number of shards, because this is the only one.
  # shellcheck disable=SC2153 # ARGUMENTS is of RUN.conf
  for argument in "${ARGUMENTS[@]}"; do
    if [ -n "$skip" ]; then
      skip=
      continue
    fi
    case $argument in
      --quiet | --num-shards=*) ;;
      --num-shards) skip=1 ;;
      *) arguments+=("$argument") ;;
    esac
  done
  folder=$(mktemp -d "${TMPDIR:-/tmp}/dis-eval-preflight.XXXXXX")
  "$DIS_EVAL" "${arguments[@]}" --run "$folder/run" --shard 0/1 --threads "$1" \
    > /dev/null 2> "$folder/log" &
  pid=$!
  while [ -z "$line" ] && kill -0 "$pid" 2> /dev/null; do
    sleep 0.1
    line=$(grep -m 1 ' samples to make on ' "$folder/log" || true)
  done
  kill -TERM "$pid" 2> /dev/null || true
  wait "$pid" || status=$?
  line=$(grep -m 1 ' samples to make on ' "$folder/log" || true)
  if [ -z "$line" ]; then
    cat "$folder/log" >&2
    rm -rf "$folder"
    [ $status -ne 0 ] || status=70
    exit $status
  fi
  rm -rf "$folder"
  printf '%s\n' "$line" >&2
  # A quarter more than was measured, and half a gigabyte for libraries and buffers.
  memory=$(LC_ALL=C awk '{
    for (field = 2; field < NF; field++) if ($(field + 1) == "of" && $(field + 2) == "memory") {
      unit = $field
      megabytes = $(field - 1) * (unit == "GB" ? 1000 : unit == "MB" ? 1 : 0.001)
      printf "%d", 1.25 * megabytes + 512
      exit
    }
  }' <<< "$line")
  [ -n "$memory" ] || {
    echo "found '$line', expected an amount of memory" >&2
    exit 70
  }
}
