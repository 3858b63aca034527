"""Anybody's own labels: public layouts, our JSON, units, orders, cameras, images, the command."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simhand_mm.converters.keypoint_orders import ORDERS, check_order, order_of_names
from simhand_mm.converters.labelled_hands import OwnLabelSettings
from simhand_mm.converters.own_label_files import convert_label_file, find_label_files
from simhand_mm.pool import read_poses
from simhand_mm.pool.exporting import export_pool
from tests.pools import make_hand, write_pool
from tests.test_converters import own_layouts as layouts
from tests.test_converters.official_layouts import TIP_FIRST, dump

ROOT = Path(__file__).parents[2]


def convert(kind, path, split="train", **settings):
    root, files = find_label_files(path)
    (labels,) = convert_label_file(
        kind, root, files[0], OwnLabelSettings(**settings), split
    ).values()
    return labels


def edit(root, change):
    """Change the content of the written file."""
    path = root / "annotations" / "hands_train.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


# --- orders


@pytest.mark.parametrize(
    "names, order",
    [
        (layouts.ONEHAND10K_NAMES, list(range(21))),
        (layouts.MEDIAPIPE_NAMES, list(range(21))),
        (layouts.RHD_NAMES, layouts.RHD_POSITIONS),
        ([f"right_{layouts.ONEHAND10K_NAMES[k]}" for k in np.argsort(TIP_FIRST)], TIP_FIRST),
        ([n.replace("4", "3").replace("3", "2") for n in ["wrist"]], None),
        ([f"{f}_{j}" for f in ("little", "ring", "middle", "index", "thumb") for j in range(4)]
         + ["Wrist"], [20, *(4 * f + j for f in (4, 3, 2, 1, 0) for j in range(4))]),
        (layouts.MANO_NAMES, list(ORDERS["mano"])),
        ([str(number) for number in range(1, 22)], None),
        ([*layouts.ONEHAND10K_NAMES[:-1], "wrist"], None),
    ],
)  # fmt: skip
def test_names_tell_the_order(names, order):
    found = order_of_names(names)
    assert (found if found is None else list(found)) == order


@pytest.mark.parametrize("axes", [2, 3])
def test_a_wrong_order_makes_the_skeleton_longer(hands, axes):
    hand = np.stack([hand[f"keypoints_{axes}d"] for hand in hands])
    hand[0, 5:9] = np.nan
    check_order(hand, "x")
    for order in ("tip-to-palm", "wrist-last", "mano"):
        mixed = hand[:, np.argsort(ORDERS[order])]  # as a file in that order would list them
        np.testing.assert_array_equal(mixed[:, ORDERS[order]], hand)
        with pytest.raises(ValueError, match="shorter, so the stated order is probably wrong"):
            check_order(mixed, "x")


# --- COCO


@pytest.mark.parametrize("unit_mm, unit", [(1, "mm"), (10, "cm"), (1000, "m")])
def test_the_layout_of_rhd_with_guessed_units(hands, data_root, same_hand, tmp_path, unit_mm, unit):
    layouts.write_rhd(tmp_path, hands, data_root, unit_mm=unit_mm)
    labels = convert("coco", tmp_path)
    assert len(labels.poses.records) == len(hands) and not labels.keypoints.records
    for record, hand in zip(labels.poses.records, hands, strict=True):
        same_hand(record, hand)
        np.testing.assert_allclose(record["bbox_xyxy"], hand["bbox_xyxy"], atol=1e-3)
        assert record["image_path"].startswith("images/") and record["width"] == hand["width"]
    assert f"are taken as {unit}, because" in labels.summary()


def test_the_layout_of_onehand10k_has_2d_labels_only(hands, data_root, tmp_path):
    layouts.write_onehand10k(tmp_path, hands, data_root)
    labels = convert("coco", tmp_path, side="right")
    assert not labels.poses.records and labels.poses.drops == {"2D keypoints only": len(hands)}
    for record, hand in zip(labels.keypoints.records, hands, strict=True):
        labelled = ~np.isin(np.arange(21), [0, 7])
        np.testing.assert_array_equal(record["keypoints_valid"], labelled)
        np.testing.assert_allclose(record["keypoints_2d"][labelled],
                                   hand["keypoints_2d"][labelled], atol=1e-3)  # fmt: skip
        assert np.isnan(record["keypoints_3d"]).all() and np.isnan(record["camera_matrix"]).all()
    with pytest.raises(ValueError, match=r"handedness not stated \(--side states it for all\)"):
        convert("coco", tmp_path)


def test_the_layout_of_coco_wholebody(hands, data_root, tmp_path):
    layouts.write_wholebody(tmp_path, hands, data_root)
    labels = convert("coco", tmp_path)
    assert labels.poses.drops["hand not labelled"] == len(hands)
    for record, hand in zip(labels.keypoints.records, hands, strict=True):
        np.testing.assert_allclose(record["keypoints_2d"], hand["keypoints_2d"], atol=1e-3)
        assert record["handedness"] == hand["handedness"]


def test_names_that_do_not_tell_need_an_order(hands, data_root, same_hand, tmp_path):
    layouts.write_rhd(tmp_path, hands, data_root, names=[str(n) for n in range(1, 22)])
    with pytest.raises(ValueError, match="Pass --order with one of palm-to-tip, tip-to-palm"):
        convert("coco", tmp_path)
    same_hand(convert("coco", tmp_path, order="tip-to-palm").poses.records[0], hands[0])
    with pytest.raises(ValueError, match="another --order"):
        convert("coco", tmp_path, order="palm-to-tip")
    layouts.write_rhd(tmp_path, hands, data_root, names=layouts.ONEHAND10K_NAMES)  # wrong names
    with pytest.raises(ValueError, match="Correct the names of the keypoints"):
        convert("coco", tmp_path)


def test_a_wrong_unit_or_camera_is_refused(hands, data_root, tmp_path):
    layouts.write_rhd(tmp_path, hands, data_root)
    with pytest.raises(ValueError, match="must be in m, but then"):
        convert("coco", tmp_path, unit="m")

    def grow(content):
        for annotation in content["annotations"]:
            annotation["joint_cam"] = (np.array(annotation["joint_cam"]) * 1e5).tolist()

    edit(tmp_path, grow)
    with pytest.raises(ValueError, match="must be in m, cm or mm, but the typical"):
        convert("coco", tmp_path)

    def upside_down(content):
        for annotation in content["annotations"]:
            annotation["joint_cam"] = (np.array(annotation["joint_cam"]) * [1, -1, 1]).tolist()

    layouts.write_rhd(tmp_path, hands, data_root)
    edit(tmp_path, upside_down)
    with pytest.raises(ValueError, match="hand sizes away from the 2D ones"):
        convert("coco", tmp_path)


def test_hands_that_cannot_be_used_are_counted(hands, data_root, tmp_path):
    layouts.write_rhd(tmp_path, hands, data_root)
    (tmp_path / "images" / "5.jpg").unlink()

    def damage(content):
        first, second, third, _, fifth = content["annotations"][:5]
        first["hand_type"] = "interacting"
        second["joint_cam"] = second["joint_cam"][:20]
        third["image_id"] = 999
        del content["images"][3]["cam_param"]
        del content["images"][3]["width"]  # read from the image
        fifth["iscrowd"] = 1
        fifth["bbox"] = [0, 0, 0, 0]
        content["annotations"][6]["bbox"] = [0, 0, 0, 0]  # without area: that of the keypoints
        content["annotations"][7]["joint_valid"] = [[1]] * 20 + [[0]]
        content["images"][6]["file_name"] = "../images/6.jpg"

    edit(tmp_path, damage)
    labels = convert("coco", tmp_path)
    assert labels.poses.drops == {
        "handedness neither left nor right": 1,
        "keypoints are not 21 x 3 numbers": 1,
        "malformed annotation": 1,
        "no camera matrix": 1,
        "group of hands (iscrowd)": 1,
        "image missing": 1,
        "image outside of the folder": 1,
    }
    (record,) = labels.poses.records
    assert record["keypoints_valid"].tolist() == [True] * 17 + [False] + [True] * 3
    (record,) = labels.keypoints.records  # 2D labels remain without the camera
    assert (record["width"], record["height"]) == (hands[3]["width"], hands[3]["height"])
    assert "images were searched for in" in labels.summary()


def test_an_exported_pool_is_read_again(hands, tmp_path):
    points = [hand["keypoints_2d"] / 8 for hand in hands[:2]]  # inside the crop of 32 px
    records = [
        make_hand("v", 0, keypoints_2d=points[0]),
        make_hand("v", 1, 1, keypoints_2d=points[1]),
    ]
    pool = write_pool(tmp_path / "pool", {"v": records})
    assert pool.is_mirrored.tolist() == [False, True]
    export_pool(pool, tmp_path / "out", "coco")
    labels = convert("coco", tmp_path / "out")
    assert [record["handedness"] for record in labels.keypoints.records] == ["right", "right"]
    for row, record in enumerate(labels.keypoints.records):
        assert record["keypoints_valid"].all()
        np.testing.assert_allclose(record["keypoints_2d"], pool.keypoints_2d[row], atol=1e-4)
        assert record["image_path"] == f"images/default/00000/{row:08d}.jpg"
        assert record["sequence_id"] == "v"


# --- JSON


def json_of(hand, number, **fields):
    return {
        "image": hand["image_path"],
        "handedness": hand["handedness"],
        "keypoints_2d": hand["keypoints_2d"].tolist(),
        "keypoints_3d": (hand["keypoints_3d"] / 1000).tolist(),
        "camera_matrix": hand["camera_matrix"].tolist(),
        "split": ("train", "test")[number % 2],
        **fields,
    }


def link_images(root, data_root):
    (root / "images").symlink_to(data_root / "images")


def test_json_with_splits_and_units(hands, data_root, same_hand, tmp_path):
    link_images(tmp_path, data_root)
    entries = [json_of(hand, number) for number, hand in enumerate(hands)]
    entries[0]["keypoints_3d"] = hands[0]["keypoints_3d"].tolist()
    entries[0]["unit"] = "mm"
    entries[2]["keypoints_3d"][20] = [None, None, None]
    entries[2]["bbox_xyxy"] = [1, 2, 30, 40]
    dump(tmp_path / "hands.json", {"unit": "m", "hands": entries})
    root, (file,) = find_label_files(tmp_path / "hands.json")
    found = convert_label_file("json", root, file, OwnLabelSettings())
    assert list(found) == ["test", "train"]
    for split, start in (("train", 0), ("test", 1)):
        for number, record in enumerate(found[split].poses.records):
            if (split, number) != ("train", 1):
                same_hand(record, hands[start + 2 * number])
    third = found["train"].poses.records[1]
    assert third["keypoints_valid"].tolist() == [True] * 20 + [False]
    assert third["bbox_xyxy"].tolist() == [1, 2, 30, 40]
    assert third["sample_id"] == f"{hands[2]['image_path']}/2"


def test_json_that_is_wrong(hands, data_root, tmp_path):
    link_images(tmp_path, data_root)
    good = json_of(hands[0], 0)
    entries = [good, 7, {**good, "image": None} | {"keypoints_2d": [1]}, {**good, "unit": "inch"},
               {"handedness": "left"}, {"image": "a.jpg", "handedness": "left"}]  # fmt: skip
    dump(tmp_path / "hands.json", entries)
    labels = convert("json", tmp_path / "hands.json")
    assert len(labels.poses.records) == 1
    assert labels.poses.drops == {
        "malformed hand": 2,
        "keypoints are not 21 x 2 numbers": 1,
        "unit is none of m, cm, mm": 1,
        "no labelled keypoint": 1,
    }
    dump(tmp_path / "hands.json", {"images": []})
    with pytest.raises(ValueError, match=r"must be .* or a list of hands, but is not"):
        convert("json", tmp_path / "hands.json")
    with pytest.raises(FileNotFoundError, match="labels must be a JSON file"):
        find_label_files(tmp_path / "images")
    dump(tmp_path / "hands_train.json", [])
    dump(tmp_path / "train.json", [])
    with pytest.raises(ValueError, match="a split of its own"):
        find_label_files(tmp_path)


@pytest.mark.parametrize(
    "change, reason",
    [
        (
            lambda hand: {"keypoints_3d": to_wrist(hand["keypoints_3d"])},
            "not relative to the wrist",
        ),
        (lambda hand: {"camera_matrix": [600, 600, 64, 64]}, "camera_matrix is not 3 x 3 numbers"),
    ],
)
def test_dropped_hands_tell_what_is_wrong(hands, data_root, tmp_path, change, reason):
    link_images(tmp_path, data_root)
    entries = [json_of(hand, 0, keypoints_2d=None) for hand in hands]
    dump(tmp_path / "hands.json", [entry | change(entry) for entry in entries])
    with pytest.raises(ValueError, match=reason):
        convert("json", tmp_path / "hands.json")


def to_wrist(keypoints):
    return (np.array(keypoints) - keypoints[0]).tolist()


def test_images_must_be_inside_the_folder(hands, data_root, tmp_path):
    dump(tmp_path / "in" / "hands.json", [json_of(hands[0], 0)])
    with pytest.raises(ValueError, match="images must be a folder inside"):
        convert("json", tmp_path / "in" / "hands.json", images=data_root)
    with pytest.raises(ValueError, match="must have usable hands"):
        convert("json", tmp_path / "in" / "hands.json")


# --- the command


@pytest.mark.slow
def test_the_command_writes_tables(hands, data_root, tmp_path):
    layouts.write_rhd(tmp_path / "coco", hands, data_root)
    edit(tmp_path / "coco", lambda content: content["images"][0].pop("cam_param"))
    link_images(tmp_path, data_root)
    dump(tmp_path / "test.json", [json_of(hand, 1) for hand in hands])
    for *arguments, table in (
        ("coco", tmp_path / "coco", tmp_path / "coco" / "poses" / "train.parquet"),
        ("json", tmp_path / "test.json", tmp_path / "poses" / "test.parquet"),
    ):
        command = [sys.executable, "-W", "ignore", str(ROOT / "tools/convert_dataset.py")]
        run = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
        assert f"to {table}" in run.stdout
        assert len(read_poses(table)["sample_id"]) == len(hands) - (arguments[0] == "coco")
    assert len(read_poses(tmp_path / "coco" / "poses" / "train-2d.parquet")["sample_id"]) == 1


@pytest.mark.slow
def test_a_model_is_measured_on_own_pictures(hands, data_root, tmp_path):
    """The commands of docs/protocols.md, with random weights and a small network."""
    link_images(tmp_path, data_root)
    dump(tmp_path / "test.json", {"hands": [json_of(hand, 1) for hand in hands]})
    config = ROOT / "configs/detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py"
    make_checkpoint = (
        "import sys, torch, simhand_mm.pose; from mmengine.config import Config; "
        "from mmpose.registry import MODELS; from mmengine.registry import init_default_scope; "
        "init_default_scope('mmpose'); model = MODELS.build(Config.fromfile(sys.argv[1]).model); "
        "torch.save({'state_dict': model.state_dict(), 'meta': {}}, sys.argv[2])"
    )
    options = [f"test_dataloader.dataset.data_root={tmp_path}", "test_dataloader.num_workers=0"]
    for command in (
        ["tools/convert_dataset.py", "json", "test.json"],
        ["-c", make_checkpoint, config, "random.pth"],
        [
            "tools/test.py",
            config,
            "random.pth",
            "--dump",
            "--work-dir",
            "out",
            "--cfg-options",
            *options,
        ],
        ["tools/evaluate_predictions.py", "poses/test.parquet", "out/predictions.parquet"],
    ):
        if command[0] != "-c":
            command[0] = str(ROOT / command[0])
        run = subprocess.run([sys.executable, "-W", "ignore", *map(str, command)], cwd=tmp_path,
                             capture_output=True, text=True, check=False)  # fmt: skip
        assert run.returncode == 0, run.stderr[-2000:]
    assert f"{len(hands)} hands" in run.stdout and "root_scale" in run.stdout
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    error = metrics["protocols"]["root_scale"]["mpjpe_mm"]
    assert f"{error:.2f}" in run.stdout
