"""DexYCB (Chao et al., CVPR 2021) from its official folders.

    <root>/20200709-subject-01/20200709_141754/meta.yml                 mano_sides, num_frames
    <root>/<subject>/<sequence>/<serial>/color_%06d.jpg, labels_%06d.npz
    <root>/calibration/intrinsics/<serial>_640x480.yml

``joint_3d [1, 21, 3]`` in metres, camera frame, our joint order; ``joint_2d [1, 21, 2]`` px; all
values are -1 if there is no hand. There are ten subjects with 100 sequences each, seen by eight
cameras. The official setups s0 to s3 split them by sequence, subject, camera or object, by their
index in alphabetical order. A missing folder would shift these indices and the official image
numbers, so it is an error.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
import yaml
from mmengine.utils import track_iter_progress

from simhand_mm.converters.conversion import Conversion, OfficialCount
from simhand_mm.functional.camera import pinhole
from simhand_mm.functional.keypoints import REFERENCE_BONE

Setup = Literal["s0", "s1", "s2", "s3"]
SPLITS = ("train", "val", "test")
OFFICIAL_COUNTS = {
    "s0 train": [
        OfficialCount("read", 465_504, "the toolkit"),
        OfficialCount("labelled", 406_888, "loaders of other papers"),
    ],
    "s1 train": [OfficialCount("kept", 325_300, "SiMHand, after its filter", 100)],
    "s1 test": [OfficialCount("kept", 98_200, "SiMHand, after its filter", 100)],
}
NUM_SUBJECTS, NUM_SEQUENCES = 10, 100
SERIALS = (
    "836212060125", "839512060362", "840412060917", "841412060263",
    "932122060857", "932122060861", "932122061900", "932122062010",
)  # fmt: skip
_IMAGE_SIZE = (640, 480)
_NO_HAND = "no hand labelled (-1)"

# Indices (subject, camera, sequence) of each setup and split; None means all.
_EVERY_FIFTH = {index for index in range(100) if index % 5 == 4}
_OBJECTS = {"val": {3, 19}, "test": {7, 11, 15}}  # five consecutive sequences per object
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


@dataclass(frozen=True)
class DexYCBSettings:
    """Settings of the DexYCB converter.

    Attributes:
        setup: Official setup. The paper uses s1 (unseen subjects).
        min_inside: Drop frames with fewer keypoints inside the image, or with wrist or
            middle MCP outside it, as the released code does; 0 keeps all, as the official
            evaluation does.
        allow_missing_subjects: Convert the subjects that exist, even if some are missing. Image
            numbers then differ from the official ones.
    """

    setup: Setup = "s1"
    min_inside: int = 10
    allow_missing_subjects: bool = False


def convert_dexycb(
    root: str | Path,
    split: str,
    settings: DexYCBSettings = DexYCBSettings(),  # noqa: B008 (frozen)
) -> Conversion:
    """Read one split of one official setup.

    Left hands are not mirrored here; the data set mirrors them when it crops.

    Args:
        root: The folder with the subjects and ``calibration``.
        split: ``train``, ``val`` or ``test``.
        settings: Selects setup and frames.

    Raises:
        FileNotFoundError: If a folder of the split is missing.
        ValueError: If units do not fit.
    """
    root, setup = Path(root), settings.setup
    subjects, cameras, sequences = _CHOICES[setup][split]
    conversion = Conversion(f"DexYCB {setup} {split}")
    matrices = {serial: _camera_matrix(root, serial) for serial in SERIALS}
    folders = _subject_folders(root)
    wanted = sorted(range(NUM_SUBJECTS) if subjects is None else subjects)
    missing = [index for index in wanted if index not in folders]
    if missing and not (settings.allow_missing_subjects and len(missing) < len(wanted)):
        names = ", ".join(f"{index + 1:02d}" for index in missing)
        raise FileNotFoundError(
            f"{conversion.name} must have all its subjects, but {root} lacks {names}. "
            "Extract their archives there, or convert the others with --allow-missing-subjects."
        )
    chosen = [
        sequence
        for subject in wanted
        if subject in folders
        for index, sequence in enumerate(_sequences(folders[subject]))
        if sequences is None or index in sequences
    ]
    num_images = 0  # includes images that are dropped: the official image number
    for sequence in track_iter_progress(chosen):
        side, num_frames = _read_meta(sequence)
        for camera_index, serial in enumerate(SERIALS):
            if cameras is None or camera_index in cameras:
                view = _View(root, sequence, serial, side, matrices[serial])
                view.add_to(
                    conversion, f"{setup}_{split}", num_images, num_frames, settings.min_inside
                )
                num_images += num_frames
    conversion.check_unit("metres")
    return conversion


def _subject_folders(root: Path) -> dict[int, Path]:
    """Map the index of each subject (from 0) to its folder."""
    found = {
        int(path.name[-2:]) - 1: path
        for path in (sorted(root.iterdir()) if root.is_dir() else ())
        if re.search(r"-subject-\d\d$", path.name)
    }
    if not found:
        raise FileNotFoundError(
            f"{root} must have folders like 20200709-subject-01, but has none. Extract the "
            "archives of the subjects there."
        )
    return found


def _sequences(subject: Path) -> list[Path]:
    """Return all sequences of a subject, in the official order."""
    folders = sorted(path for path in subject.iterdir() if (path / "meta.yml").is_file())
    if len(folders) != NUM_SEQUENCES:
        raise FileNotFoundError(
            f"{subject} must have {NUM_SEQUENCES} sequences with meta.yml, but has "
            f"{len(folders)}. The setups use their indices: extract the subject's archive again."
        )
    for folder in folders:
        lacking = [serial for serial in SERIALS if not (folder / serial).is_dir()]
        if lacking:
            raise FileNotFoundError(
                f"{folder} must have the images of {len(SERIALS)} cameras, but lacks "
                f"{', '.join(lacking)}. Extract the archive of the subject again."
            )
    return folders


def _read_meta(sequence: Path) -> tuple[str, int]:
    """Read the side of the hand and the number of frames."""
    path = sequence / "meta.yml"
    try:
        meta = yaml.safe_load(path.read_text(encoding="utf-8"))
        return str(meta["mano_sides"][0]), int(meta["num_frames"])
    except (yaml.YAMLError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must have mano_sides and num_frames, but reading it gives "
            f"{type(error).__name__}. Extract the archive of the subject again."
        ) from error


@dataclass(frozen=True)
class _View:
    """One sequence from one camera."""

    root: Path
    sequence: Path
    serial: str
    side: str
    camera_matrix: np.ndarray

    def add_to(
        self, conversion: Conversion, prefix: str, first: int, num_frames: int, min_inside: int
    ) -> None:
        """Add its frames, whose official numbers start at ``first``."""
        folder = self.sequence / self.serial
        relative = folder.relative_to(self.root)
        names = set(os.listdir(folder))
        for frame in range(num_frames):
            label, image = f"labels_{frame:06d}.npz", f"color_{frame:06d}.jpg"
            sample_id = f"{prefix}/{first + frame:06d}"
            if label not in names or image not in names:
                reason = "label file missing" if image in names else "image missing"
                conversion.drop(reason, f"{sample_id} = {relative}/{image}")
                continue
            hand, points = _read_hand(folder / label)
            if reason := _unusable(hand, points, min_inside):
                place = f"{sample_id} = {relative}/{image}"
                conversion.drop(reason, place, is_labelled=reason != _NO_HAND)
                continue
            conversion.add(
                sample_id=sample_id,
                image_path=f"{relative}/{image}",
                size_wh=_IMAGE_SIZE,
                camera_matrix=self.camera_matrix,
                keypoints_3d=hand,
                handedness=self.side,
                source="dexycb",
                subject_id=self.sequence.parent.name,
                sequence_id=self.sequence.name,
            )


def _read_hand(label: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Read joints ``[21, 3]`` mm and ``[21, 2]`` px; None if the file is damaged or malformed."""
    try:
        with np.load(label) as content:
            hand = 1000 * content["joint_3d"].astype(np.float64).reshape(21, 3)
            return hand, content["joint_2d"].astype(np.float64).reshape(21, 2)
    except (BadZipFile, EOFError, OSError, KeyError, ValueError):
        return None, None


