"""Conversion of image numbers of boxes to frame indices of videos."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from simhand_mm.converters.boxes import BoxConversion
from simhand_mm.converters.frame_numbers import (
    NUMBERING_100DOH,
    FrameNumbering,
    VideoFiles,
    to_source_frames,
)
from simhand_mm.pool import read_detections

ROOT = Path(__file__).parents[2]


def frames_of_fps_filter(rate, num_frames, fps):
    """Source frame of each image that ffmpeg's fps filter writes."""
    graph = av.filter.Graph()
    source = graph.add(
        "buffer", f"video_size=16x16:pix_fmt=gray:time_base=1/90000:frame_rate={rate}"
    )
    fps_filter, sink = graph.add("fps", f"fps={fps}"), graph.add("buffersink")
    source.link_to(fps_filter)
    fps_filter.link_to(sink)
    graph.configure()
    written = []
    for index in [*range(num_frames), None]:
        if index is None:
            graph.push(None)
        else:
            image = np.full((16, 16), index, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="gray")
            frame.pts, frame.time_base = round(index * 90000 / rate), Fraction(1, 90000)
            graph.push(frame)
        while True:
            try:
                written.append(int(graph.pull().to_ndarray()[0, 0]))
            except (BlockingIOError, EOFError):
                break
    return written


@pytest.mark.parametrize("rate, fps", [(30, "10"), (30, "0.5"), (25, "10"), (30, "7"), (24, "60")])
def test_images_at_a_rate_are_those_of_ffmpeg(rate, fps):
    num_frames = 240
    written = frames_of_fps_filter(rate, num_frames, fps)
    numbering = FrameNumbering(frame_offset=1, frame_fps=float(fps))
    times = np.arange(num_frames) / rate
    found = [numbering.source_frame(number, times) for number in range(1, len(written) + 1)]
    assert len(written) > 3
    assert found == written


def test_numbers_outside_the_video_have_no_frame():
    times = np.arange(100) / 25
    assert FrameNumbering(frame_offset=1).source_frame(0, times) is None
    assert FrameNumbering(frame_offset=1).source_frame(1, None) == 0
    assert FrameNumbering(frame_step=30).source_frame(3, times) == 90
    assert FrameNumbering(frame_step=30).source_frame(4, times) is None
    assert FrameNumbering(frame_step=30).source_frame(4, None) == 120
    assert FrameNumbering(frame_fps=10).source_frame(40, times) == 99
    assert FrameNumbering(frame_fps=10).source_frame(45, times) is None


def test_100doh_images_are_two_seconds_apart_from_one():
    times = np.arange(3000) / 30
    assert NUMBERING_100DOH.source_frame(1, times) == 29  # shown until second 1
    assert NUMBERING_100DOH.source_frame(17, times) == 33 * 30 - 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"frame_step": 0}, "frame_step must be at least 1"),
        ({"frame_fps": -1.0}, "frame_fps must be positive"),
        ({"frame_step": 2, "frame_fps": 1.0}, "only one of frame_step and frame_fps"),
    ],
)
def test_wrong_options_raise(options, message):
    with pytest.raises(ValueError, match=message):
        FrameNumbering(**options)


def boxes(*frames):
    conversion = BoxConversion()
    for frame in frames:
        conversion.add(frame, [10, 20, 60, 90], 1.0, "left", str(frame))
    return conversion


def test_videos_are_found_by_id_name_and_youtube_id():
    ids = ["a/clip", "b/clip", "a/other", "dQw4w9WgXcQ", "x/food_v_aaaaaaaaaaa"]
    names = ["a/clip", "clip", "other", "food_v_dQw4w9WgXcQ", "food_v_aaaaaaaaaaa", "nothing"]
    conversion = boxes(*[(name, 3) for name in names])
    files = VideoFiles({video_id: Path(video_id) for video_id in ids}, lambda path: np.arange(9.0))
    to_source_frames(conversion, FrameNumbering(), files)
    found = [box["video_id"] for box in conversion.boxes]
    assert found == ["a/clip", "a/other", "dQw4w9WgXcQ", "x/food_v_aaaaaaaaaaa"]
    assert conversion.drops == {"several videos of this name": 1, "no video of this name": 1}


def test_boxes_without_a_frame_are_counted():
    conversion = boxes(("v", 0), ("v", 1), ("v", 1), ("v", 2), ("v", 500), ("broken", 1))
    times = {Path("v.mp4"): np.arange(100) / 10}
    paths = {"v": Path("v.mp4"), "broken": Path("broken.mp4")}
    files = VideoFiles(paths, lambda path: times.get(path, np.zeros(0)))
    to_source_frames(conversion, FrameNumbering(frame_offset=1, frame_fps=20.0), files)
    # At twice the rate of the video, images 1 and 2 show its first frame.
    assert [box["frame_index"] for box in conversion.boxes] == [0, 0]
    assert conversion.drops == {
        "the video has no such frame": 2,
        "another image shows the same frame": 1,
        "unreadable video": 1,
    }
    with pytest.raises(ValueError, match=r"must come with their videos.*--videos"):
        to_source_frames(conversion, NUMBERING_100DOH)


def write_video(path, num_frames=100, rate=25):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height = 64, 48
        for index in range(num_frames):
            image = np.full((48, 64, 3), index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def run(*args):
    tool = [sys.executable, "-W", "ignore", str(ROOT / "tools/convert_boxes.py")]
    return subprocess.run([*tool, *map(str, args)], capture_output=True, text=True, check=False)


def test_tool_converts_image_numbers_to_frames(tmp_path):
    write_video(tmp_path / "videos/dQw4w9WgXcQ.mp4")
    label = {
        "x1": 0.1,
        "y1": 0.2,
        "x2": 0.5,
        "y2": 0.6,
        "width": 64,
        "height": 48,
        "hand_side": "l",
    }
    names = ["food_v_dQw4w9WgXcQ_frame000001.jpg", "food_v_dQw4w9WgXcQ_frame000002.jpg"]
    names += ["food_v_dQw4w9WgXcQ_frame000009.jpg", "food_v_notdownload_frame000001.jpg"]
    (tmp_path / "test.json").write_text(json.dumps({name: [label] for name in names}))
    arguments = ["100doh_json", tmp_path / "test.json", tmp_path / "boxes.parquet"]
    done = run(*arguments, "--videos", tmp_path / "videos")
    assert done.returncode == 0, done.stderr
    rows = read_detections(tmp_path / "boxes.parquet", "dQw4w9WgXcQ")
    assert [row["frame_index"] for row in rows] == [24, 74]
    assert "dropped 1: the video has no such frame" in done.stdout
    assert "dropped 1: no video of this name" in done.stdout
    done = run(*arguments)
    assert done.returncode == 1
    assert "must come with their videos" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(*arguments, "--frame-offset", "1", "--frame-step", "50").returncode == 0
    rows = read_detections(tmp_path / "boxes.parquet", "food_v_dQw4w9WgXcQ")
    assert [row["frame_index"] for row in rows] == [0, 50, 400]
