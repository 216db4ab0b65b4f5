#!/usr/bin/env bash
# One study on the nodes of a Slurm job, from the project's root on a shared home:
#
#     sbatch cluster/slurm.sh search_spaces/faces.yaml --tracking-uri http://MLFLOW:5000
#
# What follows the study goes to `ablate run`. Submitted again, or put back into the queue, it continues where it stopped.
#SBATCH --job-name=ablate
#SBATCH --nodes=10
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail

study=${1:?'name a study: sbatch cluster/slurm.sh search_spaces/faces.yaml'}
shift

. .venv/bin/activate
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
(umask 077; ray get-auth-token --generate > /dev/null)    # ~/.ray/auth_token, which all nodes read; an existing one is kept
export ABLATE_CACHE=/tmp/ablate-$USER                      # decoded data are memory-mapped: each node's own disk, not the home
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=600          # seconds for all nodes to come; Ray's own 30 are too few for many

# This script runs on the job's first node, which becomes the head; HEAD_ADDRESS chooses among several networks.
head=${HEAD_ADDRESS:-$(hostname -I | cut -d' ' -f1)}

# `ray symmetric-run` ends every Ray process of this user on these nodes when it is over: hence --exclusive.
srun --no-kill --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    ray symmetric-run --address "$head:6379" --min-nodes "$SLURM_JOB_NUM_NODES" \
    --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="$SLURM_GPUS_ON_NODE" --disable-usage-stats -- \
    ablate run "$study" --address auto --out runs --yes --quiet "$@"
