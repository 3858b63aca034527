"""Subsets of a pool: hands that meet a condition, balanced sides, or a given number ("Ego-50K").

Axes: N hands of the pool.
"""

import logging
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tyro.conf import arg

from simhand_mm.pool import DropRecord, HandPool, HandRecord, PoolWriter
from simhand_mm.pool.files import sha256_of
from simhand_mm.pool.filters import rows_where
from simhand_mm.pool.id_lists import find_listed_hands

logger = logging.getLogger(__name__)

# Fields of pool.json that tell what is in a pool, not how it was made.
_CONTENT = {"format_version", "num_hands", "num_videos", "num_drops", "fingerprint"}


@dataclass(frozen=True)
class Selection:
    """Which hands of a pool are selected.

    Attributes:
        num_hands: Number of hands; all of them by default.
        balance: Select as many left as right hands (SiMHand, Sec. 3.1).
        seed: Seed of the random choice. With the same seed, a smaller subset is part of a larger
            one.
        where: Condition on the columns of the pool, e.g. "sharpness > 50 and source == 'ego4d'".
        exclude: Hands to drop: a text file with one hand_id per line, or a CSV or parquet
            table with the column hand_id.
    """

    num_hands: Annotated[int | None, arg(name="hands")] = None
    balance: bool = False
    seed: int = 0
    where: str = ""
    exclude: Path | None = None

    def record(self) -> dict[str, Any]:
        """JSON-like form for ``pool.json``; the file is named by its content."""
        record = asdict(self)
        if self.exclude is not None:
            record["exclude"] = f"sha256:{sha256_of(self.exclude)}"
        return record


def choose_hands(
    handedness_index: np.ndarray, num_hands: int | None, balance: bool, seed: int
) -> np.ndarray:
    """Choose hands at random. With the same seed, a smaller subset is part of a larger one.

    Args:
        handedness_index: ``[N]``, 0 left, 1 right.
        num_hands: How many; None for as many as there are.
        balance: Select as many left as right hands (SiMHand, Sec. 3.1).
        seed: Seed of the random choice.

    Returns:
        Rows, ascending.

    Raises:
        ValueError: If there are not that many hands, or it is not a positive number.
    """
    order = np.random.default_rng(seed).permutation(len(handedness_index))
    sides = [order[handedness_index[order] == side] for side in (0, 1)] if balance else [order]
    if num_hands is not None and num_hands < len(sides):
        raise ValueError(f"num_hands must be at least {len(sides)}, but got {num_hands}.")
    size = min(map(len, sides)) if num_hands is None else num_hands // len(sides)
    if size > min(map(len, sides)):
        raise ValueError(
            f"num_hands must be at most {min(map(len, sides)) * len(sides)}, but got {num_hands}. "
            "The pool has no more."
        )
    return np.sort(np.concatenate([side[:size] for side in sides]))


def write_subset(pool: HandPool, output: str | Path, selection: Selection) -> dict[str, Any]:
    """Write a subset of a pool as a new pool, with the same ids and crops.

    Hands are first filtered, then balanced, then chosen at random. What balancing drops is in the
    ``drops.parquet`` of the new pool; what filters and a smaller number drop is not, because it was
    requested.

    Args:
        pool: Where the hands come from.
        output: Folder of the new pool.
        selection: Which hands.

    Returns:
        The content of its ``pool.json``.

    Raises:
        ValueError: If the condition is not valid, no hand meets it, there are too few hands, or the
            excluded ids are not of this pool.
    """
    candidates = np.flatnonzero(_filter(pool, selection))
    sides = pool.handedness_index[candidates]
    rows = candidates[choose_hands(sides, selection.num_hands, selection.balance, selection.seed)]
    is_surplus = np.zeros(len(pool), bool)
    if selection.balance:
        is_surplus[candidates] = True
        is_surplus[candidates[choose_hands(sides, None, True, selection.seed)]] = False
    settings = {key: value for key, value in pool.info.items() if key not in _CONTENT}
    if pool.extra_columns:
        settings["columns"] = pool.extra_columns
    subset = {"of": pool.fingerprint, **selection.record()}
    writer = PoolWriter(output, {**settings, "subset": subset})
    with writer.lock():
        done = writer.statuses()
        concerned = np.union1d(rows, np.flatnonzero(is_surplus))
        for video_index, group in groupby(concerned, key=pool.video_index.__getitem__):
            video_id = pool.video_ids[video_index]
            if video_id not in done:
                members = list(group)
                hands = [_to_record(pool, row) for row in np.intersect1d(members, rows)]
                surplus = [row for row in members if is_surplus[row]]
                writer.write_video(video_id, hands, [_to_drop(pool, row) for row in surplus])
        return writer.finalize()


def _filter(pool: HandPool, selection: Selection) -> np.ndarray:
    """``[N]`` bool, whether a hand may be selected."""
    is_kept = rows_where(pool, selection.where) if selection.where else np.ones(len(pool), bool)
    if selection.where:
        logger.info("%d of %d hands meet the condition", is_kept.sum(), len(pool))
    if selection.exclude is not None:
        rows, unknown = find_listed_hands(selection.exclude, pool)
        if unknown:
            logger.warning("%d ids of %s are not in the pool", len(unknown), selection.exclude)
        is_kept[rows] = False
    if len(pool) and not is_kept.any():
        raise ValueError(
            f"where and exclude must leave hands of {pool.root}, but they leave none of "
            f"{len(pool)}. Loosen the condition."
        )
    return is_kept


def _to_drop(pool: HandPool, row: int) -> DropRecord:
    frame = (pool.value(row, "video_id"), pool.value(row, "frame_index"))
    return DropRecord(*frame, "balance", "surplus_side", pool.hand_id(row))


def _to_record(pool: HandPool, row: int) -> HandRecord:
    single = ("hand_id", "video_id", "source", "frame_index", "time_s", "handedness",
              "is_mirrored", "bbox_score")  # fmt: skip
    return HandRecord(
        **{name: pool.value(row, name) for name in single},
        bbox_xyxy=pool.bbox_xyxy[row],
        keypoints_2d=pool.keypoints_2d[row],
        keypoint_score=pool.keypoint_score[row],
        sharpness=float(pool.sharpness[row]),
        brightness=float(pool.brightness[row]),
        keypoints_3d=pool.read_keypoints_3d(row),
        columns={name: str(pool.value(row, name)) for name in pool.extra_columns},
        crop=pool.read_crop(row),
    )
