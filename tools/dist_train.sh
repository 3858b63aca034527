#!/usr/bin/env bash
# Train on several GPUs of one or more machines (without a GPU: on CPUs with gloo):
#   simhand dist-train CONFIG NUM_PROCESSES [arguments of simhand train]
# On several machines, run on each: NNODES=2 NODE_RANK=0 MASTER_ADDR=<first machine> PORT=29500.
set -euo pipefail
usage() {
    sed -n '2,4s/^# //p' "$0"
}
case "${1:-}" in -h | --help) usage && exit ;; esac
if [ $# -lt 2 ]; then
    usage >&2
    exit 2
fi
config="$1" processes="$2"
shift 2
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || echo python)}"
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node-rank="${NODE_RANK:-0}" --nproc-per-node="$processes" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" --master-port="${PORT:-29500}" \
    "$root/tools/train.py" "$config" --launcher pytorch "$@"
