"""Exported pools, read back by the programs they are for."""

import io
import json
import tarfile

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from pycocotools.coco import COCO

from simhand_mm.pool import HandPairs, HandPool, exporting, save_pairs
from simhand_mm.pool.cropping import encode_jpeg
from simhand_mm.pool.exporting import COCO_ANNOTATIONS, COCO_IMAGES, export_pool
from tests.pools import CROP_SIZE, make_hand, write_pool


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    rng = np.random.default_rng(0)
    hands = {
        video: [
            make_hand(
                video,
                frame,
                crop=encode_jpeg(rng.integers(0, 256, (CROP_SIZE, CROP_SIZE, 3), np.uint8)),
                sharpness=float("nan") if frame == 2 else float(frame),
                brightness=7.5,
                keypoints_2d=rng.uniform(-1, CROP_SIZE, (21, 2)).astype(np.float32),
                keypoints_3d=np.full((21, 3), frame) if frame == 1 else None,
                columns={"label": f"l{frame}"},
            )
            for frame in range(4)
        ]
        for video in ("a", "b", "c/é")
    }
    pool = write_pool(tmp_path_factory.mktemp("pool") / "pool", hands, columns=["label"])
    index = np.array([[(row + 5) % 12, row - 1] for row in range(12)], np.int32)
    distance = np.where(index < 0, np.inf, index / 10).astype(np.float32)
    ranks = np.array([1, 2], np.int32)
    pairs = HandPairs(index, distance, ranks, "similar", "l2", pool.fingerprint)
    save_pairs(pool.root, "similar", pairs)
    return pool


@pytest.fixture(scope="module")
def coco_dir(pool, tmp_path_factory):
    output = tmp_path_factory.mktemp("coco")
    export_pool(pool, output, "coco")
    return output


def test_coco_has_the_crops_and_keypoints(pool, coco_dir):
    coco = COCO(str(coco_dir / COCO_ANNOTATIONS))
    (category,) = coco.loadCats(coco.getCatIds())
    assert category["keypoints"][0] == "wrist" and len(category["keypoints"]) == 21
    assert sorted(map(tuple, category["skeleton"]))[0] == (1, 2) and len(category["skeleton"]) == 20
    assert len(coco.imgs) == len(coco.anns) == 12
    for row, image in enumerate(coco.loadImgs(coco.getImgIds())):
        assert image["hand_id"] == pool.hand_id(row) and image["label"] == f"l{row % 4}"
        assert (image["width"], image["height"]) == (CROP_SIZE, CROP_SIZE)
        assert (coco_dir / COCO_IMAGES / image["file_name"]).read_bytes() == pool.read_crop(row)
        (annotation,) = coco.loadAnns(coco.getAnnIds(image["id"]))
        keypoints = np.array(annotation["keypoints"]).reshape(21, 3)
        np.testing.assert_allclose(keypoints[:, :2], pool.keypoints_2d[row])
        # 2: visible, 1: labelled, but outside the image, whose pixels are centred at integers.
        is_out = (keypoints[:, :2] < -0.5).any(1) | (keypoints[:, :2] >= CROP_SIZE - 0.5).any(1)
        np.testing.assert_array_equal(keypoints[:, 2], np.where(is_out, 1, 2))
        x, y, width, height = annotation["bbox"]
        inside = keypoints[keypoints[:, 2] == 2, :2]
        assert (inside >= [x - 0.5, y - 0.5]).all()  # x and y are whole pixels
        assert (inside < [x + width, y + height]).all()
        assert x >= 0 and x + width <= CROP_SIZE and annotation["area"] == width * height
        assert annotation["attributes"]["handedness"] == "right"


def test_missing_numbers_are_null(coco_dir):
    images = json.loads((coco_dir / COCO_ANNOTATIONS).read_text())["images"]
    assert [image["sharpness"] for image in images[:4]] == [0, 1, None, 3]


def test_mmpose_reads_coco(pool, coco_dir):
    from mmpose.datasets.datasets.hand import OneHand10KDataset

    import simhand_mm.pose  # noqa: F401 (mmpose's imports)

    dataset = OneHand10KDataset(
        data_root=str(coco_dir), ann_file=COCO_ANNOTATIONS, data_prefix={"img": f"{COCO_IMAGES}/"}
    )
    assert len(dataset) == 12
    for row in (0, 7):
        record = dataset.get_data_info(row)
        np.testing.assert_allclose(record["keypoints"][0], pool.keypoints_2d[row], rtol=1e-6)
        np.testing.assert_array_equal(
            cv2.imread(record["img_path"]),
            cv2.imdecode(np.frombuffer(pool.read_crop(row), np.uint8), cv2.IMREAD_COLOR),
        )


