"""Folder -> pool: the same bytes however it is prepared, and clear words for what is wrong."""

import errno
import os
import resource
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from simhand_mm.cli import find_file
from simhand_mm.executors import LocalExecutor
from simhand_mm.functional.affine import apply, box_to_image_affine
from simhand_mm.functional.boxes import square_box
from simhand_mm.pool import HandPool, PoolWriter, write_detections
from simhand_mm.preparation import video_files
from simhand_mm.preparation.inputs import read_input
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation, RunPolicy
from simhand_mm.preparation.videos import VideoError
from tests.test_preparation.stubs import (
    PATTERN,
    POSE,
    SquareEstimator,
    StubBoxesRecipe,
    StubRecipe,
    empty_frame,
    hand_frame,
    write_hand_video,
    write_video,
)

SETTINGS = CropSettings(source="test", fps=5, crop_size=48)
HERE = LocalExecutor(0)


@pytest.fixture(scope="module")
def videos_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("videos")
    for number in range(6):
        side = "left" if number % 2 else "right"
        write_hand_video(root / f"s{number % 2}" / f"v{number}.mp4", 8, side, first=5 * number)
    return root


def preparation(videos_dir, pool_dir, settings=SETTINGS, seconds=0.0):
    return Preparation(Path(videos_dir), Path(pool_dir), settings, StubRecipe(seconds))


def settings_of(run):
    return run._pool_settings(read_input(run.source, run.footage))


def contents(pool_dir):
    names = ["hands.parquet", "drops.parquet", "hands.arrow", "pool.json", "crops/00000.lmdb"]
    return {name: (pool_dir / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def reference(videos_dir, tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    preparation(videos_dir, root / "pool").run(HERE)
    return root / "pool"


def drops_of(pool_dir):
    rows = pq.read_table(pool_dir / "drops.parquet").to_pylist()
    return {(row["video_id"], row["reason"]) for row in rows}


def test_pool_holds_right_hands_with_keypoints_in_the_crop(reference):
    pool = HandPool(reference)
    assert pool.video_ids == ["s0/v0", "s0/v2", "s0/v4", "s1/v1", "s1/v3", "s1/v5"]
    assert len(pool) == 6 * 4
    assert pool.frame_index[:4].tolist() == [0, 2, 4, 6]
    assert pool.time_s[:4].tolist() == pytest.approx([0, 0.2, 0.4, 0.6])
    assert pool.hand_id(1) == "s0/v0/000002/0"
    np.testing.assert_array_equal(pool.is_mirrored, pool.handedness_index == 0)
    for row in (0, 15):
        crop = cv2.imdecode(np.frombuffer(pool.read_crop(row), np.uint8), cv2.IMREAD_COLOR)
        assert crop.shape == (48, 48, 3)
        hand = pool.keypoints_2d[row]
        assert crop[tuple(hand.mean(0).round().astype(int)[::-1])].max() > 150
        # The square is put on whole pixels.
        box = square_box(pool.bbox_xyxy[row], 1.3)
        left, top, side = np.round([box[0], box[1], box[2] - box[0]])
        affine = box_to_image_affine(
            np.array([left, top, left + side, top + side]), (48, 48), pool.is_mirrored[row]
        )
        low, high = pool.bbox_xyxy[row][:2], pool.bbox_xyxy[row][2:] - 1
        expected = apply(affine, low + PATTERN * (high - low))
        np.testing.assert_allclose(hand, expected, atol=1e-4)
        mirror = [-1 if pool.is_mirrored[row] else 1, 1, 1]
        np.testing.assert_allclose(pool.keypoints_3d[row], (POSE - POSE[0]) * mirror, rtol=1e-5)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_worker_processes_give_the_same_bytes(videos_dir, reference, tmp_path, num_workers):
    preparation(videos_dir, tmp_path).run(LocalExecutor(num_workers))
    assert contents(tmp_path) == contents(reference)


def test_shards_in_any_order_give_the_same_bytes(videos_dir, reference, tmp_path):
    for index in (2, 0, 1):
        assert preparation(videos_dir, tmp_path).run(HERE, shard=(index, 3)) is None
        assert not (tmp_path / "pool.json").exists()
    preparation(videos_dir, tmp_path).run(HERE)
    assert contents(tmp_path) == contents(reference)


RUN = """
import sys
from tests.test_preparation.test_run import LocalExecutor, preparation
preparation(*sys.argv[1:3], seconds=0.02).run(LocalExecutor(int(sys.argv[3])))
"""


@pytest.mark.parametrize("num_workers, whole_group", [(0, False), (2, False), (2, True)])
def test_killed_runs_continue_to_the_same_bytes(
    videos_dir, reference, tmp_path, num_workers, whole_group
):
    command = [sys.executable, "-c", RUN, str(videos_dir), str(tmp_path), str(num_workers)]
    for num_parts in (1, 3):
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2], start_new_session=True)
        deadline = time.monotonic() + 30
        while len(list(tmp_path.glob("parts/*.arrow"))) < num_parts:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "pool.json").exists()
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/*.arrow")}
    preparation(videos_dir, tmp_path).run(HERE)
    assert contents(tmp_path) == contents(reference)
    kept = [path for path, changed in finished.items() if path.stat().st_mtime_ns == changed]
    assert len(kept) >= 3  # orphans of a killed parent may have finished the video they were at
    assert not list(tmp_path.glob("**/.*.tmp"))


