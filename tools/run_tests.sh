#!/usr/bin/env bash
# Run lint, type checks and the fast tests, as in CI. Extra arguments go to pytest: -k mining, -m slow for
# the slow tests (15 minutes or more), -m "" for all tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup_env.sh
echo "run_tests: ruff"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
echo "run_tests: types"
.venv/bin/basedpyright
echo "run_tests: pytest"
# One thread per process: the tests are many small computations.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=2 GLOG_minloglevel=2
exec .venv/bin/python -m pytest -m "not slow" "$@"
