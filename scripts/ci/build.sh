#!/usr/bin/env bash
# Builds dis-eval from this checkout and puts it on the PATH of the following steps. Writes only the path
# of the program to standard output.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/setup >&2
# Exit status 1 would mean that the checkpoint is worse.
swift build -c release --product dis-eval >&2 || exit 69
folder=$(swift build -c release --show-bin-path)
if [ "${GITHUB_ACTIONS:-}" = true ] && [ -n "${GITHUB_PATH:-}" ]; then
  printf '%s\n' "$folder" >> "$GITHUB_PATH"
fi
printf '%s\n' "$folder/dis-eval"
