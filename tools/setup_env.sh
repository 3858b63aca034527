#!/usr/bin/env bash
# Make the virtual environment .venv with everything pinned in requirements/.
# Idempotent: does nothing when it is up to date. No root, no compiler; Python 3.10 to 3.12.
#   PYTHON=python3.12 bash tools/setup_env.sh     # choose the interpreter
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

wanted="$(cat requirements/*.txt tools/setup_env.sh | cksum)"
if [ "$(cat .venv/READY 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

python="$(find_python)"
echo "setup_env: making .venv with $("$python" --version) (about two minutes and 6 GB with CUDA libraries)"
rm -f .venv/READY
"$python" -m venv .venv
pip() {
    .venv/bin/python -m pip --disable-pip-version-check "$@"
}
step() {
    echo "setup_env: [$1/4] $2"
}
step 1 "torch and torchvision"
pip install -qq -r requirements/torch.txt
step 2 "numpy, OpenCV, pyarrow, what the frameworks import, pytest and ruff"
pip install -qq -r requirements/runtime.txt -r requirements/dev.txt
step 3 "mmengine, mmcv-lite, mmpretrain, mmpose, mmdet and mediapipe"
pip install -qq --no-deps -r requirements/no_deps.txt
step 4 "simhand_mm itself (editable), and a trial import"
pip install -qq --no-deps --no-build-isolation --editable .
.venv/bin/python -W ignore -c 'import simhand_mm, mmpretrain.models, mmpose.models, mediapipe'
echo "$wanted" >.venv/READY
echo "setup_env: .venv is ready"
