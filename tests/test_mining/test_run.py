"""Whole runs: shards, resuming, the report, and errors."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from simhand_mm.executors import LocalExecutor, RayExecutor, WorkerDied
from simhand_mm.mining import (
    SimilarSettings,
    format_report,
    mine_similar,
    write_simple_pairs,
)
from simhand_mm.mining.embedding import embed_pool
from simhand_mm.mining.pairs import temporal_pairs
from simhand_mm.mining.run import SimilarRun
from simhand_mm.mining.search import build_engine
from simhand_mm.mining.shards import default_num_shards, shard_of_process
from simhand_mm.pool import load_pairs
from tests.references import neighbors as reference
from tests.test_mining.conftest import random_keypoints, write_pool

RANKS = (1, 3, 40)
TOOL = Path(__file__).parents[2] / "tools" / "mine_pairs.py"


def settings(**changes):
    return SimilarSettings(**{"ranks": RANKS, "num_shards": 3, **changes})


def pair_files(pool):
    return sorted(path.name for path in (pool.root / "pairs").iterdir())


def test_mine_similar_equals_reference(pool):
    report = mine_similar(pool, "top", settings())
    pairs = load_pairs(pool.root, "top", pool)
    index, distance = reference.nearest(
        embed_pool(pool)[1], pool.video_index, range(len(pool)), RANKS
    )
    np.testing.assert_array_equal(pairs.positive_index, index)
    np.testing.assert_array_equal(pairs.distance, distance)
    assert (pairs.rule, pairs.metric) == ("similar", "pose_embedding_l2")
    assert pairs.ranks.tolist() == list(RANKS)
    assert pair_files(pool) == ["top.json", "top.npz"]
    assert report == json.loads((pool.root / "pairs" / "top.json").read_text())
    assert report["verification"] == {"num_queries": 100, "num_equal": 100, "recall": 1.0}


@pytest.mark.parametrize("engine", ["torch", "faiss"])
def test_engines_give_the_same_pairs(pool, engine):
    mine_similar(pool, "a", settings())
    mine_similar(pool, "b", settings(engine=engine))
    a, b = load_pairs(pool.root, "a"), load_pairs(pool.root, "b")
    np.testing.assert_array_equal(a.positive_index, b.positive_index)
    np.testing.assert_array_equal(a.distance, b.distance)


def test_killed_run_continues_and_gives_the_same_bytes(pool, monkeypatch):
    mine_similar(pool, "whole", settings())
    mine = SimilarRun.mine_shard

    def killed(run, shard):
        if shard == 2:
            raise KeyboardInterrupt
        mine(run, shard)

    monkeypatch.setattr(SimilarRun, "mine_shard", killed)
    with pytest.raises(KeyboardInterrupt):
        mine_similar(pool, "parts", settings())
    monkeypatch.undo()
    run = SimilarRun(pool, "parts", settings())
    assert run.shards.missing() == [2]
    before = {path.name: path.stat().st_mtime_ns for path in run.shards.folder.glob("*.npz")}
    run.mine_shard(0)
    assert {p.name: p.stat().st_mtime_ns for p in run.shards.folder.glob("*.npz")} == before
    mine_similar(pool, "parts", settings())
    folder = pool.root / "pairs"
    assert (folder / "parts.npz").read_bytes() == (folder / "whole.npz").read_bytes()
    assert pair_files(pool) == ["parts.json", "parts.npz", "whole.json", "whole.npz"]


@pytest.mark.parametrize("step", ["_write_report", "save_pairs"])
def test_run_killed_while_joining_continues(pool, monkeypatch, step):
    whole = mine_similar(pool, "whole", settings())
    with monkeypatch.context() as patch:
        patch.setattr(f"simhand_mm.mining.run.{step}", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mine_similar(pool, "parts", settings())
    assert not (pool.root / "pairs" / "parts.npz").exists()
    assert SimilarRun(pool, "parts", settings()).shards.missing() == []
    assert mine_similar(pool, "parts", settings()) == whole
    (pool.root / "pairs" / "parts.json").unlink()
    assert mine_similar(pool, "parts", settings()) == whole


def test_last_of_several_processes_joins_the_shards(pool):
    mine_similar(pool, "whole", settings())
    assert mine_similar(pool, "parts", settings(), shard=2) is None
    assert mine_similar(pool, "parts", settings(), shard=0) is None
    assert mine_similar(pool, "parts", settings(), shard=1)["verification"]["recall"] == 1
    again = mine_similar(pool, "parts", settings(), shard=1)  # started once too often
    assert again["verification"]["recall"] == 1
    folder = pool.root / "pairs"
    assert (folder / "parts.npz").read_bytes() == (folder / "whole.npz").read_bytes()


def test_shard_of_other_settings_is_not_used(pool):
    mine_similar(pool, "top", settings(), shard=0)
    assert SimilarRun(pool, "top", settings(ranks=(1,))).shards.missing() == [0, 1, 2]
    assert SimilarRun(pool, "top", settings(group_by="source")).shards.missing() == [0, 1, 2]
    assert SimilarRun(pool, "top", settings(num_dims=3)).shards.missing() == [0, 1, 2]


def test_run_with_other_settings_mines_again(pool):
    mine_similar(pool, "top", settings())
    mine_similar(pool, "top", settings(group_by="source"))
    positive = load_pairs(pool.root, "top").positive_index
    source = pool.source_index
    assert (source[positive] != source[:, None]).all()


def test_report_figures(tmp_path):
    videos = random_keypoints(6, 20)
    videos["a999"] = videos["a000"].copy()  # the same footage again
    videos["b998"] = np.zeros((5, 21, 2))  # failed detections
    pool = write_pool(tmp_path, videos)
    report = mine_similar(pool, "top", settings(ranks=(1, 2)))
    first, second = report["ranks"]
    assert report["num_unusable"] == 5
    assert first["num_pairs"] == len(pool) - 5
    assert first["zero_share"] == pytest.approx(40 / 140)
    assert second["zero_share"] == 0
    assert first["same_video_share"] == 0
    pairs = load_pairs(pool.root, "top", pool)
    used = pairs.positive_index[pairs.positive_index[:, 0] >= 0, 0]
    assert first["in_degree_max"] == np.bincount(used).max()
    assert 0 < report["same_group_share"] <= 1
    assert report["explained_variance"] == pytest.approx(
        embed_pool(pool)[0].explained_variance.sum()
    )
    text = format_report(report)
    assert "5 hands have no usable keypoints" in text
    assert "100 of 100 random queries" in text


@pytest.mark.parametrize(
    "name", ["embedding.npz", "pose_embeddings.npy", "pairs/top.npz", "pairs/top.json"]
)
@pytest.mark.parametrize("size", [0, 100, -2])
def test_cut_off_results_are_made_again(pool, name, size):
    """A copy of a pool may have been stopped."""
    mine_similar(pool, "top", settings())
    before = (pool.root / name).read_bytes()
    (pool.root / name).write_bytes(before[:size])
    mine_similar(pool, "top", settings())
    assert (pool.root / name).read_bytes() == before


def test_wrong_dimensions_leave_the_embedding_alone(pool):
    mine_similar(pool, "top", settings())
    with pytest.raises(ValueError, match="num_dims must be 1 to 42"):
        mine_similar(pool, "top", settings(num_dims=43))
    assert (pool.root / "embedding.npz").is_file()


def test_pool_of_one_video_has_no_pairs(tmp_path):
    pool = write_pool(tmp_path, random_keypoints(1))
    report = mine_similar(pool, "top", settings())
    assert [row["num_pairs"] for row in report["ranks"]] == [0, 0, 0]
    assert (load_pairs(pool.root, "top").positive_index == -1).all()
    text = format_report(report)
    assert "100.0% of hands have their nearest hand in the same video" in text
    few = "rank 1: 0 of 30, rank 3: 0 of 30, rank 40: 0 of 30"
    assert f"WARNING: few hands have a positive ({few}); a hand has a positive of rank n" in text


def test_a_rank_that_most_hands_lack_is_warned_of(tmp_path):
    keypoints = random_keypoints(2)
    keypoints["a000"] = keypoints["a000"][:1]
    pool = write_pool(tmp_path, keypoints)
    text = format_report(mine_similar(pool, "top", settings(ranks=(1, 3))))
    assert "WARNING: few hands have a positive (rank 3: 1 of 31); " in text
    assert "rank 1" not in text[text.index("WARNING") :]
    assert "WARNING" not in format_report(mine_similar(pool, "near", settings(ranks=(1,))))


def test_temporal_pairs_of_lone_frames_are_warned_of(tmp_path):
    report = write_simple_pairs(
        pool := write_pool(tmp_path, random_keypoints(4, frames=1)), "t", temporal_pairs(pool)
    )
    text = format_report(report)
    assert "WARNING: few hands have a positive (rank 1: 0 of 4); " in text and "--max-gap-s" in text


@pytest.mark.parametrize("name", ["../similar", "a/b", ".hidden", ""])
def test_pairs_stay_in_their_folder(pool, name):
    with pytest.raises(ValueError, match="name of pairs must be a plain file name"):
        mine_similar(pool, name, settings())
    assert not (pool.root / "pairs").exists()


def test_wrong_answers_of_an_engine_are_detected(pool, monkeypatch):
    from simhand_mm.functional.neighbors import NeighborIndex

    search = NeighborIndex.search

    def off_by_one(self, rows, ranks):
        index, distance = search(self, rows, ranks)
        return index - 1, distance

    monkeypatch.setattr(NeighborIndex, "search", off_by_one)
    with pytest.raises(RuntimeError, match="engine exact must equal brute force"):
        mine_similar(pool, "top", settings())
    assert not (pool.root / "pairs" / "top.npz").exists()


@pytest.mark.parametrize("num_workers", [1, 2])
def test_processes_give_the_same_bytes(pool, num_workers):
    mine_similar(pool, "here", settings())
    mine_similar(pool, "there", settings(), executor=LocalExecutor(num_workers))
    here, there = (pool.root / "pairs" / f"{name}.npz" for name in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


def test_index_is_built_once_for_all_shards(pool, monkeypatch):
    build = Mock(side_effect=build_engine)
    monkeypatch.setattr("simhand_mm.mining.run.build_engine", build)
    mine_similar(pool, "top", settings(num_shards=5))
    assert build.call_count == 1


def test_run_is_pickled_without_its_index(pool):
    run = SimilarRun(pool, "top", settings())
    assert run.engine is not None
    sent = pickle.dumps(run)
    assert len(sent) < 10_000
    assert pickle.loads(sent).shards.key == run.shards.key


class DyingExecutor:
    """Executor whose worker of shard 1 dies."""

    threads_per_worker = 1

    def __call__(self, tasks, build_worker):
        worker = build_worker()
        for task in tasks:
            yield task, WorkerDied("exit code -9") if task == 1 else worker(task)


def test_dead_worker_loses_one_shard_only(pool):
    with pytest.raises(RuntimeError, match=r"workers died at \{'1': 'exit code -9'\} of 3 shards"):
        mine_similar(pool, "top", settings(), executor=DyingExecutor())
    assert SimilarRun(pool, "top", settings()).shards.missing() == [1]
    assert mine_similar(pool, "top", settings())["verification"]["recall"] == 1


@pytest.mark.slow
def test_ray_on_two_nodes_gives_the_same_bytes(pool, two_ray_nodes):
    mine_similar(pool, "here", settings())
    mine_similar(pool, "there", settings(), executor=RayExecutor(one_per_machine=True))
    here, there = (pool.root / "pairs" / f"{name}.npz" for name in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


def test_missing_ray_names_the_extra(pool, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"simhand-mm\[ray\]"):
        mine_similar(pool, "top", settings(), executor=RayExecutor())


def test_shard_of_process(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert shard_of_process("torchrun") == (1, 4)
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    with pytest.raises(ValueError, match="SLURM_PROCID and SLURM_NTASKS are not set"):
        shard_of_process("slurm")


def test_default_num_shards_grows_with_the_work():
    assert default_num_shards(3000, 1) == 1
    assert default_num_shards(2_000_000, 1) == 4
    assert default_num_shards(2_000_000, 5000) == 10


def run_tool(*arguments):
    return subprocess.run(
        [sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_tool_mines_and_reports(pool):
    done = run_tool(pool.root, "--ranks", "1,2", "--name", "top2")
    assert done.returncode == 0, done.stderr
    assert "the same answers as brute force in float64" in done.stdout
    assert load_pairs(pool.root, "top2", pool).ranks.tolist() == [1, 2]


def test_tool_reports_a_missing_pool(tmp_path):
    done = run_tool(tmp_path / "nowhere")
    assert done.returncode == 1
    assert "simhand mine: POOL must be a finished hand pool" in done.stderr
    assert "Traceback" not in done.stderr
