"""Large groups of images in pieces, small ones in bundles: the same pool, resumed and repaired."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from simhand_mm.executors import LocalExecutor, WorkerDied
from simhand_mm.pool import HandPool, PoolWriter
from simhand_mm.preparation import tasks
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.image_groups import GroupImage, ImageGroup
from simhand_mm.preparation.inputs import FootageSettings
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation
from simhand_mm.preparation.video_files import Video
from simhand_mm.preparation.videos import VideoError
from tests.test_preparation.stubs import StubRecipe, hand_frame
from tests.test_preparation.test_images import contents, prepare, save

EACH_ITS_OWN = 10_000


def group(numbers, times=None):
    times = times or [float(number) for number in numbers]
    images = [GroupImage(Path(f"{n}.png"), n, t) for n, t in zip(numbers, times, strict=True)]
    return ImageGroup("g", tuple(images))


@pytest.mark.parametrize("fps", [0.3, 1, 7])
@pytest.mark.parametrize("only", [None, frozenset([0, 2, 3, 6, 7, 30, 31, 99])])
def test_pieces_give_the_frames_of_the_whole(fps, only, monkeypatch):
    monkeypatch.setattr(
        "simhand_mm.preparation.image_groups.read_image", lambda path: hand_frame(0)
    )

    def frames(each):
        found = []
        try:
            for frame in each.frames(fps, only, 1):
                assert isinstance(frame, Frame)
                found.append((frame.index, frame.time_s))
        except VideoError as error:
            found.append(error.detail.split()[0])  # number of missing frames
        return found

    whole = group(
        [0, 1, 2, 3, 3, 3, 6, 7, 12, 30, 31, 32], [0, 0.2, 0.4, 1, 1, 1, 2, 2.1, 4, 9, 9, 12]
    )
    pieces = whole.split(fps, 2)
    assert len(pieces) > 2 and [p.num_pieces for p in pieces] == [len(pieces)] * len(pieces)
    together = [frame for piece in pieces for frame in frames(piece)]
    assert together == frames(whole)
    assert sum((piece.images for piece in pieces), ()) == whole.images


def test_times_that_decrease_are_not_split():
    whole = group([0, 1, 2, 3], [0, 5, 1, 6])
    assert whole.split(1, 1) == [whole]


def test_small_groups_are_bundled_and_nothing_else(monkeypatch):
    monkeypatch.setattr(tasks, "_IMAGES_PER_TASK", 4)
    monkeypatch.setattr(tasks, "_MIN_TASKS", 1)
    video = Video("v", Path("v.mp4"))
    small, large = group([0, 1, 2]), group(range(9))
    pieces = tasks.to_pieces([small, video, small, small, large], 1)
    assert [tasks.piece_of(piece) for piece in pieces[-3:]] == [(0, 3), (1, 3), (2, 3)]
    found = tasks.to_tasks(pieces)
    assert found == [(video,), (small, small), *[(piece,) for piece in pieces[-3:]], (small,)]
    monkeypatch.setattr(tasks, "_MIN_TASKS", 256)  # few images keep many processes busy
    assert [len(task) for task in tasks.to_tasks([small] * 5)] == [1] * 5


@pytest.fixture
def source(tmp_path):
    for number in range(7):
        save(tmp_path / "in" / f"s{number}" / "0.png", hand_frame(number))
        save(tmp_path / "in" / "many" / f"{number}.png", hand_frame(number))
    (tmp_path / "in" / "s3" / "1.png").write_bytes(b"")
    (tmp_path / "in" / "many" / "8.png").write_bytes(b"")
    return tmp_path / "in"


@pytest.fixture
def fresh(source, tmp_path, monkeypatch):
    """A pool in which each group is a task, then small tasks for the rest of the test."""
    monkeypatch.setattr(tasks, "_IMAGES_PER_TASK", EACH_ITS_OWN)
    prepare(source, tmp_path / "fresh")
    monkeypatch.setattr(tasks, "_IMAGES_PER_TASK", 3)
    monkeypatch.setattr(tasks, "_MIN_TASKS", 1)
    return tmp_path / "fresh"


def rows_of(pool_dir):
    """Rows of videos.csv without the duration."""
    rows = (row.split(",") for row in (pool_dir / "videos.csv").read_text().splitlines())
    return [row[:5] + row[6:] for row in rows]


def test_pieces_and_bundles_give_the_same_pool(source, fresh, tmp_path):
    prepare(source, tmp_path / "pool")
    assert len(list((tmp_path / "pool" / "parts").iterdir())) == 3 + 3
    assert contents(tmp_path / "pool") == contents(fresh)
    assert rows_of(tmp_path / "pool") == rows_of(fresh)


class Interrupted:
    """Stops after some tasks; tasks with a video called ``victim`` kill their process."""

    threads_per_worker = 1

    def __init__(self, num_tasks=EACH_ITS_OWN, victim=""):
        self.num_tasks, self.victim = num_tasks, victim

    def __call__(self, given, build_worker):
        worker = build_worker()
        for number, task in enumerate(given):
            if number == self.num_tasks:
                raise KeyboardInterrupt
            if any(video.video_id == self.victim for video in task):
                yield task, WorkerDied("exit code 17")
            else:
                yield task, worker(task)


@pytest.mark.parametrize("num_tasks", [0, 2, 5])
def test_an_interrupted_run_is_continued(source, fresh, tmp_path, num_tasks):
    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "pool", executor=Interrupted(num_tasks))
    before = {path.name for path in (tmp_path / "pool").glob("parts/*")}
    run = prepare(source, tmp_path / "pool")
    assert contents(tmp_path / "pool") == contents(fresh)
    assert len(before) == num_tasks and run.dry_run() == []


def test_a_crash_costs_one_group_of_a_bundle(source, fresh, tmp_path):
    prepare(source, tmp_path / "pool", executor=Interrupted(victim="s1"))
    pool = HandPool(tmp_path / "pool")
    assert "s1" not in pool.video_ids and len(pool.video_ids) == 7
    assert any(row[:2] == ["s1", "crashed"] for row in rows_of(tmp_path / "pool"))
    settings = CropSettings(source="test", crop_size=48)
    run = Preparation(source, tmp_path / "pool", settings, StubRecipe(), FootageSettings())
    assert [video.video_id for video in run.dry_run(retry_failed=True)] == ["many", "s1", "s3"]


def test_changed_groups_replace_their_entries(source, fresh, tmp_path, monkeypatch):
    prepare(source, tmp_path / "pool")
    (source / "s1" / "0.png").unlink()
    save(source / "s1" / "5.png", hand_frame(5))
    (source / "many" / "0.png").unlink()  # the pieces shift, and one is left over
    (source / "many" / "8.png").unlink()
    run = prepare(source, tmp_path / "pool")
    assert run.dry_run() == []
    again = tmp_path / "again"
    monkeypatch.setattr(tasks, "_IMAGES_PER_TASK", EACH_ITS_OWN)
    prepare(source, again)
    assert contents(tmp_path / "pool") == contents(again)
    assert rows_of(tmp_path / "pool") == rows_of(again)


def test_shards_share_a_large_group(source, fresh, tmp_path):
    for index in (2, 0):
        prepare(source, tmp_path / "pool", shard=(index, 3))
    writer = PoolWriter(
        tmp_path / "pool", json.loads((tmp_path / "pool/settings.json").read_text())
    )
    assert "many" not in writer.statuses()
    prepare(source, tmp_path / "pool", shard=(1, 3))
    assert "many" in writer.statuses()
    prepare(source, tmp_path / "pool")
    assert contents(tmp_path / "pool") == contents(fresh)


@pytest.mark.slow
def test_processes_give_the_same_bytes(source, fresh, tmp_path):
    prepare(source, tmp_path / "pool", executor=LocalExecutor(2))
    assert contents(tmp_path / "pool") == contents(fresh)


def test_parts_of_older_versions_are_read(fresh, source):
    for path in (fresh / "parts").glob("*.arrow"):
        table = pa.ipc.open_file(path.read_bytes()).read_all()
        metadata = dict(table.schema.metadata)
        ((status, _, _),) = json.loads(metadata.pop(b"videos"))
        del metadata[b"generation"]
        table = table.replace_schema_metadata({**metadata, b"status": json.dumps(status)})
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    before = contents(fresh)
    (fresh / "pool.json").unlink()
    run = prepare(source, fresh)
    assert run.dry_run() == [] and contents(fresh) == before
