"""Sampled frames are those of a full decode by the ffmpeg program, whatever the video."""

from dataclasses import replace

import numpy as np
import pytest

from simhand_mm.preparation.frame_reader import FrameReader
from simhand_mm.preparation.videos import VideoError, frame_times, sample_frames
from tests.references.full_decode import decode_all
from tests.test_preparation.damage import cut_in_half, retag_matrix
from tests.test_preparation.video_matrix import CASES, compare

QUICK = (
    *("MP4-H.264", "MP4-H.264,-open-GOP", "MP4-H.264,-edit-list", "MP4-H.264,-interlaced"),
    *("MP4-H.264,-starts-within-a-GOP", "MP4-H.264,-pixel-aspect-8:9,-rotated", "Matroska-AV1"),
    *("MP4-H.264,-BT.709,-full-range", "MP4-H.264,-display-matrix-90°-mirrored"),
    *("Matroska-H.264,-equal-time-stamps", "Matroska-HEVC", "WebM-VP9,-hidden-frames"),
    *("AVI-Xvid,-packed-B-frames", "MPEG-TS-H.264,-two-recordings-joined", "raw-stream-H.264"),
    "GIF-GIF,-variable-rate",
)
BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("name", QUICK)
def test_frames_equal_a_full_decode(tmp_path, name):
    outcome = compare(BY_NAME[name], tmp_path, rates=(1000, 7))
    assert outcome.num_frames
    assert not outcome.problems


@pytest.mark.parametrize("name", QUICK)
def test_times_are_those_of_all_frames_without_decoding_them(tmp_path, name):
    path = BY_NAME[name].write(tmp_path)
    times = frame_times(path)
    frames = list(sample_frames(path, 1000))
    assert len(times) >= frames[-1].index + 1
    latest = np.maximum.accumulate([frame.time_s for frame in frames])  # some stamps go back
    np.testing.assert_allclose(times[[frame.index for frame in frames]], latest, atol=1e-3)


def test_a_file_that_is_no_video_has_no_times(tmp_path):
    (tmp_path / "v.mp4").write_text("no video")
    assert len(frame_times(tmp_path / "v.mp4")) == 0
    assert len(frame_times(tmp_path / "nowhere.mp4")) == 0


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_frames_equal_a_full_decode_at_all_rates(tmp_path, case):
    outcome = compare(case, tmp_path)
    assert outcome.num_frames
    assert not outcome.problems


@pytest.mark.parametrize("name", ["MP4-H.264", "MP4-H.264,-open-GOP", "MOV-HEVC", "WebM-VP9",
                                  "WebM-VP9,-hidden-frames", "Matroska-AV1"])  # fmt: skip
def test_pictures_that_are_not_needed_are_left_out(tmp_path, name, monkeypatch):
    def refuse(*_):
        raise AssertionError("decodes everything")

    monkeypatch.setattr(FrameReader, "_read_all", refuse)
    assert len(list(sample_frames(BY_NAME[name].write(tmp_path), 1))) == 3


@pytest.mark.parametrize("transfer", [pytest.param("HLG", marks=pytest.mark.slow), "PQ"])
def test_high_dynamic_range_looks_like_the_ordinary_picture(tmp_path, transfer):
    """Tone mapping brings back the picture that the wide range was made from; ignoring it not."""
    path = BY_NAME[f"Matroska-HEVC,-{transfer}"].write(tmp_path)
    source = BY_NAME["NUT-FFV1"].write(tmp_path)
    ordinary = decode_all(source).images[0].astype(int)
    ours = np.abs(next(sample_frames(path, 1)).image - ordinary).mean()
    ignored = np.abs(decode_all(path).images[0] - ordinary).mean()
    assert ours < 0.8 * ignored


def test_colours_that_ffmpeg_does_not_know_are_a_reason(tmp_path):
    ycgco = replace(BY_NAME["MP4-H.264"], change=retag_matrix(8))
    with pytest.raises(VideoError, match=r"matrix 8 .* cannot be turned into RGB") as caught:
        list(sample_frames(ycgco.write(tmp_path), 1))
    assert caught.value.reason == "unknown_colours"


def test_half_of_an_avi_is_named(tmp_path):
    path = BY_NAME["AVI-Xvid"].write(tmp_path)
    cut_in_half(path)
    with pytest.raises(VideoError, match=r"ends after 1\.0 of the 2\.5 s that its"):
        list(sample_frames(path, 10))
