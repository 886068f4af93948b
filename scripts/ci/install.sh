#!/usr/bin/env bash
# Gets the dis-eval that $RELEASE names, puts it on the PATH of the following steps of a job on GitHub, and
# prints its path:
#   the address or the path of a release's archive whose SHA-256 is $SHA256,
#   source, which builds this checkout,
#   or installed, which is $DIS_EVAL, or the dis-eval on the PATH.
#
#   install.sh [FOLDER]     where to unpack the archive (default: a new temporary folder)
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/ci/common.sh
. "$here/common.sh"

# Sets $program to the program in the archive.
unpack() {
  local archive=$folder/release.tar.gz found
  [[ ${SHA256:-} =~ ^[0-9A-Fa-f]{64}$ ]] ||
    fail 64 "SHA-256 of the release: found '${SHA256:-}', expected the 64 digits of SHA256SUMS"
  case $RELEASE in
    http://* | https://*)
      say "Fetching $RELEASE"
      curl --fail --silent --show-error --location --retry 3 --output "$archive" -- "$RELEASE" ||
        fail 69 "the release '$RELEASE' cannot be fetched"
      ;;
    *)
      [ -f "$RELEASE" ] || fail 66 "the release '$RELEASE' is not there"
      archive=$RELEASE
      ;;
  esac
  found=$(sha256sum < "$archive")
  [ "${found%% *}" = "${SHA256,,}" ] ||
    fail 65 "the release '$RELEASE' has the SHA-256 ${found%% *}, expected ${SHA256,,}"
  mkdir -p -- "$folder/release"
  tar -xzf "$archive" --no-same-owner -C "$folder/release" || fail 65 "the release '$RELEASE' cannot be unpacked"
  program=$(find "$folder/release" -path '*/bin/dis-eval' -type f -print -quit)
  [ -n "$program" ] || fail 65 "the release '$RELEASE' has no bin/dis-eval"
}

case ${RELEASE:-} in
  '') fail 64 "release: expected the archive of a release and its sha256, 'source' to build, or 'installed'" ;;
  installed)
    program=$(command -v "${DIS_EVAL:-dis-eval}") || fail 69 "DIS_EVAL is '${DIS_EVAL:-dis-eval}', which is not there"
    ;;
  source)
    program=$("$here/build.sh") || fail 69 "building dis-eval has failed"
    [ -n "$program" ] || fail 69 "building dis-eval has failed"
    ;;
  *)
    folder=${1:-$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/dis-eval-XXXXXX")}
    unpack
    ;;
esac
"$program" --version >&2 || fail 69 "'$program' does not run on this machine"
if github GITHUB_PATH; then dirname "$program" >> "$GITHUB_PATH"; fi
printf '%s\n' "$program"
