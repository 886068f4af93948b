#!/usr/bin/env bash
# Scores a run when all tasks of its array have ended. If any failed, exits with 65 and says what is
# missing. Submitted by slurm-submit.
#SBATCH --job-name=dis-eval-merge
#SBATCH --ntasks=1
#SBATCH --time=01:00:00
#SBATCH --open-mode=append
#SBATCH --output=dis-eval-merge-%j.log
set -euo pipefail
# shellcheck source=scripts/cluster/run.conf
. "$1"
exec "$DIS_EVAL" merge "$RUN" --out "$RESULT"