def test_huggingface_has_images_keypoints_and_positives(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_HANDS_PER_FILE", 5)
    monkeypatch.setattr(exporting, "_HANDS_PER_ROW_GROUP", 2)
    export_pool(pool, tmp_path / "out", "huggingface", ["similar"])
    paths = sorted((tmp_path / "out" / "data").iterdir())
    assert [path.name for path in paths] == [f"train-{n:05d}-of-00003.parquet" for n in range(3)]
    tables = [pq.read_table(path) for path in paths]
    rows = [row for table in tables for row in table.to_pylist()]
    assert [row["hand_id"] for row in rows] == [pool.hand_id(row) for row in range(12)]
    assert [row["image"]["bytes"] for row in rows] == [pool.read_crop(row) for row in range(12)]
    np.testing.assert_array_equal([row["keypoints_2d"] for row in rows], pool.keypoints_2d)
    assert [row["similar_index"] for row in rows[:2]] == [[5, -1], [6, 0]]
    assert rows[0]["keypoints_3d"] is None and rows[1]["keypoints_3d"] == [[1.0] * 3] * 21
    assert rows[2]["sharpness"] is None and rows[3]["label"] == "l3"
    # What datasets.load_dataset looks for, in the words of its documentation on features.
    features = json.loads(tables[0].schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == tables[0].column_names
    assert features["image"] == {"_type": "Image"}
    assert features["frame_index"] == {"dtype": "int64", "_type": "Value"}
    assert features["time_s"] == {"dtype": "float64", "_type": "Value"}
    inner = {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "Sequence"}
    assert features["keypoints_2d"] == {"feature": inner, "_type": "Sequence"}


def test_datasets_reads_huggingface(pool, tmp_path):
    datasets = pytest.importorskip("datasets")
    export_pool(pool, tmp_path / "out", "huggingface", ["similar"])
    loaded = datasets.load_dataset(
        str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded[3]["image"].size == (CROP_SIZE, CROP_SIZE)
    np.testing.assert_array_equal(loaded[3]["keypoints_2d"], pool.keypoints_2d[3])


def test_webdataset_has_pairs_of_files_and_the_same_bytes_each_time(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_HANDS_PER_FILE", 5)
    for name in ("one", "two"):
        export_pool(pool, tmp_path / name, "webdataset", ["similar"])
    shards = sorted((tmp_path / "one").iterdir())
    assert [path.name for path in shards] == [f"hands-{n:06d}.tar" for n in range(3)]
    assert [p.read_bytes() for p in shards] == [
        (tmp_path / "two" / p.name).read_bytes() for p in shards
    ]
    entries = {}
    for path in shards:
        with tarfile.open(path) as tar:
            entries.update({member.name: tar.extractfile(member).read() for member in tar})
    assert list(entries) == [f"{r:08d}.{suffix}" for r in range(12) for suffix in ("jpg", "json")]
    for row in range(12):
        assert entries[f"{row:08d}.jpg"] == pool.read_crop(row)
    assert json.loads(entries["00000001.json"])["keypoints_3d"] == [[1.0] * 3] * 21
    record = json.load(io.BytesIO(entries["00000000.json"]))
    assert record["keypoints_3d"] is None
    assert record["similar_hand_id"] == [pool.hand_id(5), None]
    assert record["similar_distance"] == [0.5, None]
    np.testing.assert_allclose(record["keypoints_2d"], pool.keypoints_2d[0])
    assert record["label"] == "l0" and record["is_mirrored"] is False


def test_what_cannot_be_exported_is_refused(pool, tmp_path):
    with pytest.raises(ValueError, match=r"to must be one of .*, but got 'yolo'"):
        export_pool(pool, tmp_path / "out", "yolo")
    with pytest.raises(ValueError, match="pairs must not be given for coco"):
        export_pool(pool, tmp_path / "out", "coco", ["similar"])
    with pytest.raises(FileNotFoundError, match="nothing"):
        export_pool(pool, tmp_path / "out", "huggingface", ["nothing"])
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="has content"):
        export_pool(pool, tmp_path, "coco")


@pytest.mark.parametrize("to", ["coco", "huggingface", "webdataset"])
def test_an_empty_pool_can_be_exported(tmp_path, to):
    root = tmp_path / "pool"
    write_pool(root, {"a": []})
    export_pool(HandPool(root), tmp_path / "out", to)
    assert any((tmp_path / "out").rglob("*"))
