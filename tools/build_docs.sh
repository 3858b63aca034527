#!/usr/bin/env bash
# Build the documentation site: build/site/index.html, readable from the folder and without a network.
# Every warning is an error: a broken link, an unknown reference, a docstring that does not parse.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup_env.sh
.venv/bin/python -m pip --disable-pip-version-check install -qq -r requirements/docs.txt
export OMP_NUM_THREADS=1 PYTHONWARNINGS=ignore
.venv/bin/python -m sphinx --fail-on-warning --keep-going --jobs auto --quiet -c docs -d build/docs . build/site "$@"
echo "build_docs: open build/site/index.html"
