"""Files appear as a whole or not at all, and a disk that cannot take them is named."""

import errno
import json
import os
import re
from pathlib import Path

import pytest
import torch

from simhand_mm.pool.array_files import write_checkpoint
from simhand_mm.pool.files import (
    atomic_path,
    check_not_an_input,
    remove_temporaries,
    write_json,
)


def fail(number):
    def raise_it(*_, **__):
        raise OSError(number, os.strerror(number))

    return raise_it


def write_half_and_fail(path):
    path.write_text("half of the ne")
    raise ZeroDivisionError


def test_file_is_replaced_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("old")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        write_half_and_fail(temporary)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "folder"
    for content in ("old", "new"):
        with atomic_path(path) as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_file_never_replaces_a_folder(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "precious").touch()
    expected = "folder must be a file, but is a folder. Choose another name"
    with pytest.raises(IsADirectoryError, match=expected), atomic_path(path) as temporary:
        temporary.write_text("new")
    assert [file.name for file in path.iterdir()] == ["precious"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("is_linked", [False, True])
def test_pipes_and_devices_are_never_replaced(tmp_path, is_linked):
    path = fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    if is_linked:
        path = tmp_path / "link"
        path.symlink_to(fifo)
    expected = f"{path.name} must be a file or a folder, but is a device, a pipe or a socket"
    with pytest.raises(ValueError, match=expected), atomic_path(path):
        pytest.fail("nothing is written")
    assert fifo.is_fifo() and path.is_symlink() == is_linked


@pytest.mark.parametrize("exists", [False, True])
def test_links_are_kept_and_what_they_point_to_is_replaced(tmp_path, exists):
    disk, here = tmp_path / "disk", tmp_path / "here"
    for folder in (disk, here):
        folder.mkdir()
    for name in ("file", "folder"):
        (here / name).symlink_to(Path("..") / "disk" / name)
    if exists:
        (disk / "file").write_text("old")
        (disk / "folder").mkdir()
        (disk / "folder" / "old").touch()
    with atomic_path(here / "file") as temporary:
        temporary.write_text("new")
    with atomic_path(here / "folder") as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert (here / "file").is_symlink() and (disk / "file").read_text() == "new"
    assert (here / "folder").is_symlink()
    assert [path.name for path in (disk / "folder").iterdir()] == ["new"]
    assert len(list(disk.iterdir())) == len(list(here.iterdir())) == 2


def test_results_are_not_written_over_their_inputs(tmp_path):
    source, link = tmp_path / "a.pth", tmp_path / "link.pth"
    check_not_an_input(source, source, tmp_path / "missing")
    source.touch()
    link.symlink_to(source)
    check_not_an_input(tmp_path / "b.pth", source)
    for output in (source, link):
        with pytest.raises(ValueError, match="OUTPUT must differ from the input, but both are"):
            check_not_an_input(output, tmp_path / "missing", source)


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_named_however_late_it_tells(tmp_path, monkeypatch, call, number):
    path = tmp_path / "file.txt"
    path.write_text("old")
    monkeypatch.setattr(os, call, fail(number))
    expected = f"{path} cannot be written .{os.strerror(number)}.*Free disk space and run again"
    with pytest.raises(OSError, match=expected), atomic_path(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_named_once_in_nested_writes(tmp_path):
    inner = tmp_path / "inner"
    with (
        pytest.raises(OSError, match=re.escape(str(inner))) as caught,
        atomic_path(tmp_path / "outer"),
        atomic_path(inner),
    ):
        fail(errno.ENOSPC)()
    assert str(caught.value).count("cannot be written") == 1
    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_read_only_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", fail(errno.EROFS))
    expected = "a.txt cannot be written .Read-only file system.*Choose a folder"
    with pytest.raises(OSError, match=expected), atomic_path(tmp_path / "a.txt"):
        pass


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), atomic_path(tmp_path / "a"):
        (tmp_path / "nowhere").read_text()


def test_temporaries_of_killed_programs_are_removed(tmp_path):
    (tmp_path / ".file.12345678.tmp").touch()
    (tmp_path / ".folder.12345678.tmp").mkdir()
    (tmp_path / ".folder.12345678.tmp" / "file").touch()
    (tmp_path / "kept.tmp").touch()
    remove_temporaries(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.tmp"]


def test_json_has_one_layout_and_null_for_nan(tmp_path):
    content = {"b": [1, {"c": float("nan")}], "a": None}
    write_json(tmp_path / "file.json", content, sort_keys=True)
    expected = json.dumps({"a": None, "b": [1, {"c": None}]}, indent=1) + "\n"
    assert (tmp_path / "file.json").read_text() == expected
    write_json(tmp_path / "file.json", [content["a"]])
    assert (tmp_path / "file.json").read_text() == "[\n null\n]\n"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "other.json", [float("inf")])
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_equal_checkpoints_have_equal_bytes(tmp_path):
    for name in ("a.pth", "b.pth"):
        write_checkpoint(tmp_path / name, {"weight": torch.arange(3.0), "meta": {"seed": 0}})
    assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "b.pth").read_bytes()
    assert torch.load(tmp_path / "a.pth", weights_only=True)["meta"] == {"seed": 0}
