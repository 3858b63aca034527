"""AssemblyHands v1-1, egocentric views (Ohkawa et al., CVPR 2023), from its official folders.

    <root>/images/<file_name>
    <root>/annotations/<split>/assemblyhands_<split>_ego_data_v1-1.json   images, boxes, validity
    <root>/annotations/<split>/assemblyhands_<split>_ego_calib_v1-1.json  cameras
    <root>/annotations/<split>/assemblyhands_<split>_joint_3d_v1-1.json   42 joints, mm, world frame
    <root>/annotations/<split>/invalid_<split>_ego.txt                    "file_name,hand" lines

``file_name`` is relative to ``images``:
``ego_images_rectified/<split>/<sequence>/<camera>/000123.jpg``. Joints 0 to 20 are the right hand,
21 to 41 the left. Each hand lists thumb, index, middle, ring and pinky from tip to base, then the
wrist. In the list of invalid hands, 0 is the right hand and 1 the left.

The labels of ``test`` are not public: evaluate on ``val``, and choose checkpoints on sequences held
out of ``train``.

Some hands that the official toolkit keeps are dropped here: those whose wrist or middle MCP is
flagged invalid (``use_invalid_joints`` keeps them), and those with a labelled joint behind the
camera, which cannot be projected.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.utils import track_iter_progress

from simhand_mm.converters.conversion import Conversion, OfficialCount
from simhand_mm.converters.keypoint_orders import ORDERS
from simhand_mm.converters.records import UnusableSample, to_array
from simhand_mm.converters.source_files import ImageFiles, read_source

SPLITS = ("train", "val")
OFFICIAL_COUNTS = {
    "train": [OfficialCount("kept", 704_000, "SiMHand", 100)],
    "val": [OfficialCount("kept", 61_153, "issue 19 of the toolkit")],
}
# The position of each of our 21 keypoints in the official order.
KEYPOINT_ORDER = ORDERS["wrist-last"]
_HANDS = {"right": 0, "left": 21}
_ARCHIVE = "the annotations of AssemblyHands v1-1 (those of test are not public: use val)"


@dataclass(frozen=True)
class AssemblyHandsSettings:
    """Settings of the AssemblyHands converter.

    Attributes:
        min_valid: Drop hands with fewer valid joints, as the official loader does.
        use_invalid_joints: Treat joints that are flagged invalid as labelled if their 3D
            coordinates are in front of the camera. The toolkit evaluates them and the released
            code trains on them; here they are dropped by default.
    """

    min_valid: int = 10
    use_invalid_joints: bool = False


def convert_assemblyhands(
    root: str | Path,
    split: str,
    settings: AssemblyHandsSettings = AssemblyHandsSettings(),  # noqa: B008 (frozen)
) -> Conversion:
    """Read one split: one record per hand of each egocentric image.

    Args:
        root: The folder with ``images`` and ``annotations``.
        split: ``train`` or ``val``; ``test`` if you have its labels.
        settings: Selects hands and joints.

    Raises:
        FileNotFoundError: If an official file or folder is missing.
        ValueError: If a file is damaged, or shapes or units do not fit.
    """
    root = Path(root)
    folder = root / "annotations" / split
    name = f"assemblyhands_{split}"
    data = read_source(folder / f"{name}_ego_data_v1-1.json", _ARCHIVE)
    calibration = read_source(folder / f"{name}_ego_calib_v1-1.json", _ARCHIVE)["calibration"]
    joints = read_source(folder / f"{name}_joint_3d_v1-1.json", _ARCHIVE)["annotations"]
    excluded = _read_excluded(folder / f"invalid_{split}_ego.txt")
    images = {i["id"]: i for i in data["images"] if isinstance(i, dict) and "id" in i}
    files = ImageFiles(root)
    conversion = Conversion(f"AssemblyHands {split}")
    for number, annotation in enumerate(track_iter_progress(data["annotations"])):
        try:
            image = images[annotation["image_id"]]
            file_name = image["file_name"]
            sides = [side for side in _HANDS if annotation["bbox"].get(side) is not None]
        except (KeyError, TypeError, AttributeError):
            conversion.drop("malformed annotation", f"annotation {number}")
            continue
        for side in sides:  # other hands are not in the image
            sample_id = f"{file_name}/{side}"
            try:
                if f"images/{file_name}" not in files:
                    raise UnusableSample("image missing")
                hand = _read_hand(image, annotation, calibration, joints, side)
                if hand["valid"].sum() < settings.min_valid:
                    raise UnusableSample(f"fewer than {settings.min_valid} valid joints")
                if (file_name, side) in excluded:
                    raise UnusableSample("on the official list of invalid hands")
            except UnusableSample as reason:
                conversion.drop(str(reason), sample_id)
                continue
            if settings.use_invalid_joints:
                hand["valid"] |= hand["keypoints_3d"][:, 2] > 0
            conversion.add(sample_id=sample_id, image_path=f"images/{file_name}", **hand)
    conversion.check_unit("millimetres")
    return conversion


def _read_hand(image: dict, annotation: dict, calibration: dict, joints: dict, side: str) -> dict:
    """Read the labels of one hand, in the camera frame and our keypoint order."""
    try:
        sequence, frame = image["seq_name"], f"{int(image['frame_idx']):06d}"
        size_wh = int(image["width"]), int(image["height"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableSample("malformed annotation") from error
    try:
        world = to_array(joints[sequence][frame]["world_coord"], (42, 3))
    except (KeyError, TypeError) as error:
        raise UnusableSample("frame without 3D joints") from error
    try:
        camera = _camera(calibration[sequence]["intrinsics"], image["camera"])
        extrinsics = _camera(calibration[sequence]["extrinsics"][frame], image["camera"])
    except (KeyError, TypeError) as error:
        raise UnusableSample("no camera matrix") from error
    if (world == world[0]).all():
        raise UnusableSample("3D joints are placeholders, all at one point")
    extrinsics = to_array(extrinsics, (3, 4))
    try:
        valid = np.array(annotation["joint_valid"], dtype=np.float64).reshape(42) > 0
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableSample("not 42 validity flags") from error
    order = np.array(KEYPOINT_ORDER) + _HANDS[side]
    return {
        "size_wh": size_wh,
        "camera_matrix": to_array(camera, (3, 3)),
        "keypoints_3d": world[order] @ extrinsics[:3, :3].T + extrinsics[:3, 3],
        "valid": valid[order],
        "bbox_xyxy": to_array(annotation["bbox"][side], (4,)),
        "handedness": side,
        "source": "assemblyhands",
        "sequence_id": sequence,
    }


def _camera(by_name: dict[str, Any], name: str) -> Any:
    """Look a camera up. The calibration adds the suffix ``_mono10bit`` to its name."""
    return by_name[name] if name in by_name else by_name[f"{name}_mono10bit"]


def _read_excluded(path: Path) -> set[tuple[str, str]]:
    """Read the list of invalid hands, which the toolkit writes on its first run."""
    if not path.is_file():
        return set()
    sides = {"0": "right", "1": "left"}
    lines = (
        line.strip().rsplit(",", 1)
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    )
    return {(name, sides.get(side.strip(), side.strip())) for name, side in lines}
