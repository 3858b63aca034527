"""Images in tar and zip archives: the same pools as from folders, and damage that is reported."""

import io
import json
import logging
import os
import tarfile
import zipfile

import pyarrow.parquet as pq
import pytest

from simhand_mm.executors import LocalExecutor
from simhand_mm.pool import HandPool
from simhand_mm.pool.exporting import export_pool
from simhand_mm.preparation.image_files import ImageFileError, read_image
from simhand_mm.preparation.inputs import FootageSettings, read_input
from tests.test_preparation.stubs import hand_frame
from tests.test_preparation.test_images import (
    LEVELS,
    contents,
    drops_of,
    footage_of,
    prepare,
    save,
    write_list,
)


def pack(path, files, **options):
    """Write ``{name: bytes}`` as an archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", **options) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w", **options) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def jpeg(number, tmp_path, handedness="right"):
    return save(
        tmp_path / f"{number}-{handedness}.png", hand_frame(number, handedness)
    ).read_bytes()


@pytest.fixture(scope="module")
def gestures(tmp_path_factory):
    root = tmp_path_factory.mktemp("gestures")
    for number in range(8):
        save(root / f"p{number % 3}" / f"l{number % 2}" / f"{number}.png", hand_frame(number))
    (root / "p1" / "l0" / "60.png").write_bytes(b"no image")
    (root / "p1" / "l0" / "61.png").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def files(gestures):
    paths = sorted(gestures.rglob("*.png"), reverse=True)
    return {path.relative_to(gestures).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def reference(gestures, tmp_path_factory):
    root = tmp_path_factory.mktemp("reference") / "pool"
    prepare(gestures, root, **LEVELS)
    return root


@pytest.mark.parametrize(
    "name, options",
    [
        ("a.tar", {"format": tarfile.PAX_FORMAT}),
        ("a.tar", {"format": tarfile.GNU_FORMAT}),
        ("a.zip", {}),
        ("a.ZIP", {"compression": zipfile.ZIP_DEFLATED}),
    ],
)
def test_an_archive_gives_the_same_bytes_as_a_folder(files, reference, tmp_path, name, options):
    archive = pack(tmp_path / name.lower(), files, **options).rename(tmp_path / name)
    prepare(archive, tmp_path / "pool", **LEVELS)
    assert contents(tmp_path / "pool") == contents(reference)


@pytest.mark.slow
def test_several_archives_and_processes_give_the_same_bytes(files, reference, tmp_path):
    names = sorted(files)
    for number in range(3):  # the images of one person are in several archives
        part = {f"./{name}": files[name] for name in names[number::3]}
        pack(tmp_path / "in" / "deep" / f"{number}.{('zip', 'tar')[number % 2]}", part)
    prepare(tmp_path / "in", tmp_path / "pool", executor=LocalExecutor(2), **LEVELS)
    assert contents(tmp_path / "pool") == contents(reference)


def test_archives_resume_in_shards_and_see_changes(files, reference, tmp_path):
    archive = pack(tmp_path / "a.tar", files)
    for index in (1, 0):
        prepare(archive, tmp_path / "pool", shard=(index, 2), **LEVELS)
    run = prepare(archive, tmp_path / "pool", **LEVELS)
    assert contents(tmp_path / "pool") == contents(reference)
    assert run.dry_run() == []
    os.utime(archive, (2e9, 2e9))
    assert len(run.dry_run()) == 3


# --- WebDataset


def samples(tmp_path, numbers):
    """Three samples as WebDataset writes them; the description may come after its image."""
    found = {}
    for number in numbers:
        record = {"label": f"l{number % 2}", "age": number, "person": f"p{number // 2}"}
        record |= {"is_real": True, "box": [1, 2], "time_s": 7.5, "path": "x", "note": None}
        found[f"{number:04d}.png"] = jpeg(number, tmp_path)
        found[f"{number:04d}.json"] = json.dumps(record).encode()
        found[f"{number:04d}.cls"] = str(number % 2).encode()
        found[f"{number:04d}.txt"] = "ä hand\n".encode()
    return found


def test_descriptions_become_columns_as_those_of_a_list(tmp_path):
    pack(tmp_path / "in" / "shard-0.tar", samples(tmp_path, [0, 1]))
    pack(tmp_path / "in" / "shard-1.tar", samples(tmp_path, [2]))
    prepare(tmp_path / "in", tmp_path / "pool", group="person")
    rows = []
    for number in range(3):
        save(tmp_path / "list" / f"{number:04d}.png", hand_frame(number))
        rows.append({"path": f"{number:04d}.png", "label": f"l{number % 2}", "age": number,
                     "person": f"p{number // 2}", "is_real": "true", "note": "",
                     "txt": "ä hand", "cls": number % 2})  # fmt: skip
    prepare(write_list(tmp_path / "list" / "l.csv", rows), tmp_path / "listed", group="person")
    assert contents(tmp_path / "pool") == contents(tmp_path / "listed")


@pytest.mark.parametrize(
    "group, expected",
    [
        ("folder", ["deep/inside", "shard"]),
        ("archive", ["shard"]),
        ("image", ["deep/inside/0001.png", "shard/0000.png"]),
        ("archive/label", ["shard/l0", "shard/l1"]),
    ],
)
def test_groups_of_archives(tmp_path, group, expected):
    found = {("deep/inside/" if name.startswith("0001") else "") + name: content
             for name, content in samples(tmp_path, [0, 1]).items()}  # fmt: skip
    archive = pack(tmp_path / "shard.tar", found)
    assert [each.video_id for each in footage_of(archive, group=group)] == expected


def test_images_with_several_dots_share_a_description(tmp_path):
    image = jpeg(0, tmp_path)
    record = json.dumps({"label": "fist"}).encode()
    found = {"0.left.png": image, "0.right.png": image, "0.json": record, "v.1.png": image,
             "v.1.json": record, "w.png": image}  # fmt: skip
    taken = read_input(pack(tmp_path / "a.zip", found), FootageSettings())
    assert [(file.name, file.columns["label"]) for file in taken.images] == [
        *(("a/0.left.png", "fist"), ("a/0.right.png", "fist")),
        *(("a/v.1.png", "fist"), ("a/w.png", "")),
    ]


def test_an_exported_pool_is_read_again(reference, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    pool = HandPool(reference)
    export_pool(pool, tmp_path / "out", "webdataset")
    prepare(tmp_path / "out", tmp_path / "pool", group="video_id")
    again = HandPool(tmp_path / "pool")
    assert "no columns, because the pool has its own: bbox_score, brightness" in caplog.text
    assert again.extra_columns == pool.extra_columns and len(again) == len(pool)
    assert again.video_ids == pool.video_ids
    assert again.values("label").tolist() == pool.values("label").tolist()
    assert [again.sources[i] for i in again.source_index] == ["test"] * len(pool)


# --- damage


def test_a_cut_archive_keeps_what_is_before_the_cut(tmp_path):
    archive = pack(tmp_path / "in" / "a.tar", samples(tmp_path, range(4)))
    whole = archive.read_bytes()
    with tarfile.open(archive) as opened:
        start = opened.getmember("0003.png").offset_data
    archive.write_bytes(whole[: start + 100])
    prepare(tmp_path / "in", tmp_path / "pool")
    assert HandPool(tmp_path / "pool").frame_index.tolist() == [0, 1, 2]
    assert {("a", 3, "damaged"), ("a.tar", -1, "damaged")} == drops_of(tmp_path / "pool")
    rows = pq.read_table(tmp_path / "pool" / "drops.parquet").to_pylist()
    assert any("the archive ends within it" in row["detail"] for row in rows)


def test_a_damaged_header_does_not_pass_for_the_end(tmp_path, caplog):
    archive = pack(tmp_path / "a.tar", samples(tmp_path, range(2)))
    content = bytearray(archive.read_bytes())
    with tarfile.open(archive) as opened:
        content[opened.getmember("0001.png").offset] ^= 1
    archive.write_bytes(content)
    taken = read_input(archive, FootageSettings())
    assert [file.name for file in taken.images] == ["a/0000.png"]
    assert [(each.video_id, each.reason) for each in taken.damaged] == [("a.tar", "damaged")]
    assert "there is no header at byte" in caplog.text


def test_damaged_members_of_a_zip_are_dropped(tmp_path):
    archive = pack(tmp_path / "in" / "a.zip", {f"{n}.png": jpeg(n, tmp_path) for n in range(3)})
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo("1.png").header_offset + 60
    content = bytearray(archive.read_bytes())
    content[at] ^= 255  # the content no longer fits the checksum
    flags = content.index(b"PK\x01\x02") + 8
    content[flags] |= 1  # the first member states that it is encrypted
    archive.write_bytes(content)
    (tmp_path / "in" / "b.zip").write_bytes(b"PK\x03\x04 no archive")
    prepare(tmp_path / "in", tmp_path / "pool")
    assert HandPool(tmp_path / "pool").frame_index.tolist() == [2]
    assert drops_of(tmp_path / "pool") == {
        *(("a", 0, "unreadable_file"), ("a", 1, "damaged"), ("b.zip", -1, "not_an_archive")),
    }
    rows = (tmp_path / "pool" / "videos.csv").read_text().splitlines()
    assert any(row.startswith("b.zip,not_an_archive") for row in rows)


def test_descriptions_that_cannot_be_read_are_named(tmp_path, caplog):
    image = jpeg(0, tmp_path)
    found = {"0.png": image, "0.json": b"{", "1.png": image, "1.json": b"[1]", "2.png": image,
             "2.txt": b"\xff\xfe\xfa", "all.json": b"{"}  # fmt: skip
    taken = read_input(pack(tmp_path / "a.tar", found), FootageSettings())
    assert len(taken.images) == 3 and list(taken.columns) == []
    assert "0.json" in caplog.text and "1.json" in caplog.text and "2.txt" in caplog.text
    assert "all.json" not in caplog.text  # describes no image


def test_links_hidden_files_and_paths_outside(tmp_path):
    image = jpeg(0, tmp_path)
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as opened:
        for name in ("../up/1.png", "/abs/2.png", "v/._3.png", "v/4.png"):
            entry = tarfile.TarInfo(name)
            entry.size = len(image)
            opened.addfile(entry, io.BytesIO(image))
        link = tarfile.TarInfo("v/5.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    taken = read_input(archive, FootageSettings())
    assert [file.name for file in taken.images] == ["up/1.png", "abs/2.png", "v/4.png"]


def test_what_cannot_be_taken_is_told(tmp_path, caplog):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(ValueError, match=r"of .*in nothing can be read: a.tar"):
        footage_of(tmp_path / "in")
    pack(tmp_path / "in" / "a.tar", {"clip.mp4": b"x"})
    (tmp_path / "in" / "b.tar.gz").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match="Videos in archives must be unpacked"):
        footage_of(tmp_path / "in")
    assert "are read without unpacking: b.tar.gz" in caplog.text
    assert "videos in archives, which must be unpacked: a/clip.mp4" in caplog.text
    save(tmp_path / "in" / "1.png")
    assert len(footage_of(tmp_path / "in")) == 1
    assert "left alone: archives, which --take archives takes: a.tar" in caplog.text
    with pytest.raises(FileNotFoundError, match=r"none was found"):
        footage_of(tmp_path / "in", take="archives")


def test_a_member_that_states_a_huge_size_is_not_read(tmp_path):
    (file,) = read_input(
        pack(tmp_path / "a.tar", {"0.png": jpeg(0, tmp_path)}), FootageSettings()
    ).images
    object.__setattr__(file.path, "num_bytes", 1 << 40)
    with pytest.raises(ImageFileError) as raised:
        read_image(file.path)
    assert raised.value.reason == "frame_too_large"
