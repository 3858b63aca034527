"""The tool with MediaPipe and all: the same bytes by whatever way a pool is prepared."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simhand_mm.synthetic import Contents, synthesize

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NUM_VIDEOS = 16
NUM_KILLS = 5
FILES = ("hands.parquet", "drops.parquet", "hands.arrow", "pool.json", "crops/*.lmdb")


@pytest.fixture(scope="module")
def videos_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("synthetic")
    synthesize(root, Contents(NUM_VIDEOS, 8, 0, 0))
    return root / "videos"


def command(videos_dir, pool_dir, *options):
    tool = ROOT / "tools" / "prepare_pool.py"
    return [sys.executable, str(tool), str(videos_dir), str(pool_dir), "--fps", "10", *options]


def prepare(videos_dir, pool_dir, *options):
    subprocess.run(command(videos_dir, pool_dir, *options), check=True, cwd=ROOT)


def digests(pool_dir):
    files = sorted(path for pattern in FILES for path in pool_dir.glob(pattern))
    assert len(files) == len(FILES)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def expected(videos_dir, tmp_path_factory):
    pool_dir = tmp_path_factory.mktemp("one_process")
    prepare(videos_dir, pool_dir, "--workers", "0")
    return digests(pool_dir)


def test_two_processes(videos_dir, expected, tmp_path):
    prepare(videos_dir, tmp_path, "--workers", "2")
    assert digests(tmp_path) == expected


def test_three_shards_in_reverse_order(videos_dir, expected, tmp_path):
    for shard in ("2/3", "1/3", "0/3"):
        prepare(videos_dir, tmp_path, "--workers", "1", "--shard", shard)
        assert not (tmp_path / "pool.json").exists()
    prepare(videos_dir, tmp_path)
    assert digests(tmp_path) == expected


@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_random_moments_and_resumed(videos_dir, expected, tmp_path, workers):
    chance = random.Random(int(workers))
    for _ in range(NUM_KILLS):
        start = command(videos_dir, tmp_path, "--workers", workers)
        process = subprocess.Popen(start, cwd=ROOT, start_new_session=True)
        wait_for_a_part(tmp_path)
        time.sleep(chance.uniform(0, 0.3))  # a video takes about as long
        assert process.poll() is None, "it ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "pool.json").exists()
    prepare(videos_dir, tmp_path, "--workers", workers)
    assert digests(tmp_path) == expected
    assert not list(tmp_path.rglob(".*.tmp"))


def wait_for_a_part(pool_dir):
    """Until there is one more finished video."""
    num_parts = len(list(pool_dir.glob("parts/*.arrow")))
    deadline = time.monotonic() + 120
    while len(list(pool_dir.glob("parts/*.arrow"))) == num_parts:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_killed_while_merging(videos_dir, expected, tmp_path):
    for shard in ("0/2", "1/2"):
        prepare(videos_dir, tmp_path, "--workers", "1", "--shard", shard)
    process = subprocess.Popen(command(videos_dir, tmp_path), cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*.tmp")):
        assert time.monotonic() < deadline
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "pool.json").exists()
    prepare(videos_dir, tmp_path)
    assert digests(tmp_path) == expected


def test_ray_on_two_nodes(videos_dir, expected, tmp_path, two_ray_nodes):
    prepare(videos_dir, tmp_path, "--executor", "ray", "--workers", "2")
    assert digests(tmp_path) == expected
