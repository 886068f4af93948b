#!/usr/bin/env bash
# A generator for tests: grey 28x28 images that depend on the keys alone, and every fault that the protocol
# knows. It needs bash, awk and sha256sum.
#
#   generator.sh [MODE [NUMBER]]
set -u
export LC_ALL=C
mode=${1:-honest} number=${2:-1}
answer() { printf '%s\n' "$1" >&3; }
ready='{"type":"ready","protocol":"dis-eval-generator/1","name":"test","version":"1","image":[28,28,1]'
ready+=',"differs":"nothing","batch":'${BATCH:-16}',"weights_sha256":"'$(printf '%064d' "${WEIGHTS:-1}")'"'
settings='"settings":{"steps":25}'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "starting in mode $mode"
made=0
while IFS= read -r line; do
  case $line in
  *'"type":"hello"'*)
    case $mode in
    classes) answer "$ready,$settings,\"classes\":10}" ;;
    steps)
      case $line in
      *'"settings":{"steps":25}'*) answer "$ready,$settings}" ;;
      *) answer '{"type":"error","message":"expected 25 steps"}' ;;
      esac
      ;;
    everything) answer "${ready/nothing/everything},$settings}" ;;
    hang-at-hello) sleep 600 ;;
    text) answer "Loading weights..." ;;
    not-ready) answer '{"type":"frame"}' ;;
    no-name) answer "${ready/\"name\":\"test\",/},$settings}" ;;
    side) answer "${ready/28,28/0,28},$settings}" ;;
    noise) answer "$ready,$settings,\"noise\":[1,28,28]}" ;;
    latent | nan) answer "${ready/\"image\":\[28,28,1\]/\"latent\":[4,4,4]},$settings}" ;;
    last-bits) answer "${ready/nothing/last_bits},$settings}" ;;
    two-kinds) answer "$ready,\"latent\":[4,4,4],$settings}" ;;
    die) exit 7 ;;
    kill) kill -9 $$ ;;
    *) answer "$ready,$settings}" ;;
    esac
    ;;
  *'"type":"make"'*)
    first=$(sed -E 's/.*"first":([0-9]+).*/\1/' <<< "$line")
    count=$(sed -E 's/.*"count":([0-9]+).*/\1/' <<< "$line")
    made=$((made + 1))
    if [ "$mode" = noise ]; then
      bytes=$(sed -E 's/.*"bytes":([0-9]+).*/\1/' <<< "$line")
      head -c "$bytes" > "$work/noise"
      sha256=$(sed -E 's/.*"sha256":"([0-9a-f]+)".*/\1/' <<< "$line")
      if [ "$(sha256sum < "$work/noise" | cut -c1-64)" != "$sha256" ] ||
        [ "$bytes" -ne $((count * 784 * 4 + 128)) ]; then
        answer '{"type":"error","message":"the noise is damaged"}'
      fi
    fi
    if [ "$mode" = die-at ] && [ "$made" -ge "$number" ]; then exit 3; fi
    if [ "$mode" = hang-at ] && [ "$made" -ge "$number" ]; then sleep 600; fi
    if [ "$mode" = error ]; then answer '{"type":"error","message":"out of memory on the device"}'; fi
    [ "$mode" = print ] && { echo "a line on standard output"; echo "a line on standard error" >&2; }
    [ -n "${PAUSE:-}" ] && sleep "$PAUSE"
    rows=$count
    [ "$mode" = too-few ] && rows=$((count - 1))
    header="{'descr': '|u1', 'fortran_order': False, 'shape': ($rows, 28, 28, 1), }"
    [ "$mode" = type ] && header=${header/|u1/<f4}
    {
      printf '\x93NUMPY\x01\x00\x76\x00'
      printf '%-117s\n' "$header"
      sed -E 's/.*"keys":\[([^]]*)\].*/\1/; s/"//g; s/,/\n/g' <<< "$line" | awk '{
        state = 7
        for (i = 1; i <= length($0); i++)
          state = (state * 17 + index("0123456789abcdef", substr($0, i, 1))) % 65521
        text = ""
        for (i = 0; i < 784; i++) {
          state = (state * 75 + 74) % 65537
          text = text sprintf("%c", 33 + int(state / 700))
        }
        printf "%s", text
      }' | head -c $((rows * 784))
    } > "$work/frame"
    if [ "$mode" = latent ] || [ "$mode" = nan ]; then
      {
        printf '\x93NUMPY\x01\x00\x76\x00'
        printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': ($count, 4, 4, 4), }"
        if [ "$mode" = nan ]; then printf '\xff\xff\xff\xff'; else head -c 4 /dev/zero; fi
        head -c $((count * 256 - 4)) /dev/zero
      } > "$work/frame"
    fi
    # Other last bits every time it runs.
    [ "$mode" = last-bits ] && [ -n "${CHANGE:-}" ] &&
      printf "$CHANGE" | dd of="$work/frame" bs=1 seek=$((128 + number)) conv=notrunc 2> /dev/null
    bytes=$(wc -c < "$work/frame")
    sha256=$(sha256sum < "$work/frame" | cut -c1-64)
    case $mode in
    wrong-hash) sha256=$(printf '%064d' 0) ;;
    wrong-first) first=$((first + 1)) ;;
    larger) bytes=$((bytes + 1000000)) ;;
    negative) bytes=-1 ;;
    half)
      answer "{\"type\":\"frame\",\"first\":$first,\"count\":$count,\"bytes\":$bytes,\"sha256\":\"$sha256\"}"
      head -c 100 "$work/frame" >&3
      exit 0
      ;;
    garbage) head -c 100000 /dev/zero >&3 ;;
    one-constant)
      # The first image of every frame.
      { head -c 128 "$work/frame"; head -c 784 /dev/zero; tail -c +913 "$work/frame"; } > "$work/same"
      mv "$work/same" "$work/frame"
      sha256=$(sha256sum < "$work/frame" | cut -c1-64)
      ;;
    constant)
      { head -c 128 "$work/frame"; head -c $((rows * 784)) /dev/zero; } > "$work/same"
      mv "$work/same" "$work/frame"
      sha256=$(sha256sum < "$work/frame" | cut -c1-64)
      ;;
    esac
    answer "{\"type\":\"frame\",\"first\":$first,\"count\":$count,\"bytes\":$bytes,\"sha256\":\"$sha256\"}"
    cat "$work/frame" >&3
    ;;
  *'"type":"stop"'*) exit 0 ;;
  esac
done
