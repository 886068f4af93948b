#!/usr/bin/env bash
# Chooses the number of samples and of steps for the time budget, and says how wide the interval will be.
# Run it once, on the same kind of runner as the gate, and commit the plan: results with different numbers
# are not comparable.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/ci/common.sh
. "$here/common.sh"
# shellcheck source=scripts/ci/score.sh
. "$here/score.sh"

settings
[ "$subject" = CHECKPOINT ] || fail 64 "IMAGES is '$IMAGES': images are scored as they are, without a plan"
check_inputs
fetch_inputs
make_plan
