#!/usr/bin/env bash
# Train on a Slurm cluster, one task per GPU:
#   GPUS=8 simhand slurm-train PARTITION JOB_NAME CONFIG WORK_DIR [arguments of simhand train]
# Other variables: GPUS_PER_NODE (8), CPUS_PER_TASK (12), PORT (from the job ID), SRUN_ARGS (more
# options of srun). CPU_ONLY=1 requests no GPU: GPUS is then the number of processes.
# With --resume, a cancelled job continues from its latest checkpoint when submitted again.
set -euo pipefail
usage() {
    sed -n '2,5s/^# //p' "$0"
}
case "${1:-}" in -h | --help) usage && exit ;; esac
if [ $# -lt 4 ]; then
    usage >&2
    exit 2
fi
partition="$1" job="$2" config="$3" work_dir="$4"
shift 4
gpus="${GPUS:-8}" per_node="${GPUS_PER_NODE:-8}"
if [ "$gpus" -lt "$per_node" ]; then per_node="$gpus"; fi
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || echo python)}"
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
if [ -n "${PORT:-}" ]; then export MASTER_PORT="$PORT"; fi
read -r -a srun_args <<<"${SRUN_ARGS:-}"
if [ -z "${CPU_ONLY:-}" ]; then srun_args+=(--gres="gpu:$per_node"); fi
exec srun --partition="$partition" --job-name="$job" --ntasks="$gpus" \
    --ntasks-per-node="$per_node" --cpus-per-task="${CPUS_PER_TASK:-12}" --kill-on-bad-exit=1 \
    "${srun_args[@]}" \
    "$python" -u "$root/tools/train.py" "$config" --work-dir "$work_dir" --launcher slurm "$@"
