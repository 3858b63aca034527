"""Which files of a folder are videos, and what ids they have."""

import os

import pyarrow.parquet as pq
import pytest
from PIL import Image

from simhand_mm.executors import LocalExecutor
from simhand_mm.pool import HandPool
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation
from simhand_mm.preparation.video_files import VIDEO_SUFFIXES, find_videos
from tests.test_preparation.stubs import StubRecipe, hand_frame, write_video


def ids(folder, recorded=None):
    return {video.video_id: video.source_file.name for video in find_videos(folder, recorded)}


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_find_videos_names_them_by_path(tmp_path):
    for name in ("b.mp4", "a/b.MKV", "a/b.avi", "a/._b.mp4", "a/notes.txt", "clip.mp4/c.mov"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    with open(os.fsencode(tmp_path) + b"/caf\xe9.mp4", "w"):
        pass
    videos = {video.video_id: video.path.name for video in find_videos(tmp_path)}
    assert list(videos) == sorted(videos)
    assert videos.pop("caf\\xe9")
    assert videos == {
        "a/b": "b.MKV",
        "a/b.avi": "b.avi",
        "b": "b.mp4",
        "clip.mp4/c": "c.mov",
        "gone": "gone.mp4",
    }


def test_folder_without_videos_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must contain videos .*\.mp4.* has none"):
        find_videos(tmp_path)
    with pytest.raises(FileNotFoundError, match="videos_dir must be a folder"):
        find_videos(tmp_path / "nowhere")


def test_of_equal_stems_an_mp4_has_the_short_id(tmp_path):
    touch(tmp_path, "clip.m4v", "clip.mp4", "clip.avi")
    assert ids(tmp_path) == {"clip": "clip.mp4", "clip.avi": "clip.avi", "clip.m4v": "clip.m4v"}


def test_recorded_files_keep_their_ids(tmp_path):
    touch(tmp_path, "clip.m4v", "clip.mp4", "clip.avi")
    recorded = {"clip": "clip.avi", "clip.mp4": "clip.mp4", "gone": "gone.mp4"}
    assert ids(tmp_path, recorded) == {"clip": "clip.avi", "clip.mp4": "clip.mp4",
                                       "clip.m4v": "clip.m4v"}  # fmt: skip


def test_no_file_is_lost_where_names_meet(tmp_path):
    touch(tmp_path, "a.avi", "a.mp4", "a.avi.mp4", "a.avi.avi")
    found = ids(tmp_path)
    assert sorted(found.values()) == ["a.avi", "a.avi.avi", "a.avi.mp4", "a.mp4"]
    assert found["a"] == "a.mp4"
    assert found["a.avi"] == "a.avi.mp4"


def test_linked_folders_are_followed_without_going_round(tmp_path, caplog):
    touch(tmp_path / "disk", "ego4d/full/v.mp4", "ego4d/w.mp4")
    videos = tmp_path / "videos"
    touch(videos, "own.mp4", "sub/x.mp4")
    (videos / "ego4d").symlink_to(tmp_path / "disk" / "ego4d")
    (tmp_path / "disk" / "ego4d" / "full" / "back").symlink_to(tmp_path / "disk" / "ego4d")
    (videos / "sub" / "up").symlink_to(videos)
    (videos / "sub" / "self").symlink_to(videos / "sub" / "self")  # leads nowhere
    assert list(ids(videos)) == ["ego4d/full/v", "ego4d/w", "own", "sub/x"]
    assert "not followed, because they lead back: back" in caplog.text
    assert "not followed, because they lead back: up" in caplog.text


def test_one_file_under_two_names_is_told(tmp_path, caplog):
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "c.mp4").hardlink_to(tmp_path / "a.mp4")
    assert list(ids(tmp_path)) == ["a", "b", "c"]
    assert "the same file under two names" in caplog.text
    assert "c.mp4 = a.mp4" in caplog.text
    assert "b.mp4" not in caplog.text


@pytest.mark.parametrize("suffix", ["mxf", "vob", "insv", "asf", "h264", "divx", "gif", "MP4"])
def test_videos_of_any_suffix_are_found(tmp_path, suffix):
    touch(tmp_path, "a.mp4", f"b.{suffix}")
    assert list(ids(tmp_path)) == ["a", "b"]
    assert f".{suffix.lower()}" in VIDEO_SUFFIXES


def test_videos_that_cannot_be_read_are_named(tmp_path, caplog):
    touch(tmp_path, "a.mp4", "b.r3d", "sub/c.braw", "d.movie", "notes.txt", "picture.jpg")
    assert list(ids(tmp_path)) == ["a"]
    assert "left alone, because they cannot be read: b.r3d, d.movie, sub/c.braw" in caplog.text
    touch(tmp_path, *(f"x{n}.r3d" for n in range(9)))
    ids(tmp_path)
    assert ", and 7 more" in caplog.text


def test_folders_that_cannot_be_read_are_named(tmp_path, caplog, monkeypatch):
    touch(tmp_path, "a.mp4", "secret/b.mp4")
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert list(ids(tmp_path)) == ["a"]
    assert "folders that cannot be read: " in caplog.text
    assert "secret" in caplog.text


def test_state_of_a_file(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.mp4").write_bytes(b"12345")
    os.utime(tmp_path / "sub" / "a.mp4", (1, 1_700_000_000.9))
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    gone, there = (video.source_file for video in find_videos(tmp_path))
    assert vars(there) == {"name": "sub/a.mp4", "num_bytes": 5, "modified_s": 1_700_000_000}
    assert vars(gone) == {"name": "gone.mp4", "num_bytes": -1, "modified_s": -1}


@pytest.mark.parametrize(
    "suffix, format, codec",
    [
        ("asf", "asf", "wmv2"),
        ("divx", "avi", "mpeg4"),
        ("f4v", "mp4", "libx264"),
        ("h264", "h264", "libx264"),
        ("hevc", "hevc", "libx265"),
        ("insv", "mp4", "libx264"),
        ("ivf", "ivf", "libvpx-vp9"),
        ("m2v", "mpeg2video", "mpeg2video"),
        ("mxf", "mxf", "mpeg2video"),
        ("nut", "nut", "mpeg4"),
        ("qt", "mov", "libx264"),
        ("rm", "rm", "rv10"),
        ("vob", "vob", "mpeg2video"),
        ("gif", "gif", "gif"),
    ],
)
def test_videos_of_rare_suffixes_are_prepared(tmp_path, suffix, format, codec):
    frames = [hand_frame(number) for number in range(20)]
    path = tmp_path / "videos" / f"v.{suffix}"
    path.parent.mkdir()
    if format == "gif":
        first, *others = map(Image.fromarray, frames)
        first.save(path, save_all=True, append_images=others, duration=40)
    else:
        write_video(path, frames, 25, codec, format=format)
    settings = CropSettings(fps=100, crop_size=32)
    pool_dir = tmp_path / "pool"
    Preparation(path.parent, pool_dir, settings, StubRecipe()).run(LocalExecutor())
    pool = HandPool(pool_dir)
    assert pool.video_ids == ["v"]
    assert pool.frame_index.tolist() == list(range(20))
    drops = pq.read_table(pool_dir / "drops.parquet").to_pylist()
    assert not drops
