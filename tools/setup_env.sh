#!/usr/bin/env bash
# Create the virtual environment .venv with the packages pinned in requirements/.
# Idempotent: does nothing when it is up to date. No root, no compiler; Python 3.10 to 3.12.
#   PYTHON=python3.12 bash tools/setup_env.sh     # choose the interpreter
#   TORCH="torch==2.1.2 torchvision==0.16.2" bash tools/setup_env.sh   # other versions of torch
#   TORCH_INDEX=URL bash tools/setup_env.sh       # package index of torch, for another CUDA
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.10 python3 python}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' \
            2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "setup_env: PYTHON must be Python 3.10, 3.11 or 3.12 with venv, but none of" \
        "'${PYTHON:-python3.11 python3.12 python3.10 python3 python}' is. Install one or set PYTHON=..." >&2
    return 1
}

# The torch of requirements/torch.txt is built for CUDA 13, which needs a driver of 580 or newer and
# compute capability 7.5 (Turing) or newer. Without them it would run on the CPU.
check_gpu() {
    if [ -n "${TORCH_INDEX:-}" ] || ! nvidia-smi -L 2>/dev/null | grep -q GPU; then return; fi
    local query="nvidia-smi --format=csv,noheader,nounits --query-gpu"
    local driver capability
    driver="$($query=driver_version | sort -V | head -n 1)"
    capability="$($query=compute_cap | sort -V | head -n 1)"
    if [ "$(printf '%s\n' 580 "$driver" | sort -V | head -n 1)" = 580 ] &&
        [ "$(printf '%s\n' 7.5 "$capability" | sort -V | head -n 1)" = 7.5 ]; then return; fi
    echo "setup_env: the pinned torch needs driver 580 and compute capability 7.5 or newer, but this" \
        "machine has driver $driver and capability $capability. Set TORCH_INDEX to PyTorch's index of" \
        "wheels for CUDA 12.6 (V100 and older cards, older drivers) or of wheels for CPUs" \
        "(pytorch.org, Get Started)." >&2
    return 1
}

wanted="$( (cat requirements/{torch,runtime,dev,no_deps}.txt tools/setup_env.sh && echo "${TORCH:-}") | cksum)"
if [ "$(cat .venv/READY 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

check_gpu
python="$(find_python)"
echo "setup_env: creating .venv with $("$python" --version) (about two minutes and 6 GB with CUDA libraries)"
rm -f .venv/READY
"$python" -m venv .venv
pip() {
    .venv/bin/python -m pip --disable-pip-version-check "$@"
}
step() {
    echo "setup_env: [$1/4] $2"
}
step 1 "torch and torchvision"
torch=(-r requirements/torch.txt)
if [ -n "${TORCH:-}" ]; then
    read -r -a torch <<<"$TORCH $(grep -o '^setuptools[^ ]*' requirements/torch.txt)"
fi
pip install -qq "${torch[@]}" ${TORCH_INDEX:+-i "$TORCH_INDEX"}
step 2 "numpy, OpenCV, pyarrow, dependencies of the frameworks, pytest, ruff and basedpyright"
pip install -qq -r requirements/runtime.txt -r requirements/dev.txt
step 3 "mmengine, mmcv-lite, mmpretrain, mmpose, mmdet and mediapipe"
pip install -qq --no-deps -r requirements/no_deps.txt
step 4 "simhand_mm (editable), and an import test"
pip install -qq --no-deps --no-build-isolation --editable .
.venv/bin/python -W ignore -c 'import simhand_mm, mmpretrain.models, mmpose.models, mediapipe'
echo "$wanted" >.venv/READY
echo "setup_env: .venv is ready"