def _unusable(hand: np.ndarray | None, points: np.ndarray | None, min_inside: int) -> str:
    """Return the reason why a frame is dropped; empty if it is kept."""
    if hand is None or points is None:
        return "label file damaged or not of 21 joints"
    if (hand == -1000).all():
        return _NO_HAND
    # As in the released code: tests labelled 2D joints, and excludes row 0 and column 0.
    inside = ((points > 0) & (points <= np.array(_IMAGE_SIZE))).all(-1)
    if min_inside and (inside.sum() < min_inside or not inside[list(REFERENCE_BONE)].all()):
        return f"wrist or middle MCP outside the image, or fewer than {min_inside} keypoints inside"
    return ""


def _camera_matrix(root: Path, serial: str) -> np.ndarray:
    path = root / "calibration" / "intrinsics" / f"{serial}_640x480.yml"
    if not path.is_file():
        raise FileNotFoundError(f"{path} must exist, but does not. Extract calibration.tar.gz.")
    try:
        color = yaml.safe_load(path.read_text(encoding="utf-8"))["color"]
        return pinhole(*(float(color[name]) for name in ("fx", "fy", "ppx", "ppy")))
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must have fx, fy, ppx and ppy of the colour camera, but reading it gives "
            f"{type(error).__name__}. Extract calibration.tar.gz again."
        ) from error
