"""DexYCB (Chao et al., CVPR 2021) from its official folders.

    <root>/20200709-subject-01/20200709_141754/meta.yml                 mano_sides, num_frames
    <root>/<subject>/<sequence>/<serial>/color_%06d.jpg, labels_%06d.npz
    <root>/calibration/intrinsics/<serial>_640x480.yml

``joint_3d [1, 21, 3]`` in metres, camera frame, our joint order; all -1 where there is no hand.
Ten subjects with 100 sequences seen by eight cameras; the official setups s0 to s3 split them by
sequence, subject, camera or object.

Where the indices of the setups are from: s1, the paper's, from SiMHand's released loader. s0, s2
and s3 were written down from the toolkit's description, without its files at hand: compare the
printed counts with the official ones before publishing numbers on them. Every fifth sequence is out
of the training set of s0, which fits its 465,504 of 582 thousand pictures.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import yaml
from mmengine.utils import track_iter_progress

from simhand_mm.converters.records import Conversion, OfficialCount
from simhand_mm.functional.camera import project
from simhand_mm.functional.keypoints import REFERENCE_BONE

SETUPS = ("s0", "s1", "s2", "s3")
SPLITS = ("train", "val", "test")
OFFICIAL_COUNTS = {
    "s0 train": [
        OfficialCount("read", 465_504, "the toolkit"),
        OfficialCount("labelled", 406_888, "loaders of other papers"),
    ],
    "s1 train": [OfficialCount("kept", 325_300, "SiMHand, after its filter", 100)],
    "s1 test": [OfficialCount("kept", 98_200, "SiMHand, after its filter", 100)],
}
_IMAGE_SIZE = (640, 480)
_NO_HAND = "no hand labelled (-1)"

# Indices (subject, camera, sequence) of each setup and split; None takes all.
_EVERY_FIFTH = {index for index in range(100) if index % 5 == 4}
_OBJECTS = {"val": {3, 19}, "test": {7, 11, 15}}  # sequences come in runs of five per object
_CHOICES = {
    "s0": {
        "train": (None, None, set(range(100)) - _EVERY_FIFTH),
        "val": ({0, 1}, None, _EVERY_FIFTH),
        "test": (set(range(2, 10)), None, _EVERY_FIFTH),
    },
    "s1": {
        "train": ({0, 1, 2, 3, 4, 5, 9}, None, None),
        "val": ({6}, None, None),
        "test": ({7, 8}, None, None),
    },
    "s2": {
        "train": (None, set(range(6)), None),
        "val": (None, {6}, None),
        "test": (None, {7}, None),
    },
    "s3": {
        split: (None, None, {i for i in range(100) if i // 5 in objects})
        for split, objects in {
            **_OBJECTS,
            "train": set(range(20)) - _OBJECTS["val"] - _OBJECTS["test"],
        }.items()
    },
}


def convert_dexycb(
    root: str | Path, split: str, setup: str = "s1", min_inside: int = 10
) -> Conversion:
    """Read one split of one official setup.

    Left hands stay left here; the data set mirrors them when it crops.

    Args:
        root: The folder that holds the subjects and ``calibration``.
        split: ``train``, ``val`` or ``test``.
        setup: ``s0`` to ``s3``; the paper's numbers are of ``s1``, unseen subjects.
        min_inside: Leave out frames with fewer keypoints inside the picture, or with wrist or
            middle MCP outside it, as the released code does; 0 keeps all, as the official
            evaluation does.

    Raises:
        FileNotFoundError: If the folders are missing.
        ValueError: If units or shapes do not fit.
    """
    root = Path(root)
    serials = _serials(root)
    subjects, cameras, sequences = _CHOICES[setup][split]
    conversion = Conversion(f"DexYCB {setup} {split}")
    chosen = [
        folder
        for subject_index, sequence_index, folder in _sequences(root)
        if (subjects is None or subject_index in subjects)
        and (sequences is None or sequence_index in sequences)
    ]
    num_pictures = 0  # also of pictures that are left out: the official number of a picture
    for sequence in track_iter_progress(chosen):
        meta = yaml.safe_load((sequence / "meta.yml").read_text(encoding="utf-8"))
        for camera_index, serial in enumerate(serials):
            if cameras is None or camera_index in cameras:
                view = _View(root, sequence, serial, meta["mano_sides"][0])
                view.add_to(conversion, f"{setup}_{split}", num_pictures, min_inside)
                num_pictures += meta["num_frames"]
    conversion.check_unit("metres")
    return conversion


def _serials(root: Path) -> list[str]:
    found = sorted((root / "calibration" / "intrinsics").glob("*_640x480.yml"))
    if not found:
        raise FileNotFoundError(
            f"{root}/calibration/intrinsics must hold <serial>_640x480.yml, but does not. Extract "
            "calibration.tar.gz there."
        )
    return [path.name.split("_")[0] for path in found]


def _sequences(root: Path) -> Iterator[tuple[int, int, Path]]:
    """Subject index (from 0), index of the sequence within the subject, folder."""
    subjects = [path for path in sorted(root.iterdir()) if re.search(r"-subject-\d\d$", path.name)]
    if not subjects:
        raise FileNotFoundError(
            f"{root} must hold folders like 20200709-subject-01, but does not. Extract the "
            "archives of the subjects there."
        )
    for subject in subjects:
        folders = sorted(path for path in subject.iterdir() if (path / "meta.yml").is_file())
        for index, folder in enumerate(folders):
            yield int(subject.name[-2:]) - 1, index, folder


@dataclass(frozen=True)
class _View:
    """One sequence as one camera saw it."""

    root: Path
    sequence: Path
    serial: str
    side: str

    def add_to(self, conversion: Conversion, prefix: str, first: int, min_inside: int) -> None:
        """Add its frames, which have the official numbers ``first`` and up."""
        folder = self.sequence / self.serial
        relative = folder.relative_to(self.root)
        camera = _camera_matrix(self.root, self.serial)
        pictures = {path.name for path in folder.glob("color_*.jpg")}
        for label in sorted(folder.glob("labels_*.npz")):
            frame = int(label.stem.split("_")[1])
            picture = f"color_{frame:06d}.jpg"
            sample_id = f"{prefix}/{first + frame:06d}"
            hand = _read_hand(label)
            if reason := _unusable(hand, camera, min_inside, picture in pictures):
                place = f"{sample_id} = {relative}/{picture}"
                conversion.drop(reason, place, is_labelled=reason != _NO_HAND)
                continue
            conversion.add(
                sample_id=sample_id,
                image_path=f"{relative}/{picture}",
                size_wh=_IMAGE_SIZE,
                camera_matrix=camera,
                keypoints_3d=hand,
                handedness=self.side,
                source="dexycb",
                subject_id=self.sequence.parent.name,
                sequence_id=self.sequence.name,
            )


def _read_hand(label: Path) -> np.ndarray | None:
    """``[21, 3]`` mm; None if the file is damaged or has another number of joints."""
    try:
        return 1000 * np.load(label)["joint_3d"].astype(np.float64).reshape(21, 3)
    except (BadZipFile, EOFError, OSError, KeyError, ValueError):
        return None


def _unusable(
    hand: np.ndarray | None, camera: np.ndarray, min_inside: int, has_picture: bool
) -> str:
    """Why a frame is left out; empty if it is not."""
    if hand is None:
        return "label file damaged or not of 21 joints"
    if not has_picture:
        return "picture missing"
    if (hand == -1000).all():
        return _NO_HAND
    points = project(hand, camera)
    inside = ((points >= 0) & (points <= np.array(_IMAGE_SIZE) - 1)).all(-1)
    if min_inside and (inside.sum() < min_inside or not inside[list(REFERENCE_BONE)].all()):
        return f"wrist, middle MCP or all but {min_inside - 1} keypoints outside the picture"
    return ""


def _camera_matrix(root: Path, serial: str) -> np.ndarray:
    path = root / "calibration" / "intrinsics" / f"{serial}_640x480.yml"
    try:
        color = yaml.safe_load(path.read_text(encoding="utf-8"))["color"]
        fx, fy, cx, cy = (float(color[name]) for name in ("fx", "fy", "ppx", "ppy"))
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must have fx, fy, ppx and ppy of the colour camera, but reading it gives "
            f"{type(error).__name__}. Extract calibration.tar.gz again."
        ) from error
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
