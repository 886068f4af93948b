#!/usr/bin/env bash
# A task of an array, which computes its part of a run. Submitted by slurm-submit, which adds the processors
# and the memory.
#SBATCH --job-name=dis-eval
#SBATCH --array=0-7
#SBATCH --ntasks=1
#SBATCH --time=04:00:00
# The signal goes to the steps, so dis-eval saves its work and exits with 75. B:USR1 would reach only
# the shell.
#SBATCH --signal=USR1@90
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=dis-eval-%A_%a.log
set -uo pipefail
# shellcheck source=scripts/cluster/run.conf
. "$1"
# For the last task of an array, the plain job number means all tasks.
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

# When Slurm ends or requeues the job, the shell gets the signal too. It must stay to see the status.
trap : TERM USR1
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  "$DIS_EVAL" "${ARGUMENTS[@]}" --run "$RUN" --threads "$SLURM_CPUS_PER_TASK"
status=$?

# 74 and 75 are worth another try, and so is a process that was killed. Anything else would fail again.
# A job that is no longer running was cancelled, or has already been requeued.
if [ $status -eq 74 ] || [ $status -eq 75 ] || [ $status -gt 128 ]; then
  if [ "${SLURM_RESTART_COUNT:-0}" -ge "$RESTARTS" ]; then
    echo "exit status $status after $RESTARTS restarts: giving up" >&2
  elif [ "$(squeue --noheader --jobs="$task" --format=%T)" = RUNNING ]; then
    echo "exit status $status: requeueing" >&2
    scontrol requeue "$task"
  fi
fi
exit $status
