"""Frames by time stamp: exact, whatever the video; clear about what cannot be read."""

import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from simhand_mm.preparation.videos import VideoError, sample_frames
from tests.test_preparation.stubs import hand_frame, write_hand_video, write_video

NOISE = np.random.default_rng(0).integers(0, 60, (90, 64, 96, 3), dtype=np.uint8)
FRAMES = [hand_frame(n, size_wh=(96, 64)) // 2 + NOISE[n] for n in range(90)]


def reference_frames(path, fps):
    """Decode everything, then choose: ``(index, time, image)`` of each interval's first frame."""
    chosen, interval, start = [], None, None
    with av.open(str(path)) as container:
        for index, picture in enumerate(container.decode(video=0)):
            start = picture.pts if start is None else start
            ticks = picture.pts - start + Fraction(1, 2)
            this = ticks * picture.time_base * Fraction(fps) // 1
            if this != interval:
                time_s = float((picture.pts - start) * picture.time_base)
                chosen.append((index, time_s, picture.to_ndarray(format="rgb24")))
            interval = this
    return chosen


def assert_same_frames(path, fps):
    expected = reference_frames(path, fps)
    frames = list(sample_frames(path, fps))
    threaded = list(sample_frames(path, fps, num_threads=3))
    assert [frame.index for frame in frames] == [index for index, _, _ in expected]
    assert [frame.index for frame in threaded] == [index for index, _, _ in expected]
    for frame, other in zip(frames, threaded, strict=True):
        np.testing.assert_array_equal(frame.image, other.image)
    for frame, (_, time_s, image) in zip(frames, expected, strict=True):
        assert frame.time_s == pytest.approx(time_s)
        np.testing.assert_array_equal(frame.image, image)
    return frames


@pytest.mark.parametrize("fps", [1, 4, 7, 100])
@pytest.mark.parametrize(
    "codec, codec_options",
    [
        ("libx264", {"bf": "3", "g": "25"}),
        ("libx264", {"bf": "3", "g": "12", "x264-params": "open-gop=1:b-pyramid=normal"}),
        ("libx264", {"bf": "0", "g": "1000"}),
        ("libx265", {"x265-params": "log-level=error:keyint=20"}),
        ("mpeg4", {"bf": "2", "g": "12"}),
        ("libvpx-vp9", {"cpu-used": "8", "deadline": "realtime", "g": "30"}),
        ("mjpeg", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_sampled_frames_equal_full_decoding(tmp_path, codec, codec_options, fps):
    suffix = "webm" if codec == "libvpx-vp9" else "mp4"
    path = tmp_path / f"video.{suffix}"
    write_video(path, FRAMES, 30, codec, codec_options=codec_options)
    frames = assert_same_frames(path, fps)
    assert len(frames) == {1: 3, 4: 12, 7: 21, 100: 90}[fps]


@pytest.mark.parametrize("suffix", ["avi", "mkv", "mov", "ts", "flv"])
def test_every_container_is_read(tmp_path, suffix):
    codec = "mpeg4" if suffix == "avi" else "libx264"
    write_video(tmp_path / f"video.{suffix}", FRAMES, 30, codec, codec_options={"bf": "2"})
    assert len(assert_same_frames(tmp_path / f"video.{suffix}", 5)) == 15


def test_variable_frame_rate_is_sampled_by_time(tmp_path):
    stamps = [0, 10, 900, 990, 1000, 1500, 4000, 4001, 9999, 10_000]
    path = write_video(tmp_path / "v.mkv", FRAMES[: len(stamps)], 30, stamps=stamps)
    frames = assert_same_frames(path, 1)
    assert [frame.index for frame in frames] == [0, 4, 6, 8, 9]
    assert [round(frame.time_s, 3) for frame in frames] == [0, 1, 4, 9.999, 10]


def test_time_starts_at_the_first_frame(tmp_path):
    path = write_video(tmp_path / "v.mkv", FRAMES[:3], 30, stamps=[5000, 5500, 6000])
    assert [frame.time_s for frame in sample_frames(path, 1)] == pytest.approx([0, 1])


def test_only_limits_the_choice(tmp_path):
    path = write_video(tmp_path / "v.mp4", FRAMES, 30)
    frames = list(sample_frames(path, 30, only=frozenset([3, 40, 41])))
    assert [frame.index for frame in frames] == [3, 40, 41]
    assert [f.index for f in sample_frames(path, 1, only=frozenset([3, 40, 41]))] == [3, 40]
    with pytest.raises(VideoError, match="1 frames asked for lie beyond its end"):
        list(sample_frames(path, 1, only=frozenset([3, 90])))


@pytest.mark.parametrize("degrees, turns", [(90, 3), (180, 2), (270, 1)])
def test_rotation_flag_is_applied(tmp_path, degrees, turns):
    path = write_video(tmp_path / "v.mp4", FRAMES[:2], 30)
    upright = next(sample_frames(path, 1)).image
    content = path.read_bytes()
    one, zero = 1 << 16, 0
    cos, sin = {90: (zero, one), 180: (-one, zero), 270: (zero, -one)}[degrees]
    identity = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    rotation = struct.pack(">9i", cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30)
    position = content.rindex(identity)  # the last one is that of the track
    path.write_bytes(content[:position] + rotation + content[position + len(identity) :])
    # The flag says: turn clockwise by so much before showing.
    rotated = next(sample_frames(path, 1)).image
    np.testing.assert_array_equal(rotated, np.rot90(upright, turns))
    # OpenCV turns the same way.
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    opencv = capture.read()[1][..., ::-1]
    assert np.abs(opencv.astype(int) - rotated).mean() < 4


def test_single_frame_video(tmp_path):
    path = write_video(tmp_path / "v.mp4", FRAMES[:1], 30)
    assert [frame.index for frame in sample_frames(path, 1)] == [0]


def audio_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.rate = 16000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    "write, reason",
    [
        (lambda path: path.write_bytes(b""), "empty_file"),
        (lambda path: path.write_text("no video"), "not_a_video"),
        (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nsecret.ts\n"), "not_a_video"),
        (lambda path: path.write_text("ffconcat version 1.0\nfile secret.mp4\n"), "not_a_video"),
        (audio_only, "no_video_stream"),
    ],
    ids=["empty", "text", "playlist", "concat", "audio"],
)
def test_what_is_no_video_is_refused_with_its_reason(tmp_path, write, reason):
    path = tmp_path / "video.mp4"
    write(path)
    with pytest.raises(VideoError, match=r"video\.mp4: ") as caught:
        list(sample_frames(path, 1))
    assert caught.value.reason == reason


def test_cut_off_index_is_not_a_video(tmp_path):
    path = write_video(tmp_path / "v.mp4", FRAMES, 30)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(VideoError) as caught:
        list(sample_frames(path, 1))
    assert caught.value.reason == "not_a_video"


def test_cut_off_tail_gives_the_frames_before_it(tmp_path):
    path = write_video(tmp_path / "v.mp4", FRAMES, 30, options={"movflags": "faststart"})
    whole = list(sample_frames(path, 10))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = read_until_error(path, 10, "damaged")
    assert 10 <= len(frames) < len(whole)
    for frame, expected in zip(frames[:10], whole, strict=False):
        np.testing.assert_array_equal(frame.image, expected.image)


def test_damaged_tail_keeps_good_frames(tmp_path):
    path = write_video(
        tmp_path / "v.mp4", FRAMES, 30, codec_options={"g": "15"}, options={"movflags": "faststart"}
    )
    whole = list(sample_frames(path, 10))
    content = bytearray(path.read_bytes())
    content[-len(content) // 3 :] = bytes(len(content) // 3)
    path.write_bytes(content)
    frames = read_until_error(path, 10, "damaged")
    assert len(frames) >= len(whole) // 3
    for frame, expected in zip(frames[: len(whole) // 3], whole, strict=False):
        np.testing.assert_array_equal(frame.image, expected.image)


def read_until_error(path, fps, reason):
    frames = []
    with pytest.raises(VideoError) as caught:  # noqa: PT012 (what comes before the error counts)
        for frame in sample_frames(path, fps):
            frames.append(frame)
    assert caught.value.reason == reason
    return frames


def test_stream_that_does_not_start_with_a_key_frame(tmp_path):
    path = write_video(tmp_path / "v.ts", FRAMES, 30, codec_options={"g": "30", "bf": "0"})
    content = path.read_bytes()
    path.write_bytes(content[188 * 3 :: 1][188 * (len(content) // 188 // 6) :])
    frames = list(sample_frames(path, 5))
    assert frames
    assert frames[0].index > 0


def test_fps_must_be_positive(tmp_path):
    path = write_hand_video(tmp_path / "v.mp4")
    with pytest.raises(ValueError, match="fps must be positive, but got 0"):
        next(sample_frames(path, 0))
