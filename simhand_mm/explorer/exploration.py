"""What the page shows of a pool, and the list of excluded hands that it edits.

Axes: N hands of the pool, K ranks of its pairs.
"""

import logging
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simhand_mm.explorer.colors import codes_of, codes_of_numbers
from simhand_mm.pool import HandPairs, HandPool, load_pairs
from simhand_mm.pool.filters import rows_where
from simhand_mm.pool.id_lists import find_listed_hands, write_hand_ids

logger = logging.getLogger(__name__)

PAIR_DISTANCE = "pair distance"
_NOT_SHOWN = ("hand_id", "shard")
_DEFAULT_PAIRS = "similar"


class Exploration:
    """A pool with the places of its hands, its pairs, and a list of excluded hands.

    Methods may be called from several threads.

    Args:
        pool: The pool.
        places: ``[N, 2]`` float32, places on the map; NaN: none.
        pairs_name: Name of the pairs to show; by default those named ``similar``, if they exist.
        exclude_list: CSV table of excluded hands; read if it exists, written at each change.

    Raises:
        FileNotFoundError: If the named pairs do not exist.
        ValueError: If pairs or list belong to another pool.
    """

    def __init__(
        self, pool: HandPool, places: np.ndarray, pairs_name: str | None, exclude_list: Path
    ) -> None:
        self.pool = pool
        self.places = places
        self.pairs_name = pairs_name or _DEFAULT_PAIRS
        self.pairs = self._load_pairs(is_required=pairs_name is not None)
        self.exclude_list = exclude_list
        self._lock = threading.Lock()
        self._ids_of_other_pools: list[str] = []
        self.is_excluded = self._read_exclude_list()

    def overview(self) -> dict[str, Any]:
        """Describe pool, columns, pairs and list."""
        advice = f"simhand mine {self.pool.root} --name {self.pairs_name}"
        return {
            "pool": str(self.pool.root),
            "num_hands": len(self.pool),
            "num_placed": int(np.isfinite(self.places).all(axis=1).sum()),
            "crop_size": self.pool.crop_size,
            "columns": [*self._columns(), *([PAIR_DISTANCE] if self.pairs else [])],
            "color": next(
                (n for n in self._columns() if n in self.pool.extra_columns), "sharpness"
            ),
            "pairs": None if self.pairs is None else self.pairs_name,
            "advice": "" if self.pairs else f"No pairs named {self.pairs_name}. Run: {advice}",
            "exclude_list": str(self.exclude_list),
        }

    def codes(self, name: str) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the codes ``[N]`` uint8 by which a column colours the hands, and the legend.

        Raises:
            ValueError: If there is no such column.
        """
        if name == PAIR_DISTANCE and self.pairs is not None:
            return codes_of_numbers(self.pairs.distance[:, 0])
        if name not in self._columns():
            raise ValueError(f"column must be one of {self._columns()}, but got {name!r}.")
        return codes_of(self.pool, name)

    def hand(self, row: int) -> dict[str, Any]:
        """Describe one hand: its columns, its keypoints in px of the crop, and its positives."""
        pool = self.pool
        values = {name: _plain(pool.value(row, name)) for name in self._columns()}
        return {
            "row": row,
            "hand_id": pool.hand_id(row),
            "values": values,
            "keypoints_2d": [[_plain(float(v)) for v in point] for point in pool.keypoints_2d[row]],
            "is_mirrored": bool(pool.is_mirrored[row]),
            "positives": self._positives(row),
        }

    def crop(self, row: int) -> bytes:
        """Return the crop of a hand as JPEG, read from disk."""
        with self._lock:  # LMDB handles must not be opened by two threads
            return self.pool.read_crop(row)

    def matching(self, where: str, text: str) -> np.ndarray:
        """Whether each hand meets a condition and has a text in its id, ``[N]`` bool.

        Args:
            where: As in ``simhand subset --where``; empty: no condition.
            text: Part of the hand id, which begins with the video id; empty: any.

        Raises:
            ValueError: If the condition is not valid.
        """
        is_match = rows_where(self.pool, where) if where else np.ones(len(self.pool), bool)
        if text:
            compute: Any = pc  # its functions are made at run time
            has_text = compute.match_substring(self.pool.column("hand_id"), text, ignore_case=True)
            is_match = is_match & has_text.to_numpy(zero_copy_only=False)
        return is_match

    def exclude(self, is_excluded: np.ndarray) -> None:
        """Replace the set of excluded hands and write the list.

        Args:
            is_excluded: ``[N]`` bool.

        Raises:
            OSError: If the list cannot be written.
        """
        with self._lock:
            rows = np.flatnonzero(is_excluded)
            ids = self.pool.column("hand_id").take(pa.array(rows)).to_pylist()
            write_hand_ids(self.exclude_list, [*ids, *self._ids_of_other_pools])
            self.is_excluded = is_excluded
        logger.info("%s: %d excluded", self.exclude_list, len(rows))

    def _columns(self) -> list[str]:
        """Columns with one value per hand, extra columns first."""
        pool = self.pool
        names = [
            *pool.extra_columns,
            *(n for n in pool.column_names if n not in pool.extra_columns),
        ]
        return [name for name in names if name not in _NOT_SHOWN and _is_single(pool.column(name))]

    def _positives(self, row: int) -> list[dict[str, Any]]:
        if self.pairs is None:
            return []
        entries = zip(
            self.pairs.ranks, self.pairs.positive_index[row], self.pairs.distance[row], strict=True
        )
        return [
            {
                "rank": int(rank),
                "row": int(positive),
                "hand_id": self.pool.hand_id(int(positive)),
                "distance": _plain(float(distance)),
            }
            for rank, positive, distance in entries
            if positive >= 0
        ]

    def _load_pairs(self, is_required: bool) -> HandPairs | None:
        try:
            return load_pairs(self.pool.root, self.pairs_name, self.pool)
        except (FileNotFoundError, ValueError) as error:
            if is_required:
                raise
            logger.warning("the page shows no pairs: %s", error)
            return None

    def _read_exclude_list(self) -> np.ndarray:
        is_excluded = np.zeros(len(self.pool), bool)
        if self.exclude_list.is_file():
            rows, self._ids_of_other_pools = find_listed_hands(self.exclude_list, self.pool)
            is_excluded[rows] = True
        return is_excluded


def _is_single(column: pa.ChunkedArray) -> bool:
    """Whether a column has one value per hand that can be shown."""
    kind = column.type
    return bool(
        pa.types.is_dictionary(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
    )


def _plain(value: Any) -> Any:
    """A value of JSON: numbers that are not finite become None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
