"""The footage of an input: videos, and groups of images that count as one video each."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from simhand_mm.pool import DropRecord
from simhand_mm.pool.video_statuses import SourceFile
from simhand_mm.preparation.file_lists import GROUP
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.grouping import FOLDER, group_images
from simhand_mm.preparation.inputs import FootageSettings, Input
from simhand_mm.preparation.video_files import to_videos


class Footage(Protocol):
    """A video, or images that count as one."""

    @property
    def video_id(self) -> str:
        """Its id in the pool."""
        ...

    @property
    def title(self) -> str:
        """What people know it by."""
        ...

    @property
    def source_file(self) -> SourceFile:
        """Identity of what is on disk, to see whether it changed."""
        ...

    def frames(
        self, fps: float, only: frozenset[int] | None, num_threads: int
    ) -> Iterator[Frame | DropRecord]:
        """The first frame of each interval of ``1 / fps`` seconds, or why it cannot be read.

        Raises:
            VideoError: After the last readable frame, if that is not all there should be.
        """
        ...


def find_footage(
    source: Input,
    settings: FootageSettings,
    fps: float,
    recorded: Mapping[str, str] | None = None,
) -> list[Footage]:
    """Videos and groups of images of an input, in the order of their ids.

    Args:
        source: The files.
        settings: What counts as one video.
        fps: Frames wanted per second.
        recorded: See :func:`~simhand_mm.preparation.video_files.find_videos`.

    Raises:
        ValueError: If a group is called as a video is, or ``group`` names no column.
    """
    videos: list[Footage] = [*to_videos(source.videos, recorded), *source.damaged]
    groups = group_images(
        source.images, _group_by(source, settings), settings.numbers_per_second, fps
    )
    doubled = {video.video_id for video in videos} & {group.video_id for group in groups}
    if doubled:
        raise ValueError(
            f"videos and groups of images must have different names, but {sorted(doubled)[:3]} are "
            "both. Prepare them one after the other: --take videos, --take images."
        )
    return sorted([*videos, *groups], key=lambda each: each.video_id)


def pool_settings(source: Input, settings: FootageSettings) -> dict[str, Any]:
    """JSON-like form for ``pool.json``; empty for plain videos, as in older pools."""
    record: dict[str, Any] = {"columns": list(source.columns)} if source.columns else {}
    if source.images:
        record["images"] = {
            "group": _group_by(source, settings),
            "numbers_per_second": settings.numbers_per_second,
        }
    return record


def _group_by(source: Input, settings: FootageSettings) -> str:
    """What decides which images count as one video."""
    return settings.group or (GROUP if source.has_groups else FOLDER)
