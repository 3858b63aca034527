"""Two hundred broken inputs: no crash, no good video lost, each bad one named with a reason."""

import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.executors import LocalExecutor
from simhand_mm.pool import HandPool, PoolWriter, write_detections
from simhand_mm.preparation.detectors import DetectionTable
from simhand_mm.preparation.inputs import read_input
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation, RunPolicy
from tests.test_preparation.stubs import (
    StubRecipe,
    hand_frame,
    write_hand_video,
    write_video,
)

NUM_BAD = 200
NUM_GOOD = 8
SETTINGS = CropSettings(fps=5, crop_size=32)


def originals(folder):
    """A whole video in each container."""
    frames = [hand_frame(number) for number in range(10)]
    for suffix, codec in [
        *((".mp4", "libx264"), (".mkv", "libx264"), (".ts", "libx264"), (".flv", "libx264")),
        *((".avi", "mpeg4"), (".mov", "mjpeg"), (".webm", "libvpx-vp9"), (".m4v", "libx265")),
    ]:
        options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        path = folder / f"original{suffix}"
        container_format = {"format": "mp4"} if suffix == ".m4v" else {}
        write_video(path, frames, codec=codec, codec_options=options, **container_format)
        yield suffix, path.read_bytes()


def truncate(content, rng):
    return content[: rng.integers(1, len(content))]


def flip_bits(content, rng):
    array = np.frombuffer(content, np.uint8).copy()
    places = rng.integers(0, len(array), rng.integers(1, 200))
    array[places] ^= (1 << rng.integers(0, 8, len(places))).astype(np.uint8)
    return array.tobytes()


def flip_header(content, rng):
    head = min(400, len(content) // 2)
    return flip_bits(content[:head], rng) + content[head:]


def zero_block(content, rng):
    start = rng.integers(0, len(content))
    size = rng.integers(1, len(content) - start + 1)
    return content[:start] + bytes(size) + content[start + size :]


def remove_block(content, rng):
    start, end = np.sort(rng.integers(0, len(content), 2))
    return content[:start] + content[end:]


def huge_dimensions(content, rng):
    """Every pair of 16 bit numbers that says 96 x 64 says something else."""
    big = struct.pack(">HH", *rng.integers(20_000, 65_535, 2))
    return content.replace(struct.pack(">HH", 96, 64), big)


def garbage(content, rng):
    return rng.bytes(int(rng.integers(1, 5000)))


def text(content, rng):
    return b"#EXTM3U\nhttp://localhost:1/a.ts\n" * int(rng.integers(1, 20))


def empty(content, rng):
    return b""


FAULTS = (
    *(truncate, flip_bits, flip_header, zero_block, remove_block, huge_dimensions),
    *(garbage, text, empty),
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    """Folder of good and bad videos."""
    root = tmp_path_factory.mktemp("fuzzed")
    wholes = list(originals(tmp_path_factory.mktemp("originals")))
    rng = np.random.default_rng(0)
    for number in range(NUM_BAD):
        fault = FAULTS[number % len(FAULTS)]
        suffix, content = wholes[rng.integers(len(wholes))]
        if number % 7 == 0:  # renamed
            suffix = wholes[rng.integers(len(wholes))][0]
        (root / f"bad{number:03d}_{fault.__name__}{suffix}").write_bytes(fault(content, rng))
    for number in range(NUM_GOOD):
        write_hand_video(root / f"good{number}.mp4", 6, first=3 * number)
    return root


def test_fuzzed_videos_do_not_harm_the_others(fuzzed, tmp_path):
    run = Preparation(fuzzed, tmp_path, SETTINGS, StubRecipe())
    run.run(LocalExecutor(2), policy=RunPolicy(max_failed_share=1.0))
    pool = HandPool(tmp_path)
    writer = PoolWriter(tmp_path, run._pool_settings(read_input(run.source, run.footage)))
    statuses = writer.statuses()
    assert len(statuses) == NUM_BAD + NUM_GOOD
    for number in range(NUM_GOOD):
        assert statuses[f"good{number}"].num_hands == 3
        assert f"good{number}" in pool.video_ids
    drops = pq.read_table(tmp_path / "drops.parquet").to_pylist()
    named = {row["video_id"] for row in drops if row["stage"] == "video" and row["detail"]}
    assert {video_id for video_id, status in statuses.items() if status.failure} <= named
    reasons = {row["reason"] for row in drops if row["stage"] == "video"}
    assert {"not_a_video", "empty_file", "damaged", "no_frames"} <= reasons
    assert not [row for row in drops if row["reason"] in ("error", "crashed")]
    # A fault may leave a video as good as it was, but most do not.
    assert len(named) > NUM_BAD / 2
    for row in range(len(pool)):
        assert len(pool.read_crop(row)) > 100


def test_fuzzed_detections_are_refused_or_used(tmp_path):
    record = {"video_id": "v", "frame_index": 0, "bbox_xyxy": [0, 0, 50, 50], "score": 1.0}
    path = tmp_path / "boxes.parquet"
    write_detections(path, [{**record, "handedness": ""}])
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    messages = []
    for number in range(60):
        fault = (truncate, flip_bits, flip_header, zero_block, remove_block, garbage)[number % 6]
        path.write_bytes(fault(content, rng))
        try:
            DetectionTable(path).frames_of("v")
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 30
    assert all("boxes.parquet must be a table of detections" in text for text in messages)


@pytest.mark.parametrize(
    "wrong",
    [
        {"video_id": ["v"]},
        {"video_id": ["v"], "frame_index": ["x"], "bbox_xyxy": [[1.0] * 4]},
        {"video_id": [1], "frame_index": [1], "bbox_xyxy": [[1.0] * 3]},
    ],
)
def test_tables_of_another_form_are_refused(tmp_path, wrong):
    pq.write_table(pa.table(wrong), tmp_path / "boxes.parquet")
    with pytest.raises(ValueError, match=r"boxes\.parquet must be a table of detections"):
        DetectionTable(tmp_path / "boxes.parquet").frames_of("v")