def test_kill_while_merging_is_mended(videos_dir, reference, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("simhand_mm.pool.writer.write_arrow", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            preparation(videos_dir, tmp_path).run(HERE)
    with pytest.raises(FileNotFoundError, match=r"pool\.json does not exist"):
        HandPool(tmp_path)
    (tmp_path / ".crops.12345678.tmp").mkdir()
    preparation(videos_dir, tmp_path).run(HERE)
    assert contents(tmp_path) == contents(reference)
    assert not list(tmp_path.glob(".*.tmp"))


def test_second_run_does_nothing_and_new_videos_are_added(videos_dir, reference, tmp_path):
    grown = tmp_path / "videos"
    for path in sorted(videos_dir.rglob("*.mp4"))[:4]:
        (grown / path.parent.name).mkdir(parents=True, exist_ok=True)
        os.link(path, grown / path.relative_to(videos_dir))
    pool_dir = tmp_path / "pool"
    preparation(grown, pool_dir).run(HERE)
    changed = (pool_dir / "pool.json").stat().st_mtime_ns
    preparation(grown, pool_dir).run(HERE)
    assert (pool_dir / "pool.json").stat().st_mtime_ns == changed
    preparation(videos_dir, pool_dir).run(HERE)
    assert contents(pool_dir) == contents(reference)


def test_broken_part_is_done_again(videos_dir, reference, tmp_path):
    preparation(videos_dir, tmp_path).run(HERE)
    part = next(tmp_path.glob("parts/*.arrow"))
    part.write_bytes(part.read_bytes()[:100])
    preparation(videos_dir, tmp_path).run(HERE)
    assert contents(tmp_path) == contents(reference)


def test_parts_can_be_removed(videos_dir, reference, tmp_path):
    preparation(videos_dir, tmp_path / "pool").run(HERE, policy=RunPolicy(remove_parts=True))
    assert not (tmp_path / "pool" / "parts").exists()
    info = preparation(videos_dir, tmp_path / "pool").run(HERE)
    assert info["num_hands"] == 24
    assert contents(tmp_path / "pool") == contents(reference)
    write_hand_video(tmp_path / "more" / "new.mp4")
    with pytest.raises(ValueError, match="must have its parts to add videos"):
        preparation(tmp_path / "more", tmp_path / "pool").run(HERE)


def test_other_settings_are_refused(videos_dir, reference):
    other = CropSettings(source="test", fps=2, crop_size=48)
    with pytest.raises(ValueError, match=r"settings must be those .*'fps': \(5, 2\)"):
        preparation(videos_dir, reference, other).run(HERE)
    with pytest.raises(ValueError, match="crop_size must be positive, but got 0"):
        CropSettings(crop_size=0)


@pytest.fixture
def mixed_dir(tmp_path):
    root = tmp_path / "mixed"
    write_hand_video(root / "good.mp4", 4)
    write_hand_video(root / "crash.mp4", 4)
    write_hand_video(root / "bug.mp4", 4)
    write_video(root / "one.mp4", [hand_frame(0)])
    write_video(root / "no_hand.mp4", [empty_frame()] * 3)
    (root / "text.mp4").write_text("no video")
    (root / "empty.mp4").touch()
    (root / "gone.mp4").symlink_to(root / "nowhere.mp4")
    cut = write_hand_video(root / "cut.mp4")
    cut.write_bytes(cut.read_bytes()[:-200])
    return root


def test_bad_videos_are_named_and_the_rest_is_kept(mixed_dir, tmp_path, capsys):
    pool_dir = tmp_path / "pool"
    preparation(mixed_dir, pool_dir).run(LocalExecutor(2))
    assert HandPool(pool_dir).video_ids == ["good", "one"]
    assert drops_of(pool_dir) == {
        ("bug", "error"),
        ("crash", "crashed"),
        ("cut", "not_a_video"),
        ("empty", "empty_file"),
        ("gone", "unreadable_file"),
        ("no_hand", "no_hand"),
        ("text", "not_a_video"),
    }
    told = capsys.readouterr().err
    assert "failed: text (not_a_video)" in told
    statuses = PoolWriter(pool_dir, settings_of(preparation(mixed_dir, pool_dir))).statuses()
    assert statuses["good"].num_hands == 2
    assert statuses["crash"].failure == "crashed"
    assert statuses["no_hand"].failure == ""


def test_min_score_reaches_the_gate_and_the_finder(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(Preparation, "run", lambda self, *_: seen.append(self))
    tool = find_file("tools/prepare_pool.py")
    arguments = [str(tool), str(tmp_path), str(tmp_path / "pool"), "--min-score", "0.3"]
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(str(tool), run_name="__main__")
    assert seen[0].settings.gate.min_score == seen[0].finder.min_score == 0.3


def ids_of(videos):
    return [video.video_id for video in videos]


def test_a_changed_file_is_done_again(tmp_path):
    videos, pool_dir = tmp_path / "videos", tmp_path / "pool"
    write_hand_video(videos / "good.mp4")
    (videos / "late.mp4").touch()
    run = preparation(videos, pool_dir)
    run.run(HERE)
    assert HandPool(pool_dir).video_ids == ["good"]
    assert ids_of(run.dry_run()) == []
    write_hand_video(videos / "late.mp4")
    assert ids_of(run.dry_run()) == ["late"]
    run.run(HERE)
    assert HandPool(pool_dir).video_ids == ["good", "late"]
    os.utime(videos / "good.mp4", (0, 0))
    assert ids_of(run.dry_run()) == ["good"]


def test_a_half_copied_file_that_is_whole_later_gives_the_whole_pool(tmp_path):
    videos, whole = tmp_path / "videos", tmp_path / "whole"
    options = {"options": {"movflags": "faststart"}, "codec_options": {"g": "5"}}
    write_video(whole / "v.mp4", [hand_frame(n) for n in range(40)], **options)
    write_hand_video(whole / "w.mp4")
    videos.mkdir()
    content = (whole / "v.mp4").read_bytes()
    (videos / "v.mp4").write_bytes(content[: len(content) * 2 // 3])
    (videos / "w.mp4").write_bytes((whole / "w.mp4").read_bytes())
    run = preparation(videos, tmp_path / "pool")
    run.run(HERE)
    statuses = PoolWriter(tmp_path / "pool", settings_of(run)).statuses()
    assert (statuses["v"].failure, statuses["v"].problem) == ("", "damaged")
    (videos / "v.mp4").write_bytes(content)
    run.run(HERE)
    preparation(whole, tmp_path / "reference").run(HERE)
    assert contents(tmp_path / "pool") == contents(tmp_path / "reference")


def test_failed_and_damaged_videos_can_be_done_again(mixed_dir, tmp_path, caplog):
    write_video(
        mixed_dir / "half.mp4",
        [hand_frame(n) for n in range(40)],
        options={"movflags": "faststart"},
    )
    half = (mixed_dir / "half.mp4").read_bytes()
    (mixed_dir / "half.mp4").write_bytes(half[: len(half) * 2 // 3])
    run = preparation(mixed_dir, tmp_path / "pool")
    run.run(LocalExecutor(2))
    assert "6 of 10 videos failed" in caplog.text
    assert "1 were used in part (1 damaged)" in caplog.text
    assert ids_of(run.dry_run()) == []
    failed = ["bug", "crash", "cut", "empty", "gone", "text"]
    assert ids_of(run.dry_run(retry_failed=True)) == sorted([*failed, "half"])


def test_older_pools_without_a_record_of_files_go_on(videos_dir, reference, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            "simhand_mm.pool.parts.asdict",
            lambda status: {name: value for name, value in vars(status).items()
                            if name not in ("problem", "file", "num_bytes", "modified_s")},
        )  # fmt: skip
        preparation(videos_dir, tmp_path).run(HERE, shard=(0, 1000))
    assert len(preparation(videos_dir, tmp_path).dry_run()) == 5
    preparation(videos_dir, tmp_path).run(HERE)
    assert contents(tmp_path) == contents(reference)


def test_an_id_does_not_depend_on_files_that_come_later(tmp_path):
    """A new file with the same stem is a video of its own, in front of or behind the old one."""
    videos, pool_dir = tmp_path / "videos", tmp_path / "pool"
    run = preparation(videos, pool_dir)
    write_hand_video(videos / "clip.mov", 3)
    run.run(HERE)
    first = HandPool(pool_dir)
    crops = [first.read_crop(row) for row in range(len(first))]
    write_hand_video(videos / "clip.avi", 5, "left", first=9)
    write_hand_video(videos / "clip.mp4", 5, "left", first=14)
    assert ids_of(run.dry_run()) == ["clip.avi", "clip.mp4"]
    run.run(HERE)
    pool = HandPool(pool_dir)
    assert pool.video_ids == ["clip", "clip.avi", "clip.mp4"]
    assert [pool.read_crop(row) for row in range(len(pool))][: len(crops)] == crops
    statuses = PoolWriter(pool_dir, settings_of(run)).statuses()
    assert {id: s.file for id, s in statuses.items()} == {
        "clip": "clip.mov",
        "clip.avi": "clip.avi",
        "clip.mp4": "clip.mp4",
    }


def test_a_replaced_file_takes_the_id_over(tmp_path):
    videos, pool_dir = tmp_path / "videos", tmp_path / "pool"
    run = preparation(videos, pool_dir)
    write_hand_video(videos / "clip.mov", 3)
    run.run(HERE)
    (videos / "clip.mov").unlink()
    write_hand_video(videos / "clip.mp4", 5, "left")
    assert ids_of(run.dry_run()) == ["clip"]
    run.run(HERE)
    assert set(HandPool(pool_dir).handedness_index) == {0}


def test_long_ids_and_any_letters(tmp_path):
    """Ids longer than LMDB's keys, and letters that are not ASCII, among short ones."""
    videos, pool_dir = tmp_path / "videos", tmp_path / "pool"
    long = "/".join(["d" * 200] * 3 + ["e" * 48])
    for name in (long, "a", "café 手"):
        write_hand_video(videos / f"{name}.mp4", 3)
    assert len(long) == 651
    preparation(videos, pool_dir).run(LocalExecutor(2))
    pool = HandPool(pool_dir)
    assert pool.video_ids == ["a", "café 手", long]
    assert len({pool.read_crop(row) for row in range(len(pool))}) == 2  # of frames 0 and 2


@pytest.mark.parametrize("damage", [False, True])
def test_hands_of_repeated_frame_numbers_are_refused_video_by_video(
    videos_dir, tmp_path, monkeypatch, damage
):
    sample = video_files.sample_frames

    def repeat(path, *arguments):
        for frame in sample(path, *arguments):
            yield frame
            if path.stem == "v2":
                yield frame
        if path.stem == "v2" and damage:
            raise VideoError(path, "damaged", "it ends")

    monkeypatch.setattr(video_files, "sample_frames", repeat)
    preparation(videos_dir, tmp_path).run(HERE)
    assert HandPool(tmp_path).video_ids == ["s0/v0", "s0/v4", "s1/v1", "s1/v3", "s1/v5"]
    assert drops_of(tmp_path) == {("s0/v2", "repeated_frames")}


def test_a_wrong_array_costs_its_video_only(videos_dir, tmp_path, monkeypatch):
    estimate = SquareEstimator.__call__

    def twenty_scores(self, image):
        found = estimate(self, image)
        return [replace(hand, keypoint_score=np.ones(20)) if hand.handedness == "left" else hand
                for hand in found]  # fmt: skip

    monkeypatch.setattr(SquareEstimator, "__call__", twenty_scores)
    preparation(videos_dir, tmp_path).run(HERE)
    assert HandPool(tmp_path).video_ids == ["s0/v0", "s0/v2", "s0/v4"]
    details = pq.read_table(tmp_path / "drops.parquet")["detail"].to_pylist()
    assert "keypoint_score must have shape (21,), but got (20,)" in details[0]


def test_a_locale_that_is_not_utf8_changes_nothing(tmp_path):
    """Names, tables and messages, in a process whose locale is ASCII."""
    write_hand_video(tmp_path / "videos" / "café.mp4", 3)
    code = """
import sys, locale
assert locale.getpreferredencoding(False) != "UTF-8"
from tests.test_preparation.test_run import LocalExecutor, preparation
for num_workers in (0, 1):
    preparation(*sys.argv[1:3], seconds=0).run(LocalExecutor(num_workers))
"""
    for name, values in {"ascii": {"LC_ALL": "C"}, "utf8": {"LC_ALL": "C.UTF-8"}}.items():
        environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **values}
        lines = code if name == "ascii" else code.replace("!=", "==")
        command = [sys.executable, "-c", lines, tmp_path / "videos", tmp_path / name]
        root = Path(__file__).parents[2]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
    assert HandPool(tmp_path / "ascii").video_ids == ["café"]
    assert contents(tmp_path / "ascii") == contents(tmp_path / "utf8")


def test_too_many_failures_stop_before_merging(tmp_path):
    videos, pool_dir = tmp_path / "videos", tmp_path / "pool"
    write_hand_video(videos / "good.mp4")
    for name in "abc":
        (videos / f"{name}.mp4").touch()
    with pytest.raises(RuntimeError, match=r"0\.5 .*but 3 of 4 failed \(3 empty_file\)"):
        preparation(videos, pool_dir).run(HERE, policy=RunPolicy(max_failed_share=0.5))
    assert not (pool_dir / "pool.json").exists()
    preparation(videos, pool_dir).run(HERE)
    assert len(HandPool(pool_dir)) == 3


def test_no_hand_at_all_is_an_error(tmp_path):
    write_video(tmp_path / "videos" / "v.mp4", [empty_frame()] * 3)
    with pytest.raises(RuntimeError, match=r"No hand was found in 1 videos .*'no_hand': 2"):
        preparation(tmp_path / "videos", tmp_path / "pool").run(HERE)


def test_dry_run_writes_nothing(videos_dir, tmp_path):
    to_do = preparation(videos_dir, tmp_path / "pool").dry_run()
    assert len(to_do) == 6
    assert not (tmp_path / "pool").exists()


def test_two_runs_at_a_time_are_refused(videos_dir, tmp_path):
    writer = PoolWriter(tmp_path, settings_of(preparation(videos_dir, tmp_path)))
    with writer.lock(shared=True):
        preparation(videos_dir, tmp_path).run(HERE, shard=(0, 2))
        with pytest.raises(RuntimeError, match="is being prepared by another process"):
            preparation(videos_dir, tmp_path).run(HERE)


def test_read_only_folder_is_a_clear_stop(videos_dir):
    with pytest.raises(OSError, match="/proc/pool"):
        preparation(videos_dir, "/proc/pool").run(HERE)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_disk_full_in_the_middle_is_a_clear_stop(
    videos_dir, reference, tmp_path, monkeypatch, call
):
    run, real = preparation(videos_dir, tmp_path), getattr(os, call)
    for _ in range(2):
        good = iter(range(4))  # the settings and three parts; then the other three and a table

        def refuse(*args, good=good):
            if next(good, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse)
            with pytest.raises(OSError, match=r"cannot be written .No space left .* Free disk"):
                run.run(HERE)
        assert not (tmp_path / "pool.json").exists()
        assert not list(tmp_path.rglob(".*.tmp"))
    assert len(list(tmp_path.glob("parts/*"))) == 6
    run.run(HERE)
    assert contents(tmp_path) == contents(reference)


def test_unreadable_disk_costs_no_finished_part(videos_dir, tmp_path, monkeypatch):
    run = preparation(videos_dir, tmp_path)
    run.run(HERE)
    finished = sorted(tmp_path.glob("parts/*"))
    with monkeypatch.context() as patch:
        broken = OSError(errno.EIO, os.strerror(errno.EIO))
        patch.setattr("simhand_mm.pool.writer.read_entries", Mock(side_effect=broken))
        with pytest.raises(OSError, match="Input/output error"):
            run.run(HERE)
    assert sorted(tmp_path.glob("parts/*")) == finished


def test_full_disk_is_a_clear_stop_and_nothing_half_written_is_read(
    videos_dir, reference, tmp_path
):
    run = preparation(videos_dir, tmp_path)
    old_limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for limit in (3000, 30_000):  # while writing a part; while merging
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old_limits[1]))
            with pytest.raises(OSError, match=f"{tmp_path}.*cannot be written"):
                run.run(HERE)
            assert not (tmp_path / "pool.json").exists()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limits)
        signal.signal(signal.SIGXFSZ, old_handler)
    run.run(HERE)
    assert contents(tmp_path) == contents(reference)


@pytest.mark.parametrize("shift", [0, 60])
def test_most_boxes_without_a_hand_are_a_warning(tmp_path, caplog, shift):
    """As when boxes of extracted pictures are taken for boxes of source frames."""
    frames = [hand_frame(0), hand_frame(0), empty_frame(), hand_frame(0), hand_frame(0)]
    write_video(tmp_path / "videos/v.mp4", frames)
    box = {"video_id": "v", "bbox_xyxy": [8, 10, 40, 42], "score": 1.0, "handedness": "right"}
    moved = [8 + shift, 10, 40 + shift, 42]
    boxes = [
        box | {"frame_index": n, "bbox_xyxy": moved if n else box["bbox_xyxy"]} for n in range(5)
    ]
    write_detections(tmp_path / "boxes.parquet", boxes)
    finder = StubBoxesRecipe(str(tmp_path / "boxes.parquet"))
    settings = CropSettings(fps=10, crop_size=48)
    with caplog.at_level("WARNING"):
        info = Preparation(tmp_path / "videos", tmp_path / "pool", settings, finder).run(HERE)
    assert info["num_hands"] == (1 if shift else 4)
    assert ("no hand was found in 4 of 5 boxes" in caplog.text) == bool(shift)
    assert ("simhand convert-boxes --frame-offset" in caplog.text) == bool(shift)
