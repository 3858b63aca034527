"""FreiHAND v2 (Zimmermann et al., ICCV 2019) from its official folders.

    <root>/training/rgb/%08d.jpg         4 versions (green screen, then three backgrounds)
    <root>/training_{K,xyz}.json         one entry per hand; version v of hand i is image v N + i
    <root>/evaluation/rgb/%08d.jpg       <root>/evaluation_K.json
    <root>_eval/evaluation_xyz.json      from the separate archive of the evaluation labels

Right hands only, 224 x 224 px, metres, our joint order.
"""

import os
from pathlib import Path

from simhand_mm.converters.conversion import Conversion, OfficialCount
from simhand_mm.converters.records import UnusableSample, to_array
from simhand_mm.converters.source_files import read_source
from simhand_mm.functional.keypoints import NUM_KEYPOINTS

SPLITS = ("train", "test")
OFFICIAL_COUNTS = {
    "train": [OfficialCount("read", 4 * 32_560, "the data set")],
    "test": [OfficialCount("read", 3_960, "the data set")],
}
_IMAGE_SIZE = (224, 224)
_ARCHIVE = "FreiHAND_pub_v2.zip"
_EVAL_ARCHIVE = "FreiHAND_pub_v2_eval.zip"


def convert_freihand(root: str | Path, split: str) -> Conversion:
    """Read one split. The training set keeps the official order of its images.

    Args:
        root: Folder ``FreiHAND_pub_v2``.
        split: ``train`` or ``test`` (the official evaluation set).

    Raises:
        FileNotFoundError: If an official file or folder is missing.
        ValueError: If a file is damaged, or counts, shapes or units do not fit.
    """
    root = Path(root)
    folder = "training" if split == "train" else "evaluation"
    cameras = read_source(root / f"{folder}_K.json", _ARCHIVE)
    hands = read_source(_xyz_path(root, folder), _ARCHIVE if split == "train" else _EVAL_ARCHIVE)
    if len(cameras) != len(hands):
        raise ValueError(
            f"{folder}_K.json and {folder}_xyz.json of {root} must have the same number of "
            f"entries, but have {len(cameras)} and {len(hands)}. Extract {_ARCHIVE} again."
        )
    images = _list_images(root / folder / "rgb")
    conversion = Conversion(f"FreiHAND {split}")
    num_versions = 4 if split == "train" else 1
    for number in range(num_versions * len(hands)):
        name, label = f"{number:08d}.jpg", number % len(hands)
        sample_id = f"{folder}/{number:08d}"
        if name not in images:
            conversion.drop("image missing", sample_id)
            continue
        try:
            hand = 1000 * to_array(hands[label], (NUM_KEYPOINTS, 3))
        except UnusableSample as reason:
            conversion.drop(str(reason), sample_id)
            continue
        conversion.add(
            sample_id=sample_id,
            image_path=f"{folder}/rgb/{name}",
            size_wh=_IMAGE_SIZE,
            camera_matrix=cameras[label],
            keypoints_3d=hand,
            handedness="right",
            source="freihand",
            sequence_id=f"{label:08d}",  # all versions of a hand share it
        )
    conversion.check_unit("metres")
    return conversion


def _xyz_path(root: Path, folder: str) -> Path:
    """Path of the 3D labels. Those of evaluation are in a separate folder, unless merged."""
    merged = root / f"{folder}_xyz.json"
    separate = root.with_name(f"{root.name}_eval") / merged.name
    return separate if folder == "evaluation" and not merged.is_file() else merged


def _list_images(folder: Path) -> set[str]:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} must exist, but does not. It is part of {_ARCHIVE}: extract it there."
        )
    return set(os.listdir(folder))
