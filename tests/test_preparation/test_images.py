"""Images as a source: what is read, how they are grouped and timed, and what enters the pool."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from simhand_mm.executors import LocalExecutor
from simhand_mm.pool import HandPool, write_detections
from simhand_mm.preparation.footage import find_footage
from simhand_mm.preparation.image_files import ImageFileError, read_image
from simhand_mm.preparation.image_groups import numbers_in, times_of
from simhand_mm.preparation.inputs import FootageSettings, read_input
from simhand_mm.preparation.pipeline import CropSettings
from simhand_mm.preparation.run import Preparation, RunPolicy
from tests.test_preparation.stubs import (
    StubBoxesRecipe,
    StubRecipe,
    empty_frame,
    hand_frame,
    write_hand_video,
)

HERE = LocalExecutor(0)


def save(path, image=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(hand_frame(0) if image is None else image).save(path, **options)
    return path


def prepare(source, pool_dir, recipe=None, executor=HERE, shard=(0, 1), fps=1.0, **footage):
    settings = CropSettings(source="test", fps=fps, crop_size=48)
    run = Preparation(
        Path(source), pool_dir, settings, recipe or StubRecipe(), FootageSettings(**footage)
    )
    run.run(executor, shard)
    return run


def footage_of(source, fps=1.0, **settings):
    settings = FootageSettings(**settings)
    return find_footage(read_input(Path(source), settings), settings, fps)


def ids_and_names(source, **settings):
    return {
        group.video_id: [image.path.name for image in group.images]
        for group in footage_of(source, **settings)
    }


def drops_of(pool_dir):
    rows = pq.read_table(pool_dir / "drops.parquet").to_pylist()
    return {(row["video_id"], row["frame_index"], row["reason"]) for row in rows}


# --- files


@pytest.mark.parametrize(
    "suffix", [".png", ".bmp", ".tif", ".webp", ".ppm", ".tga", ".jp2", ".dib", ".jpg", ".avif"]
)
def test_formats_give_the_same_colours(tmp_path, suffix):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :, 0], image[20:, :30, 1], image[20:, 30:, 2] = 200, 150, 250
    options = {"lossless": True} if suffix == ".webp" else {}
    if suffix in (".jpg", ".avif"):
        options = {"quality": 98}
    read = read_image(save(tmp_path / f"a{suffix}", image, **options))
    for place in (np.s_[2:14, 2:58], np.s_[26:38, 2:24], np.s_[26:38, 36:58]):
        np.testing.assert_allclose(read[place].astype(int), image[place], atol=6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_exif_is_applied(tmp_path, orientation):
    upright = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10
    # How a camera stores a picture that is shown upright by each value (EXIF 2.3, tag 0x0112).
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(read_image(path), upright)


def test_grey_palette_and_deep_images_become_rgb(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    three = np.repeat(grey[..., None], 3, axis=-1)
    save(tmp_path / "grey.png", grey)
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16) << 8 | 255)
    Image.fromarray(np.dstack([three, grey])).save(tmp_path / "alpha.png")
    for name in ("grey", "palette", "deep", "alpha"):
        np.testing.assert_array_equal(read_image(tmp_path / f"{name}.png"), three)


def test_what_is_wrong_with_a_file_is_told(tmp_path):
    whole = save(tmp_path / "whole.jpg", quality=95).read_bytes()
    cases = {
        "not_an_image": b"no image",
        "empty_file": b"",
        "damaged": whole[: len(whole) // 2],
        "frame_too_large": b"P6 20000 20000 255\n",
    }
    for reason, content in cases.items():
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(ImageFileError) as raised:
            read_image(tmp_path / "a.jpg")
        assert raised.value.reason == reason
    with pytest.raises(ImageFileError) as raised:
        read_image(tmp_path / "missing.jpg")
    assert raised.value.reason == "unreadable_file"
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "real.tif")
    with pytest.raises(ImageFileError, match="real numbers"):
        read_image(tmp_path / "real.tif")


# --- groups


def test_a_folder_is_a_group_by_default(tmp_path, caplog):
    caplog.set_level("INFO")
    for name in ("v1/frame_000030.jpg", "v1/frame_000000.jpg", "v2/deep/a10.png", "v2/deep/a9.png"):
        save(tmp_path / name)
    assert ids_and_names(tmp_path) == {
        "v1": ["frame_000000.jpg", "frame_000030.jpg"],
        "v2/deep": ["a9.png", "a10.png"],
    }
    assert "4 images in 2 groups by folder" in caplog.text
    assert "frame_000000.jpg is image 0 at 0 s, frame_000030.jpg is image 30 at 1 s" in caplog.text
    assert "guessed" in caplog.text and "are used" not in caplog.text


def test_levels_name_groups_and_columns(tmp_path):
    for name in ("anna/A/1.png", "anna/B/1.png", "ben/A/1.png"):
        save(tmp_path / name)
    assert list(ids_and_names(tmp_path)) == ["anna/A", "anna/B", "ben/A"]
    by_person = footage_of(tmp_path, levels="person/label", group="person")
    assert [(g.video_id, [i.columns for i in g.images]) for g in by_person] == [
        ("anna", [{"person": "anna", "label": "A"}, {"person": "anna", "label": "B"}]),
        ("ben", [{"person": "ben", "label": "A"}]),
    ]
    # Numbers that are there twice cannot be those of frames: the images are counted instead.
    assert [image.frame_index for image in by_person[0].images] == [0, 1]
    assert list(ids_and_names(tmp_path, levels="person/label", group="label/person")) == [
        *("A/anna", "A/ben", "B/anna")
    ]
    assert list(ids_and_names(tmp_path, group="image")) == [
        *("anna/A/1.png", "anna/B/1.png", "ben/A/1.png")
    ]


@pytest.mark.parametrize(
    "settings, match",
    [
        ({"group": "person"}, "group must be folder, image, or names of levels"),
        ({"levels": "a//b"}, "levels must be different names"),
        ({"levels": "a/a"}, "levels must be different names"),
        ({"numbers_per_second": 0.0}, "numbers_per_second must be positive"),
        ({"take": "videos"}, "none was found"),
    ],
)
def test_wrong_settings_raise(tmp_path, settings, match):
    save(tmp_path / "a" / "b" / "1.png")
    with pytest.raises((ValueError, FileNotFoundError), match=match):
        footage_of(tmp_path, **settings)


def test_a_level_may_not_have_the_name_of_a_column(tmp_path):
    save(tmp_path / "in" / "right" / "1.png")
    with pytest.raises(ValueError, match="unique names, but got 'handedness'"):
        prepare(tmp_path / "in", tmp_path / "pool", levels="handedness")


def test_numbers_of_names():
    assert numbers_in(["v_2_frame_000030.jpg", "v_2_frame_7.jpg"]) == [30, 7]
    assert numbers_in(["a.jpg"]) is None
    assert numbers_in(["1.jpg", "b.jpg"]) is None
    assert numbers_in([f"{'9' * 19}.jpg"]) == [int("9" * 18)]


def test_times_of_numbers():
    assert times_of([0, 30, 90], 30, fps=1) == [0, 1, 3]
    assert times_of([5, 7, 11], None, fps=2) == [0, 0.5, 1.5]  # all of them are sampled at 2 fps
    assert times_of([8], None, fps=1) == [0]


def test_known_times_are_sampled_as_those_of_videos(tmp_path, caplog):
    caplog.set_level("INFO")
    for number in range(0, 60, 3):
        save(tmp_path / "v" / f"{number:04d}.png")
    (group,) = footage_of(tmp_path, fps=2, numbers_per_second=30)
    assert "4 of these images are used" in caplog.text and "guessed" not in caplog.text
    assert [image.frame_index for image in group.sampled(2)] == [0, 15, 30, 45]
    assert [image.time_s for image in group.sampled(2)] == [0, 0.5, 1, 1.5]
    assert [i.frame_index for i in group.sampled(2, frozenset([3, 6, 48]))] == [3, 48]
    for fps in (3, 7, 10, 29.97):  # rounding must not leave out what is on time
        (group,) = footage_of(tmp_path, fps=fps, numbers_per_second=3 * fps)
        assert len(list(group.sampled(fps))) == 20


def test_single_files_and_both_kinds(tmp_path, caplog):
    image = save(tmp_path / "in" / "hand.png")
    video = write_hand_video(tmp_path / "in" / "clip.mp4")
    assert list(ids_and_names(image)) == ["in"]
    assert [each.video_id for each in footage_of(video)] == ["clip"]
    assert [each.video_id for each in footage_of(tmp_path / "in")] == ["clip"]
    assert "left alone: 1 images" in caplog.text
    assert [each.video_id for each in footage_of(tmp_path / "in", take="both")] == ["clip", "in"]
    save(tmp_path / "in" / "clip" / "hand.png")
    with pytest.raises(ValueError, match=r"different names, but \['clip'\]"):
        footage_of(tmp_path / "in", take="both")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        footage_of(tmp_path / "nothing")


# --- lists


def write_list(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines))
    return path


def test_times_of_a_list_may_have_decimal_commas(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / f"{name}.png")
    listed = tmp_path / "list.csv"
    listed.write_text("path;group;time_s\na.png;g;1,5\nb.png;g;2,25\n")
    (group,) = footage_of(listed)
    assert [image.time_s for image in group.images] == [0, 0.75]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_list_says_group_number_time_and_columns(tmp_path, suffix):
    rows = [
        {"path": "b.png", "group": "g", "frame_index": 7, "time_s": 2.5, "label": "fist"},
        {"path": "a.png", "group": "g", "frame_index": 3, "time_s": 1.5, "label": "palm"},
        {"path": "x/c.png", "group": "h", "frame_index": 1, "time_s": 0.0, "label": "fist"},
    ]
    for row in rows:
        save(tmp_path / row["path"])
    listed = write_list(tmp_path / f"list{suffix}", rows)
    groups = footage_of(listed)
    assert [
        [(i.path.name, i.frame_index, i.time_s, i.columns) for i in group.images]
        for group in groups
    ] == [
        [("a.png", 3, 0, {"label": "palm"}), ("b.png", 7, 1, {"label": "fist"})],
        [("c.png", 1, 0, {"label": "fist"})],
    ]
    assert [group.video_id for group in groups] == ["g", "h"]
    assert list(ids_and_names(listed, group="label")) == ["fist", "palm"]


def test_a_list_may_hold_videos_and_name_their_source(tmp_path):
    write_hand_video(tmp_path / "a.mp4")
    write_hand_video(tmp_path / "b.mp4")
    rows = [
        {"path": "a.mp4", "source": "ego4d", "place": "kitchen"},
        {"path": "b.mp4", "source": "", "place": "garden"},
    ]
    prepare(write_list(tmp_path / "list.csv", rows), tmp_path / "pool")
    pool = HandPool(tmp_path / "pool")
    assert [pool.sources[i] for i in pool.source_index] == ["ego4d", "test"]
    assert pool.values("place").tolist() == ["kitchen", "garden"]


@pytest.mark.parametrize(
    "path, match", [("../a.png", "below its folder"), ("", "below its folder")]
)
def test_paths_may_not_leave_the_folder_of_the_list(tmp_path, path, match):
    save(tmp_path / "a.png")
    (tmp_path / "in").mkdir()
    listed = write_list(tmp_path / "in" / "list.csv", [{"path": path, "label": "x"}])
    with pytest.raises(ValueError, match=match):
        footage_of(listed)


def test_wrong_lists_are_refused(tmp_path):
    save(tmp_path / "a.png")
    listed = write_list(tmp_path / "list.csv", [{"path": "a.png", "time_s": "noon"}])
    with pytest.raises(ValueError, match="time_s of the list must be numbers"):
        footage_of(listed)
    listed.write_text("path\n")
    with pytest.raises(ValueError, match="has no rows"):
        footage_of(listed)
    write_list(tmp_path / "list.parquet", [{"file": "a.png"}])
    with pytest.raises(ValueError, match=r"must have the column path, but has \['file'"):
        footage_of(tmp_path / "list.parquet")
    (tmp_path / "list.parquet").write_text("no parquet")
    with pytest.raises(ValueError, match="must be a parquet file"):
        footage_of(tmp_path / "list.parquet")


def test_images_without_a_value_are_grouped_by_folder(tmp_path, caplog):
    rows = [{"path": f"d/{n}.png", "person": "p" * (n < 2)} for n in range(4)]
    for row in rows:
        save(tmp_path / row["path"])
    listed = write_list(tmp_path / "list.csv", rows)
    assert ids_and_names(listed, group="person") == {
        "d": ["2.png", "3.png"],
        "p": ["0.png", "1.png"],
    }
    assert "2 of 4 images have no person" in caplog.text


# --- pools


@pytest.fixture(scope="module")
def gestures(tmp_path_factory):
    root = tmp_path_factory.mktemp("gestures")
    for number in range(12):
        side = "left" if number % 2 else "right"
        folder = root / f"p{number % 3}" / f"label{number % 2}"
        save(folder / f"{number}.png", hand_frame(number, side))
    save(root / "p0" / "label0" / "50.png", empty_frame())
    (root / "p1" / "label0" / "60.png").write_bytes(b"no image")
    return root


LEVELS = {"levels": "person/label", "group": "person"}


@pytest.fixture(scope="module")
def reference(gestures, tmp_path_factory):
    root = tmp_path_factory.mktemp("reference") / "pool"
    prepare(gestures, root, **LEVELS)
    return root


def contents(pool_dir):
    names = ["hands.parquet", "drops.parquet", "hands.arrow", "pool.json", "crops/00000.lmdb"]
    return {name: (pool_dir / name).read_bytes() for name in names}


def test_the_pool_of_images(reference):
    pool = HandPool(reference)
    assert len(pool) == 12 and pool.video_ids == ["p0", "p1", "p2"]
    assert pool.extra_columns == ["person", "label"]
    assert pool.values("person").tolist() == ["p0"] * 4 + ["p1"] * 4 + ["p2"] * 4
    numbers = pool.frame_index
    assert pool.values("label").tolist() == [f"label{number % 2}" for number in numbers]
    np.testing.assert_array_equal(pool.handedness_index, 1 - numbers % 2)
    assert drops_of(reference) == {("p0", 50, "no_hand"), ("p1", 60, "not_an_image")}
    info = json.loads((reference / "pool.json").read_text())
    assert info["columns"] == ["person", "label"]
    assert info["images"] == {"group": "person", "numbers_per_second": None}
    rows = {row.split(",")[0]: row for row in (reference / "videos.csv").read_text().splitlines()}
    assert "not_an_image" in rows["p1"] and "not_an_image" not in rows["p0"]


def test_sharpness_and_brightness_are_those_of_the_crops(reference):
    pool = HandPool(reference)
    for row in (0, 7):
        crop = cv2.imdecode(np.frombuffer(pool.read_crop(row), np.uint8), cv2.IMREAD_GRAYSCALE)
        padded = np.pad(crop.astype(float), 1, mode="reflect")
        laplacian = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
                     - 4 * padded[1:-1, 1:-1])  # fmt: skip
        assert pool.brightness[row] == pytest.approx(crop.mean(), abs=1)
        assert pool.sharpness[row] == pytest.approx(laplacian.var(), rel=0.1)  # JPEG in between


@pytest.mark.slow
def test_worker_processes_give_the_same_bytes(gestures, reference, tmp_path):
    prepare(gestures, tmp_path / "pool", executor=LocalExecutor(2), **LEVELS)
    assert contents(tmp_path / "pool") == contents(reference)


def test_shards_give_the_same_bytes(gestures, reference, tmp_path):
    for index in (1, 0):
        prepare(gestures, tmp_path / "pool", shard=(index, 2), **LEVELS)
    prepare(gestures, tmp_path / "pool", **LEVELS)
    assert contents(tmp_path / "pool") == contents(reference)


def test_a_changed_group_is_done_again_and_no_other(tmp_path):
    for number in range(4):
        save(tmp_path / "in" / f"v{number % 2}" / f"{number}.png", hand_frame(number))
    run = prepare(tmp_path / "in", tmp_path / "pool")
    assert run.dry_run() == []
    save(tmp_path / "in" / "v1" / "9.png", hand_frame(9))
    assert [group.video_id for group in run.dry_run()] == ["v1"]
    run.run(HERE)
    assert HandPool(tmp_path / "pool").frame_index.tolist() == [0, 2, 1, 3, 9]
    os.utime(tmp_path / "in" / "v0" / "0.png", (2e9, 2e9))
    assert [group.video_id for group in run.dry_run()] == ["v0"]


def test_a_changed_label_is_noticed(tmp_path):
    save(tmp_path / "a.png")
    rows = [{"path": "a.png", "label": "fist"}]
    run = prepare(write_list(tmp_path / "list.csv", rows), tmp_path / "pool")
    write_list(tmp_path / "list.csv", [{"path": "a.png", "label": "palm"}])
    run.run(HERE)
    assert HandPool(tmp_path / "pool").values("label").tolist() == ["palm"]


def test_a_group_of_unreadable_images_fails_and_others_do_not(tmp_path):
    (tmp_path / "in" / "bad").mkdir(parents=True)
    (tmp_path / "in" / "bad" / "1.png").write_bytes(b"")
    save(tmp_path / "in" / "good" / "1.png")
    run = prepare(tmp_path / "in", tmp_path / "pool")
    assert HandPool(tmp_path / "pool").video_ids == ["good"]
    assert drops_of(tmp_path / "pool") == {("bad", 1, "empty_file")}
    save(tmp_path / "in" / "bad" / "1.png")
    run.run(HERE, policy=RunPolicy(retry_failed=True))
    assert HandPool(tmp_path / "pool").video_ids == ["bad", "good"]


def test_boxes_of_a_table_go_by_group_and_number(tmp_path):
    for number in (30, 60, 90):
        save(tmp_path / "in" / "v" / f"frame_{number:06d}.png", hand_frame(number))
    boxes = [
        {"video_id": "v", "frame_index": number, "bbox_xyxy": [0, 0, 96, 64], "score": 0.9,
         "handedness": "right"}
        for number in (60, 120)
    ]  # fmt: skip
    write_detections(tmp_path / "boxes.parquet", boxes)
    prepare(tmp_path / "in", tmp_path / "pool", StubBoxesRecipe(str(tmp_path / "boxes.parquet")))
    assert HandPool(tmp_path / "pool").frame_index.tolist() == [60]
    assert ("v", -1, "damaged") in drops_of(tmp_path / "pool")  # image 120 is not there


def test_an_older_pool_without_the_new_columns_opens(reference, tmp_path):
    table = pq.read_table(reference / "hands.parquet")
    old = table.drop_columns(["sharpness", "brightness", "person", "label"])
    for name in ("pool.json", "crops"):
        os.symlink(reference / name, tmp_path / name)
    pq.write_table(old, tmp_path / "hands.parquet")
    pool = HandPool(tmp_path)
    assert np.isnan(pool.sharpness).all() and np.isnan(pool.values("brightness")).all()
    np.testing.assert_array_equal(pool.keypoints_2d, HandPool(reference).keypoints_2d)
    assert pool.extra_columns == []
    with pytest.raises(ValueError, match=r"column must be one of .* but got 'label'"):
        pool.values("label")


def test_a_stale_copy_of_the_table_is_made_again(reference, tmp_path):
    """The memory-mapped copy of an older version lacks the columns, though its hands are those."""
    for name in ("pool.json", "crops", "hands.parquet"):
        os.symlink(reference / name, tmp_path / name)
    source = pa.ipc.open_file(pa.memory_map(str(reference / "hands.arrow")))
    table = source.read_all().drop_columns(["sharpness"])
    schema = table.schema.with_metadata(source.schema.metadata)
    with pa.ipc.new_file(str(tmp_path / "hands.arrow"), schema) as writer:
        writer.write_table(table)
    assert np.isfinite(HandPool(tmp_path).sharpness).all()
