#!/usr/bin/env bash
# Lint and test everything, as CI does. Extra arguments go to pytest, e.g. -k mining or -m "not slow".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup_env.sh
echo "run_tests: ruff"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
echo "run_tests: pytest"
# One thread a process: the tests are many small computations.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=2 GLOG_minloglevel=2
exec .venv/bin/python -m pytest "$@"
