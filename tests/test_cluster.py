"""The commands of docs/cluster.md, with a fake Slurm that starts the tasks locally."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from simhand_mm.pool import HandPool, load_pairs
from simhand_mm.synthetic import Contents, synthesize
from tests.documented_commands import ROOT, commands_of

pytestmark = pytest.mark.slow

COMMANDS = commands_of(ROOT / "docs" / "cluster.md")
# Replacements that make the commands small; each key must be in the page.
SMALLER = {
    "--fps 1 ": "--fps 10 ",
    "--workers 8": "--workers 0",
    "--array=0-63": "--array=0-2",
    "TASK_ID/64": "TASK_ID/3",
    "--ranks 1,2,3": "--ranks 1,2",
    "--nnodes=4": "--nnodes=1",
    "--nproc-per-node=1": "--nproc-per-node=2",
    "--master-addr=HEAD": "--master-addr=127.0.0.1",
}
SBATCH = """#!{python}
import argparse, os, subprocess
parser = argparse.ArgumentParser()
parser.add_argument("--array", default="0-0")
parser.add_argument("--wrap", required=True)
args, _ = parser.parse_known_args()
first, last = map(int, args.array.split("-"))
for task in range(last, first - 1, -1):
    environment = os.environ | {{"SLURM_ARRAY_TASK_ID": str(task)}}
    subprocess.run(["bash", "-c", args.wrap], check=True, env=environment)
"""
SRUN = """#!{python}
import argparse, os, subprocess
parser = argparse.ArgumentParser()
parser.add_argument("--ntasks", type=int, required=True)
parser.add_argument("--nodes")
parser.add_argument("--exclusive", action="store_true")
parser.add_argument("command", nargs=argparse.REMAINDER)
args = parser.parse_args()
for task in range(args.ntasks):
    environment = os.environ | {{"SLURM_PROCID": str(task), "SLURM_NTASKS": str(args.ntasks)}}
    subprocess.run(args.command, check=True, env=environment)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two videos in ``data/videos``, and programs in ``bin``."""
    root = tmp_path_factory.mktemp("cluster")
    synthesize(root / "synthetic", Contents(4, 8, 0, 0))
    (root / "data").mkdir()
    shutil.move(root / "synthetic" / "videos", root / "data" / "videos")
    (root / "bin").mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN)):
        path = root / "bin" / name
        path.write_text(text.format(python=sys.executable))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return root


def type_in(folder, starts, contains=""):
    """Run the only command of the page with this start and content, made small."""
    (command,) = (c for c in COMMANDS if c.startswith(starts) and contains in c)
    for long, short in SMALLER.items():
        command = command.replace(long, short)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    programs = [str(folder / "bin"), str(Path(sys.executable).parent), environment["PATH"]]
    environment["PATH"] = os.pathsep.join(programs)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def pool(folder):
    """A pool prepared with the commands of the page."""
    type_in(folder, "sbatch", "--shard $SLURM_ARRAY_TASK_ID/64")
    assert not (folder / "data" / "pool" / "pool.json").exists()
    assert ".mp4" not in type_in(folder, "simhand prepare", "--dry-run")  # no video is left
    type_in(folder, "sbatch", "--dependency=singleton")
    return HandPool(folder / "data" / "pool")


def test_replaced_options_are_in_the_page():
    page = "\n".join(COMMANDS)
    assert not [long for long in SMALLER if long not in page]


def test_preparation(pool):
    assert len(pool.video_ids) == 4


@pytest.mark.parametrize(
    "starts, contains", [("sbatch", "simhand mine"), ("srun", ""), ("torchrun", "")]
)
def test_mining(folder, pool, starts, contains):
    shutil.rmtree(pool.root / "pairs", ignore_errors=True)
    assert "the same answers as brute force in float64" in type_in(folder, starts, contains)
    pairs = load_pairs(pool.root, "similar", pool)
    assert pairs.ranks.tolist() == [1, 2]
    assert (pairs.positive_index >= 0).all()
