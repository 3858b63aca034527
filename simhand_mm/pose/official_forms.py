"""Predictions in the formats of official evaluations: FreiHAND (``pred.json``), DexYCB (text)."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.pool.files import explaining_damage, read_json, write_text

_MANO_VERTICES = 778


def write_official(
    path: str | Path, form: str, sample_ids: Sequence[str], keypoints_3d: np.ndarray
) -> None:
    """Write predictions in the format of an official evaluation.

    Args:
        path: The file to write.
        form: ``freihand`` (JSON, metres; vertices are zeros, because they are not predicted) or
            ``dexycb`` (text, mm). The toolkit of DexYCB needs a result for every labelled image,
            so the poses table must be converted with ``--min-inside 0``.
        sample_ids: Sample IDs of the poses table; they end with the official image number.
        keypoints_3d: ``[N, 21, 3]``, mm, camera frame.

    Raises:
        ValueError: If ``form`` is unknown, or images of FreiHAND are missing.
    """
    numbers = [official_number(name) for name in sample_ids]
    hands = np.asarray(keypoints_3d, np.float64)[np.argsort(numbers)]
    if form == "freihand":
        if sorted(numbers) != list(range(len(numbers))):
            raise ValueError(
                f"predictions for FreiHAND must contain every image once, but got {len(numbers)} "
                f"predictions with numbers up to {max(numbers)}. Test on the whole evaluation set."
            )
        vertices = [[[0.0, 0.0, 0.0]] * _MANO_VERTICES] * len(hands)
        content = json.dumps([np.round(hands / 1000, 6).tolist(), vertices])
    elif form == "dexycb":
        lines = (
            f"{number}," + ",".join(f"{value:.4f}" for value in hand.ravel())
            for number, hand in zip(sorted(numbers), hands, strict=True)
        )
        content = "".join(f"{line}\n" for line in lines)
    else:
        raise ValueError(f"form must be 'freihand' or 'dexycb', but got {form!r}.")
    write_text(path, content)


def read_freihand(path: Path) -> dict[int, np.ndarray]:
    """Read FreiHAND's ``pred.json`` (metres).

    Returns:
        Official image number -> ``[21, 3]``, mm.

    Raises:
        ValueError: If the file is damaged or a hand does not have 21 keypoints.
    """
    try:
        hands = np.array(read_json(path)[0], np.float64)
        return dict(enumerate(1000 * hands.reshape(len(hands), NUM_KEYPOINTS, 3)))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be [[xyz, ...], [vertices, ...]] with 21 keypoints in metres for each "
            f"image, but is not ({error}). Use the format of the evaluation of FreiHAND."
        ) from error


def read_dexycb(path: Path) -> dict[int, np.ndarray]:
    """Read the text format of DexYCB: the image number and 63 coordinates (mm) per line.

    Returns:
        Official image number -> ``[21, 3]``, mm.

    Raises:
        ValueError: If a line is damaged, or an image has two lines.
    """
    form = "Use the format of the evaluation of DexYCB."
    with explaining_damage(path, form):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    hands: dict[int, np.ndarray] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            image, *values = line.split(",")
            hand = np.array(values, np.float64).reshape(NUM_KEYPOINTS, 3)
            key = int(image)
        except ValueError as error:
            raise ValueError(
                f"line {number} of {path} must have 64 numbers, the image number and x,y,z in mm "
                f"of 21 keypoints, but has {len(line.split(','))} fields ({error}). {form}"
            ) from error
        if key in hands:
            raise ValueError(
                f"{path} must have one line per image, but line {number} is another one of image "
                f"{key}. Remove one of them."
            )
        hands[key] = hand
    return hands


def official_number(sample_id: str) -> int:
    """Return the official image number at the end of a sample ID: ``evaluation/00000012`` -> 12."""
    number = sample_id.rsplit("/", 1)[-1]
    if not number.isdigit():
        raise ValueError(
            f"sample_id must end with the official image number, but got {sample_id!r}. "
            "Only FreiHAND and DexYCB have official formats (.json, .txt); write predictions of "
            "other hands to a .parquet file."
        )
    return int(number)
