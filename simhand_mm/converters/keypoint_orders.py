"""Orders in which data sets list the 21 keypoints: found by name, and checked by bone lengths.

An order is a tuple that gives, for each of our keypoints, its position in the other list.
"""

import re
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from simhand_mm.functional.keypoints import FINGERS, NUM_KEYPOINTS, SKELETON

OrderName = Literal["palm-to-tip", "tip-to-palm", "wrist-last", "mano"]
Order = tuple[int, ...]
ORDERS: dict[str, Order] = {
    # FreiHAND, OpenPose, MediaPipe, OneHand10K, COCO-WholeBody
    "palm-to-tip": tuple(range(NUM_KEYPOINTS)),
    # RHD: the wrist, then each finger from its tip
    "tip-to-palm": (0, *(4 * finger + 4 - joint for finger in range(5) for joint in range(4))),
    # InterHand2.6M, AssemblyHands: each finger from its tip, then the wrist
    "wrist-last": (20, *(4 * finger + 3 - joint for finger in range(5) for joint in range(4))),
    # MANO's joints and then its finger tips, as HO-3D lists them: the wrist, three joints each of
    # index, middle, pinky, ring and thumb, then the tips from thumb to pinky
    "mano": (
        *(0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18),
        *(10, 11, 12, 19, 7, 8, 9, 20),
    ),
}
_MARGIN = 0.9  # a wrong order makes the skeleton 1.2 times as long (1.1 in 2D), or longer

_FINGER_WORDS = {
    **{finger: finger for finger in FINGERS},
    "forefinger": "index",
    "pointer": "index",
    "little": "pinky",
    "small": "pinky",
}
_JOINT_WORDS = {
    "thumb": {"cmc": 1, "mcp": 2, "ip": 3, "tip": 4},
    "finger": {"mcp": 1, "pip": 2, "dip": 3, "tip": 4},
}


def order_of_names(names: Sequence[str]) -> Order | None:
    """Find the order in the names of keypoints: ``wrist``, ``thumb1``, ``INDEX_FINGER_TIP`` ...

    Joints are numbered 1 to 4 or 0 to 3 from the palm, or named CMC, MCP, PIP, IP, DIP, TIP.

    Returns:
        The order; None if the names do not tell, such as ``1`` to ``21``.
    """
    found = [_parse(name) for name in names]
    fingers = [each for each in found if each and each[0] != "wrist"]
    first = min((joint for _, joint in fingers), default=1)
    wanted = [("wrist", 0), *((finger, first + joint) for finger in FINGERS for joint in range(4))]
    if len(names) != NUM_KEYPOINTS or set(found) != set(wanted):
        return None
    return tuple(found.index(each) for each in wanted)


def _parse(name: str) -> tuple[str, int] | None:
    """Split a name into finger and joint."""
    words = re.findall(r"[a-z]+|\d+", name.lower())
    finger = next((_FINGER_WORDS[word] for word in words if word in _FINGER_WORDS), "")
    if not finger:
        return ("wrist", 0) if "wrist" in words else None
    joints = _JOINT_WORDS["thumb" if finger == "thumb" else "finger"]
    numbers = [
        int(w) if w.isdecimal() else joints[w] for w in words if w in joints or w.isdecimal()
    ]
    return (finger, numbers[-1]) if numbers else None


def check_order(keypoints: np.ndarray, name: str) -> None:
    """Check that the keypoints are in our order: in another one the skeleton would be shorter.

    Args:
        keypoints: ``[N, 21, D]``, in the order that is believed to be ours; NaN if not labelled.
        name: Name of the data, for the message.

    Raises:
        ValueError: If a known order fits clearly better.
    """
    lengths = {
        order: _skeleton_length(keypoints[:, ORDERS[order]]) for order in get_args(OrderName)
    }
    best = min(lengths, key=lambda order: lengths[order])
    if lengths[best] < _MARGIN * lengths["palm-to-tip"]:
        ratio = lengths["palm-to-tip"] / lengths[best]
        raise ValueError(
            f"keypoints of {name} must be in the stated order, but in another order the bones are "
            f"{ratio:.1f} times shorter, so the stated order is probably wrong. Correct the names "
            f"of the keypoints, or choose another --order: {', '.join(get_args(OrderName))}."
        )


def _skeleton_length(keypoints: np.ndarray) -> float:
    """Median over hands of the mean bone length, where both ends are labelled."""
    parents, children = np.array(SKELETON).T
    bones = np.linalg.norm(keypoints[:, children] - keypoints[:, parents], axis=-1)
    has_bones = np.isfinite(bones).any(1)
    return float(np.median(np.nanmean(bones[has_bones], axis=1))) if has_bones.any() else 0.0
