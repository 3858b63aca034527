"""Hand boxes of the hand_object_detector (Shan et al., CVPR 2020) and of its data set 100DOH.

Detections, one file per frame, as users of the detector save them (its demo only draws images):

    <root>/<video>/frame_000030.npy      hand_dets: float [N, 10], or None
    <root>/<video>/frame_000030.pkl      the same, or a dict with the key "hand_dets"

    columns: x1 y1 x2 y2 (px), score, contact state, offset magnitude, unit dx, unit dy,
             side (0 left, 1 right)

Labels of 100DOH, as Pascal VOC: ``Annotations/<video>_frame000169.xml`` with objects ``hand``
(corners counted from 1; ``handside`` 0 left, 1 right, also as a float; empty or ``None`` if
unknown).

Labels of 100DOH, as JSON: ``{"<video>_frame000169.jpg": [{"x1": ..., "y1": ..., "x2": ...,
"y2": ..., "width": ..., "height": ..., "hand_side": "l"}, ...]}`` with corners as fractions of the
image (px if any exceeds 1). Written from the public description of the files, not tested on them.

In both, ``<video>`` is ``<genre>_v_<YouTube id>`` and the number counts frames at 0.5 per second,
from 1 (:data:`~simhand_mm.converters.frame_numbers.NUMBERING_100DOH`). This is reported by users of
the files, not by the authors.

Pickled files are read by an unpickler that accepts arrays only.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from simhand_mm.converters.boxes import (
    DEFAULT_MIN_SCORE,
    BoxConversion,
    parse_frame_name,
    parse_side,
)
from simhand_mm.pool import read_json

_NUM_COLUMNS = 10
_SUFFIXES = (".npy", ".npz", ".pkl")


def convert_hand_object_detector(
    root: str | Path, min_score: float = DEFAULT_MIN_SCORE
) -> BoxConversion:
    """Read saved detections of a folder.

    Args:
        root: Folder with one file per frame.
        min_score: Boxes with a lower score are dropped.

    Raises:
        FileNotFoundError: If the folder has no such files.
    """
    root = Path(root)
    paths = sorted(path for path in root.rglob("*") if path.suffix in _SUFFIXES)
    if not paths:
        raise FileNotFoundError(
            f"root must contain .npy or .pkl files of hand_object_detector, but {root} "
            f"{'contains none' if root.is_dir() else 'is no folder'}. Correct the path."
        )
    conversion = BoxConversion(min_score)
    for path in paths:
        try:
            frame = parse_frame_name(path.relative_to(root))
            detections = _read_detections(path)
        except Exception as error:  # a broken file can raise anything; continue with the others
            conversion.drop("unreadable file", f"{path}: {error}")
            continue
        conversion.num_frames += 1
        for row in detections:
            if row[-1] in (0, 1):
                conversion.add(frame, row[:4], row[4], parse_side(float(row[-1])), str(path))
            else:
                conversion.drop("side is neither 0 nor 1", str(path))
    return conversion


def convert_100doh_voc(root: str | Path) -> BoxConversion:
    """Read the Pascal VOC labels of 100DOH.

    Args:
        root: Folder with ``Annotations/*.xml``.

    Raises:
        FileNotFoundError: If the folder has no labels.
    """
    paths = sorted((Path(root) / "Annotations").glob("*.xml"))
    if not paths:
        raise FileNotFoundError(f"root must have Annotations/*.xml, but {root} has none.")
    conversion = BoxConversion()
    for path in paths:
        try:
            frame, hands = parse_frame_name(path.name), _voc_hands(path)
        except (ElementTree.ParseError, ValueError, OSError) as error:
            conversion.drop("unreadable file", f"{path}: {error}")
            continue
        _add_labels(conversion, frame, hands, _read_voc_hand, str(path))
    return conversion


def convert_100doh_json(path: str | Path) -> BoxConversion:
    """Read the JSON labels of 100DOH.

    Args:
        path: The file, e.g. ``trainval.json``.

    Raises:
        ValueError: If the file is not JSON in this format.
    """
    try:
        images = dict(read_json(path))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} must map names of frames to hands, but: {error}.") from error
    conversion = BoxConversion()
    for name, hands in images.items():
        place = f"{path}, {name}"
        try:
            frame, hands = parse_frame_name(name), list(hands or ())
        except (ValueError, TypeError) as error:
            conversion.drop("unreadable frame", f"{place}: {type(error).__name__} {error}")
            continue
        _add_labels(conversion, frame, hands, _read_json_hand, place)
    return conversion


def _add_labels(
    conversion: BoxConversion,
    frame: tuple[str, int],
    hands: list[Any],
    read: Callable[[Any], tuple[Any, str]],
    place: str,
) -> None:
    """Add the labelled hands of a frame; unreadable ones are dropped and counted."""
    conversion.num_frames += 1
    for hand in hands:
        try:
            box, side = read(hand)
        except (ValueError, KeyError, TypeError) as error:
            conversion.drop("unreadable hand", f"{place}: {type(error).__name__} {error}")
        else:
            conversion.add(frame, box, 1.0, side, place)


def _read_json_hand(hand: dict[str, Any]) -> tuple[np.ndarray, str]:
    """Return the box in px, and the side."""
    box = np.array([float(hand[name]) for name in ("x1", "y1", "x2", "y2")])
    if (box <= 1).all():
        box *= np.array([float(hand["width"]), float(hand["height"])] * 2)
    side = hand.get("hand_side")
    return box, "" if side is None else parse_side(side)


def _read_detections(path: Path) -> np.ndarray:
    """Read ``hand_dets`` of a file, ``[N, 10]``."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as content:
            detections = content["hand_dets"]
    elif path.suffix == ".npy":
        detections = _load_npy(path)
    else:
        with path.open("rb") as file:
            detections = _ArrayUnpickler(file).load()
    if isinstance(detections, dict):
        detections = detections["hand_dets"]
    if detections is None:
        return np.zeros((0, _NUM_COLUMNS))
    detections = np.asarray(detections, dtype=np.float64)
    if detections.ndim != 2 or detections.shape[1] != _NUM_COLUMNS:
        raise ValueError(f"hand_dets must be [N, {_NUM_COLUMNS}], but is {detections.shape}")
    return detections


def _load_npy(path: Path) -> Any:
    """Read an array, or a None that ``np.save`` has pickled."""
    with path.open("rb") as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            return _ArrayUnpickler(file).load().item()


class _ArrayUnpickler(pickle.Unpickler):
    """Builds arrays, numbers and plain containers; everything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            "_reconstruct": np.zeros(0).__reduce__()[0],
            "scalar": np.float64(0).__reduce__()[0],
            "ndarray": np.ndarray,
            "dtype": np.dtype,
        }
        if module.split(".")[0] != "numpy" or name not in known:
            raise pickle.UnpicklingError(f"the file uses {module}.{name}, which is refused")
        return known[name]


def _voc_hands(path: Path) -> list[ElementTree.Element]:
    objects = ElementTree.parse(path).getroot().iter("object")
    return [entry for entry in objects if entry.findtext("name") == "hand"]


def _read_voc_hand(hand: ElementTree.Element) -> tuple[list[float], str]:
    """Return the box (corners counted from 0, x2 and y2 exclusive), and the side."""
    corners = [hand.findtext(f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")]
    given = [corner for corner in corners if corner is not None]
    if len(given) < len(corners):
        raise ValueError("a hand has no bndbox with xmin, ymin, xmax and ymax")
    x1, y1, x2, y2 = map(float, given)
    return [x1 - 1, y1 - 1, x2, y2], _voc_side(hand.findtext("handside"))


def _voc_side(text: str | None) -> str:
    """Parse the side of a hand; '' if the field is missing, empty or the word None."""
    if text is None or text.strip() in ("", "None"):
        return ""
    try:
        return parse_side(float(text))
    except ValueError:
        return parse_side(text)
