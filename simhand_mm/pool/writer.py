"""Writing a hand pool: atomic parts with finished videos, merged by ``finalize``."""

import fcntl
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simhand_mm.pool.files import (
    explaining_disk_errors,
    keep_settings,
    read_json,
    remove_temporaries,
    write_json,
)
from simhand_mm.pool.mapped_copy import fingerprint_of, write_arrow
from simhand_mm.pool.merging import merge_parts
from simhand_mm.pool.parts import (
    FinishedVideo,
    PartEntry,
    joined_status,
    part_path,
    read_entries,
    valid_entries,
    write_part,
)
from simhand_mm.pool.schema import FORMAT_VERSION, DropRecord, HandRecord, hands_schema
from simhand_mm.pool.video_statuses import VideoStatus, read_statuses, write_statuses

logger = logging.getLogger(__name__)


class PoolWriter:
    """Writes videos into a pool folder; several processes may write different videos.

    Finished videos are files in ``parts/``, which are written atomically, so a killed run can be
    resumed. ``finalize`` merges the parts in the order of their video ids; the result does not
    depend on which process wrote them, or when.

    Args:
        root: The pool folder.
        settings: Settings of the crops (``crop_size``, scales, producer, versions...), JSON-like;
            the same for all parts of a pool. ``columns``: names of extra columns.

    Raises:
        ValueError: If the folder was started with other settings.
    """

    def __init__(self, root: str | Path, settings: dict[str, Any]) -> None:
        self.root = Path(root)
        self.settings = settings
        self._parts_dir = self.root / "parts"
        self._schema = hands_schema(settings.get("columns", ()))
        keep_settings(self.root / "settings.json", settings)

    @contextmanager
    def lock(self, shared: bool = False) -> Iterator[None]:
        """Prevent other processes from preparing the same pool; also released by ``kill -9``.

        Args:
            shared: Allow other processes with a shared lock: they write different videos, and none
                of them finalizes.

        Raises:
            RuntimeError: If another process holds the lock.
        """
        path = self.root / ".lock"
        with ExitStack() as stack:
            with explaining_disk_errors(path):
                file = stack.enter_context(path.open("wb"))
            try:
                fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RuntimeError(
                    f"{self.root} is being prepared by another process. Wait for it, or stop it."
                ) from None
            except OSError as error:  # some shared file systems have no locks
                logger.warning("%s cannot be locked (%s)", self.root, error.strerror)
            yield

    @property
    def has_no_parts(self) -> bool:
        """Whether the pool is finished and its parts were removed."""
        return not self._parts_dir.exists() and (self.root / "pool.json").is_file()

    def check_can_grow(self) -> None:
        """Raise ValueError if the parts were removed; videos can then not be added."""
        if self.has_no_parts:
            raise ValueError(
                f"{self.root} must have its parts to add videos, but they were removed. Prepare "
                "the new or changed videos into another pool."
            )

    def remove_parts(self) -> None:
        """Delete the parts of a finished pool; no videos can be added afterwards."""
        if self._parts_dir.exists():
            # Atomic: if only some parts were deleted, their videos would be prepared again.
            self._parts_dir.rename(self.root / ".parts.tmp")
            remove_temporaries(self.root)

    def statuses(self) -> dict[str, VideoStatus]:
        """Return the status of each finished video, sorted by id. Damaged parts are deleted."""
        if self.has_no_parts:
            return read_statuses(self.root / "videos.csv")
        return _joined(self.entries())

    def entries(self) -> dict[str, list[PartEntry]]:
        """Return what is stored of each video, sorted by id. Damaged parts are deleted."""
        found: list[PartEntry] = []
        for path in self._parts_dir.glob("*.arrow"):
            try:
                found += read_entries(path)
            except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
                if getattr(error, "errno", None):  # caused by the disk, not by the part
                    raise
                logger.warning("%s is damaged (%s): its videos are prepared again", path, error)
                path.unlink()
        return valid_entries(found)

    def write_video(
        self,
        video_id: str,
        hands: Sequence[HandRecord],
        drops: Sequence[DropRecord] = (),
        failure: str = "",
    ) -> None:
        """Write all hands and drops of a video atomically.

        Args:
            video_id: Its id.
            hands: Its hands.
            drops: What was dropped, with reasons.
            failure: Reason why the video could not be used at all, or ''.

        Raises:
            ValueError: If the parts of the pool were removed, or an array has the wrong shape.
            OSError: If the disk is full or read-only.
        """
        status = VideoStatus(video_id, failure, num_hands=len(hands), num_drops=len(drops))
        self.write_videos([FinishedVideo(status, hands, drops)])

    def write_videos(self, videos: Sequence[FinishedVideo], generation: int = 0) -> None:
        """Write several videos, or a piece of one, as one part.

        Args:
            videos: The videos.
            generation: Greater than that of all parts of earlier runs, so that videos that are
                prepared again replace what was there.

        Raises:
            ValueError: As :meth:`write_video`.
            OSError: If the disk is full or read-only.
        """
        self.check_can_grow()
        path = part_path(self._parts_dir, videos)
        write_part(path, videos, self.settings.get("columns", ()), generation)

    def finalize(self) -> dict[str, Any]:
        """Merge the parts into the files of the pool; returns the content of ``pool.json``.

        Raises:
            ValueError: If two hands have the same id.
            OSError: If the disk is full or read-only.
        """
        stored = self.entries()
        statuses = self.statuses() if self.has_no_parts else _joined(stored)
        if self._is_merged(statuses):
            return read_json(self.root / "pool.json")
        (self.root / "pool.json").unlink(missing_ok=True)  # incomplete until written again
        remove_temporaries(self.root)
        remove_temporaries(self._parts_dir)
        entries = [entry for video_id in statuses for entry in stored[video_id]]
        num_drops = merge_parts(self.root, entries, self._schema)
        hands = pq.read_table(self.root / "hands.parquet", schema=self._schema)
        _check_unique(hands, entries)
        info = {
            "format_version": FORMAT_VERSION,
            "num_hands": len(hands),
            "num_videos": len(hands["video_id"].unique()),
            "num_drops": dict(sorted(num_drops.items())),
            "fingerprint": fingerprint_of(hands),
            **self.settings,
        }
        write_arrow(self.root / "hands.arrow", hands, info["fingerprint"])
        write_statuses(self.root / "videos.csv", list(statuses.values()))
        write_json(self.root / "pool.json", info, sort_keys=True)
        return info

    def _is_merged(self, statuses: dict[str, VideoStatus]) -> bool:
        if not (self.root / "pool.json").is_file():
            return False
        return read_statuses(self.root / "videos.csv") == statuses


def _joined(stored: dict[str, list[PartEntry]]) -> dict[str, VideoStatus]:
    """Status of each video that is stored in full."""
    joined = {video_id: joined_status(entries) for video_id, entries in stored.items()}
    return {video_id: status for video_id, status in joined.items() if status}


def _check_unique(hands: pa.Table, entries: Sequence[PartEntry]) -> None:
    """Refuse duplicate ids: such hands would share one crop and be ambiguous in pairs."""
    compute: Any = pc  # its functions are made at run time
    if compute.count_distinct(hands["hand_id"]).as_py() == len(hands):
        return
    counts = compute.value_counts(hands["hand_id"])
    doubled = counts.filter(compute.greater(counts.field("counts"), 1)).field("values")
    videos = hands["video_id"].filter(compute.is_in(hands["hand_id"], doubled)).unique().to_pylist()
    parts = sorted({str(e.path) for e in entries if e.status.video_id in videos[:3]})
    raise ValueError(
        f"hand_id must be unique, but {doubled[0].as_py()!r} and {len(doubled) - 1} others of "
        f"{len(videos)} videos occur several times (first videos: {videos[:3]}). Remove "
        f"their parts ({', '.join(parts)}) and prepare these videos again."
    )
