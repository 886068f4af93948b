#!/usr/bin/env bash
# Builds dis-eval of this checkout and puts it on the PATH of the steps that follow.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/setup
swift build -c release --product dis-eval
folder=$(swift build -c release --show-bin-path)
if [ "${GITHUB_ACTIONS:-}" = true ] && [ -n "${GITHUB_PATH:-}" ]; then
  printf '%s\n' "$folder" >> "$GITHUB_PATH"
fi
printf '%s\n' "$folder/dis-eval"
