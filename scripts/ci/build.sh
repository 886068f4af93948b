#!/usr/bin/env bash
# Builds dis-eval from this checkout. Writes only the path of the program to standard output.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/setup >&2
# Exit status 1 would mean that the checkpoint is worse.
swift build -c release --product dis-eval >&2 || exit 69
printf '%s\n' "$(swift build -c release --show-bin-path)/dis-eval"
