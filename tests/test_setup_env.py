"""The check that driver and GPU can run the pinned torch."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NVIDIA_SMI = """#!/bin/sh
case "$*" in
    *-L*) echo "GPU 0: a card" ;;
    *driver_version*) echo {driver} ;;
    *compute_cap*) printf '8.0\\n{capability}\\n' ;;
esac
"""


@pytest.mark.parametrize(
    "driver, capability, index, is_fit",
    [
        ("580.65.06", "7.5", "", True),
        ("590.1", "10.0", "", True),
        ("535.183.01", "8.0", "", False),
        ("580.65.06", "7.0", "", False),
        ("535.183.01", "7.0", "an index", True),
    ],
)
def test_the_pinned_torch_must_run_on_the_gpu(driver, capability, index, is_fit, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text(NVIDIA_SMI.format(driver=driver, capability=capability))
    program.chmod(0o755)
    script = (ROOT / "tools" / "setup_env.sh").read_text()
    function = script[script.index("check_gpu() {") : script.index("wanted=")]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{function}\ncheck_gpu"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TORCH_INDEX": index},
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) is is_fit, done.stderr
    if not is_fit:
        assert f"driver {driver} and capability {capability}" in done.stderr
        assert "TORCH_INDEX" in done.stderr
