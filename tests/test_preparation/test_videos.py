"""Frames by time stamp: exact, whatever the video; clear about what cannot be read."""

import av
import numpy as np
import pytest

from simhand_mm.preparation.videos import VideoError, sample_frames
from tests.test_preparation.damage import cut_in_half
from tests.test_preparation.stubs import hand_frame, write_hand_video, write_video

NOISE = np.random.default_rng(0).integers(0, 60, (90, 64, 96, 3), dtype=np.uint8)
FRAMES = [hand_frame(n, size_wh=(96, 64)) // 2 + NOISE[n] for n in range(90)]


def test_variable_frame_rate_is_sampled_by_time(tmp_path):
    stamps = [0, 10, 900, 990, 1000, 1500, 4000, 4001, 9999, 10_000]
    path = write_video(tmp_path / "v.mkv", FRAMES[: len(stamps)], 30, stamps=stamps)
    frames = list(sample_frames(path, 1))
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
    with pytest.raises(VideoError, match="1 requested frames are beyond its end"):
        list(sample_frames(path, 1, only=frozenset([3, 90])))


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


@pytest.mark.parametrize("suffix, codec", [("mp4", "libx264"), ("mkv", "libx264"),
                                           ("webm", "libvpx"),
                                           ("flv", "libx264"), ("mxf", "mpeg2video")])  # fmt: skip
def test_cut_off_tail_is_named_and_gives_the_frames_before_it(tmp_path, suffix, codec):
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    path = write_video(tmp_path / f"v.{suffix}", FRAMES, 30, codec, options=options)
    whole = list(sample_frames(path, 10))
    cut_in_half(path)
    frames = read_until_error(path, 10, "damaged", r"ends after \d\.\d of the [23]\.\d s that its")
    assert 10 <= len(frames) < len(whole)
    for frame, expected in zip(frames[:10], whole, strict=False):
        np.testing.assert_array_equal(frame.image, expected.image)


def test_intact_video_with_gaps_is_not_damaged(tmp_path):
    stamps = [0, 33, 66, 2000, 2033, 9000]  # AVI states the number of frames without gaps
    for suffix, codec in (("avi", "mpeg4"), ("mkv", "libx264"), ("mp4", "libx264")):
        path = tmp_path / f"v.{suffix}"
        write_video(path, FRAMES[: len(stamps)], 30, codec, stamps)
        assert len(list(sample_frames(path, 1000))) == len(stamps)


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


def read_until_error(path, fps, reason, detail=None):
    frames = []
    with pytest.raises(VideoError, match=detail) as caught:  # noqa: PT012 (what comes before the error counts)
        for frame in sample_frames(path, fps):
            frames.append(frame)
    assert caught.value.reason == reason
    return frames


def test_fps_must_be_positive(tmp_path):
    path = write_hand_video(tmp_path / "v.mp4")
    with pytest.raises(ValueError, match="fps must be positive, but got 0"):
        next(sample_frames(path, 0))
