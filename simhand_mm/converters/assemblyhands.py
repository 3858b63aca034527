"""AssemblyHands v1-1, egocentric views (Ohkawa et al., CVPR 2023), from its official folders.

    <root>/images/ego_images_rectified/<split>/<file_name>
    <root>/annotations/<split>/assemblyhands_<split>_ego_data_v1-1.json   pictures, boxes, validity
    <root>/annotations/<split>/assemblyhands_<split>_ego_calib_v1-1.json  cameras
    <root>/annotations/<split>/assemblyhands_<split>_joint_3d_v1-1.json   42 joints, mm, world frame
    <root>/annotations/<split>/invalid_<split>_ego.txt                    "file_name,hand" lines

Of the 42 joints 0 to 20 are the right hand, 21 to 41 the left; each goes from the tip to the base
of thumb, index, middle, ring and pinky, and ends with the wrist. Layout and order are those of the
official toolkit's README and loader.

Not confirmed: how ``invalid_<split>_ego.txt`` writes the side. The toolkit makes that file when it
first runs (fewer than 10 valid joints, or no crop). We read 0 as right and 1 as left, as the joints
are ordered, and words as what they say. Hands with fewer than 10 valid joints are left out before
the list is asked, so that the other reading would show as many hands "on the official list".
"""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.utils import track_iter_progress

from simhand_mm.converters.records import Conversion, OfficialCount, UnusableSample, read_json

SPLITS = ("train", "val", "test")
_PAPER_TEST = OfficialCount("kept", 109_800, "SiMHand's test split, which it does not name", 100)
OFFICIAL_COUNTS = {
    "train": [OfficialCount("kept", 704_000, "SiMHand", 100)],
    "val": [_PAPER_TEST],
    "test": [_PAPER_TEST],
}
# Position in the official order of each of our 21 keypoints.
KEYPOINT_ORDER = (20, *(4 * finger + 3 - joint for finger in range(5) for joint in range(4)))
_HANDS = {"right": 0, "left": 21}
_ARCHIVE = "the annotations of AssemblyHands v1-1"


def convert_assemblyhands(root: str | Path, split: str, min_valid: int = 10) -> Conversion:
    """Read one split: a record for each hand of each egocentric picture.

    Args:
        root: The folder that holds ``images`` and ``annotations``.
        split: ``train``, ``val`` or ``test``.
        min_valid: Leave out hands with fewer valid joints, as the official loader does.

    Raises:
        FileNotFoundError: If an official file or folder is missing.
        ValueError: If a file is damaged, or shapes or units do not fit.
    """
    root = Path(root)
    folder = root / "annotations" / split
    name = f"assemblyhands_{split}"
    data = read_json(folder / f"{name}_ego_data_v1-1.json", _ARCHIVE)
    calibration = read_json(folder / f"{name}_ego_calib_v1-1.json", _ARCHIVE)["calibration"]
    joints = read_json(folder / f"{name}_joint_3d_v1-1.json", _ARCHIVE)["annotations"]
    excluded = _read_excluded(folder / f"invalid_{split}_ego.txt")
    images = {image["id"]: image for image in data["images"]}
    pictures = _Pictures(root)
    conversion = Conversion(f"AssemblyHands {split}")
    for annotation in track_iter_progress(data["annotations"]):
        image = images[annotation["image_id"]]
        path = f"images/ego_images_rectified/{split}/{image['file_name']}"
        for side in _HANDS:
            sample_id = f"{split}/{image['file_name']}/{side}"
            if annotation["bbox"].get(side) is None:
                continue  # this hand is not in the picture
            if path not in pictures:
                conversion.drop("picture missing", sample_id)
                continue
            try:
                hand = _read_hand(image, annotation, calibration, joints, side)
            except UnusableSample as reason:
                conversion.drop(str(reason), sample_id)
                continue
            if hand["valid"].sum() < min_valid:
                conversion.drop(f"fewer than {min_valid} valid joints", sample_id)
            elif (image["file_name"], side) in excluded:
                conversion.drop("on the official list of invalid hands", sample_id)
            else:
                conversion.add(sample_id=sample_id, image_path=path, **hand)
    conversion.check_unit("millimetres")
    return conversion


def _read_hand(image: dict, annotation: dict, calibration: dict, joints: dict, side: str) -> dict:
    """Labels of one hand in the camera frame and our order."""
    sequence, frame = image["seq_name"], f"{int(image['frame_idx']):06d}"
    try:
        world = np.array(joints[sequence][frame]["world_coord"], dtype=np.float64)
    except KeyError as error:
        raise UnusableSample("frame without 3D joints") from error
    try:
        camera = _camera(calibration[sequence]["intrinsics"], image["camera"])
        extrinsics = np.array(_camera(calibration[sequence]["extrinsics"][frame], image["camera"]))
    except KeyError as error:
        raise UnusableSample("no camera matrix") from error
    valid = np.array(annotation["joint_valid"]).reshape(-1) > 0
    if world.shape != (42, 3) or valid.shape != (42,):
        raise ValueError(
            f"frame {frame} of {sequence} must have 42 joints, but has {world.shape} and "
            f"{valid.shape} validity flags. Take the official v1-1 files, unchanged."
        )
    order = np.array(KEYPOINT_ORDER) + _HANDS[side]
    return {
        "size_wh": (int(image["width"]), int(image["height"])),
        "camera_matrix": np.array(camera),
        "keypoints_3d": world[order] @ extrinsics[:3, :3].T + extrinsics[:3, 3],
        "valid": valid[order],
        "bbox_xyxy": np.array(annotation["bbox"][side], dtype=np.float64),
        "handedness": side,
        "source": "assemblyhands",
        "sequence_id": sequence,
    }


def _camera(by_name: dict[str, Any], name: str) -> Any:
    """The calibration names a camera with the suffix ``_mono10bit``."""
    return by_name[name] if name in by_name else by_name[f"{name}_mono10bit"]


def _read_excluded(path: Path) -> set[tuple[str, str]]:
    """Hands on the official list, which the toolkit writes when it is first run."""
    if not path.is_file():
        return set()
    sides = {"0": "right", "1": "left"}
    lines = (line.strip().rsplit(",", 1) for line in path.read_text().splitlines() if line.strip())
    return {(name, sides.get(side.strip(), side.strip())) for name, side in lines}


class _Pictures:
    """Which pictures exist, with one listing of each folder instead of a look-up of each file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, set[str]] = defaultdict(set)

    def __contains__(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if folder not in self._names:
            directory = self._root / folder
            self._names[folder] = set(os.listdir(directory)) if directory.is_dir() else set()
        return name in self._names[folder]
