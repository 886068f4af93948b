#!/usr/bin/env bash
# A generator without Python: images of noise, made by bash, awk and sha256sum. It shows the whole protocol of
# docs/generators.md, and what a metric says of noise.
#
#   dis-eval fid --generator 'scripts/generators/noise.sh [HEIGHT WIDTH CHANNELS]' --ref ...
#
# The bytes of an image come from a generator of random numbers that begins with the key of the sample, so they
# depend on the key alone.
set -euo pipefail
export LC_ALL=C

height=${1:-8} width=${2:-8} channels=${3:-3}
frames=${DIS_EVAL_FRAMES:-}
[ -n "$frames" ] || {
  echo "$0: DIS_EVAL_FRAMES is not set; start it with dis-eval fid --generator '$0'" >&2
  exit 1
}

answer() { printf '%s\n' "$1" >&"$frames"; }
refuse() {
  answer "{\"type\":\"error\",\"message\":\"$1\"}"
  exit 1
}
hash() { if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -c1-64; }
for extent in "$height" "$width" "$channels"; do
  [[ $extent =~ ^[1-9][0-9]{0,3}$ ]] || refuse "noise.sh: found the extent '$extent', expected a number from 1 to 9999"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints the bytes of the images of some keys as octal escapes. L'Ecuyer's combination of two generators
# (Communications of the ACM 31, 1988) needs products below 2^47 only, which are exact in every awk.
escapes() {
  printf '%s\n' "$@" | awk -v size=$((height * width * channels)) '
    function number(digits,  i, value) {
      for (i = 1; i <= length(digits); i++) value = 16 * value + index("0123456789abcdef", substr(digits, i, 1)) - 1
      return value
    }
    BEGIN { for (i = 0; i < 256; i++) escape[i] = sprintf("\\%03o", i) }
    {
      a = 1 + number(substr($0, 1, 8)) % 2147483562
      b = 1 + number(substr($0, 9, 8)) % 2147483398
      for (i = -4; i < size; i++) {
        a = (40014 * a) % 2147483563
        b = (40692 * b) % 2147483399
        # The first numbers still resemble the key.
        if (i >= 0) printf "%s", escape[int((a - b + 2147483563) / 16384) % 256]
      }
    }'
}

# Writes the images of some keys as a .npy file: a header whose length is a multiple of 64, and the bytes.
write_images() {
  local count=$#
  local header="{'descr': '|u1', 'fortran_order': False, 'shape': ($count, $height, $width, $channels), }"
  local length=$(((${#header} + 11 + 63) / 64 * 64 - 10))
  # shellcheck disable=SC2059  # The octal escapes are the format.
  {
    printf "\\x93NUMPY\\x01\\x00\\x$(printf %02x $((length % 256)))\\x$(printf %02x $((length / 256)))"
    printf '%-*s\n' $((length - 1)) "$header"
    printf "$(escapes "$@")"
  } > "$work/images.npy"
}

protocol=dis-eval-generator/1
while read -r line; do
  line=${line//[[:space:]]/}
  case $line in
    *'"type":"hello"'*)
      [[ $line =~ \"protocol\":\"$protocol\" ]] || refuse "noise.sh: expected the protocol $protocol"
      [[ ! $line =~ \"settings\":\{([^}]+)\} ]] ||
        refuse "noise.sh does not confirm the settings ${BASH_REMATCH[1]//\"/}; leave out these options"
      about="\"name\":\"noise.sh\",\"version\":\"1\",\"image\":[$height,$width,$channels],\"differs\":\"nothing\""
      answer "{\"type\":\"ready\",\"protocol\":\"$protocol\",$about}"
      ;;
    *'"type":"make"'*)
      [[ $line =~ \"first\":([0-9]+) ]] && first=${BASH_REMATCH[1]}
      [[ $line =~ \"keys\":\[([^]]*)\] ]] && keys=${BASH_REMATCH[1]}
      IFS=, read -r -a keys <<< "${keys//\"/}"
      write_images "${keys[@]}"
      about="\"bytes\":$(($(wc -c < "$work/images.npy"))),\"sha256\":\"$(hash "$work/images.npy")\""
      answer "{\"type\":\"frame\",\"first\":$first,\"count\":${#keys[@]},$about}"
      cat "$work/images.npy" >&"$frames"
      ;;
    *'"type":"stop"'*) break ;;
    *) refuse "noise.sh: found a request of an unknown type" ;;
  esac
done
