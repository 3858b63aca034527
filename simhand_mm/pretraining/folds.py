"""Labelled hands of a pool, and folds of them for training and testing of probes.

Folds never share a group (a person, a video), so recognising the group does not help.

Axis: N hands.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from simhand_mm.pool import HandPool
from simhand_mm.pool.labels import read_labels
from simhand_mm.pretraining.selection import drop_by_reason
from simhand_mm.probe_options import ProbeSettings

Split: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Positions of the hands to train on and to test on."""


@dataclass(frozen=True)
class LabelledHands:
    """The hands of a pool that can be probed.

    Attributes:
        rows: ``[N]`` int64, rows of the pool.
        labels: ``[N]`` str.
        groups: ``[N]`` str.
        drops: Number of hands that were dropped, by reason.
    """

    rows: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    drops: dict[str, int]


def select_hands(pool: HandPool, settings: ProbeSettings) -> LabelledHands:
    """Select hands with a label, a group and finite keypoints. Dropped hands are counted.

    Classes that occur in a single group are dropped too, because no fold can train and test on
    them.

    Args:
        pool: The pool.
        settings: Names of the columns and the table.

    Raises:
        ValueError: If fewer than two classes are left.
    """
    columns = read_labels(pool, (settings.label, settings.group), settings.table)
    labels, groups = (np.array(column, dtype=object) for column in columns)
    keep, drops = drop_by_reason(
        {
            "without_label": labels == "",
            "without_group": groups == "",
            "with_broken_keypoints": ~np.isfinite(pool.keypoints_2d).all(axis=(1, 2)),
        }
    )
    lonely = [
        label for label in set(labels[keep]) if len(set(groups[keep & (labels == label)])) < 2
    ]
    is_lonely = keep & np.isin(labels.astype(str), lonely)
    drops["of_a_class_in_one_group"] = int(is_lonely.sum())
    keep &= ~is_lonely
    if len(set(labels[keep])) < 2:
        raise ValueError(
            f"label must have two classes that two groups share, but {settings.label!r} has "
            f"{len(set(labels[keep]))} with groups of {settings.group!r} (dropped: {drops}). "
            "Choose another column, or label more hands."
        )
    rows = np.flatnonzero(keep)
    return LabelledHands(rows, labels[rows].astype(str), groups[rows].astype(str), drops)


def split_by_group(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> list[Split]:
    """Split hands into folds without common groups, stratified by class as far as possible.

    Args:
        labels: ``[N]``.
        groups: ``[N]``.
        folds: Number of folds.
        seed: Seed of the shuffling of groups.

    Raises:
        ValueError: If there are too few groups, or a fold would train on one class.
    """
    num_groups = len(set(groups))
    if not 2 <= folds <= num_groups:
        raise ValueError(
            f"folds must be 2 to the number of groups, {num_groups}, but got {folds}. Choose "
            "another --folds or --group."
        )
    stratified = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    splits = list(stratified.split(labels, labels, groups))
    if not all(len(test) for _, test in splits):  # few groups: GroupKFold fills every fold
        splits = list(GroupKFold(folds).split(labels, labels, groups))
    if any(len(set(labels[train])) < 2 for train, _ in splits):
        raise ValueError(
            f"every fold must train on two classes, but with {folds} folds and {num_groups} groups "
            "one has a single class. Choose fewer --folds, or label more groups."
        )
    return splits
