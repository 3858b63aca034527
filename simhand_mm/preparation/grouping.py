"""Which images count as one video, and what their names say about number and time."""

import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from simhand_mm.pool.text_tables import decimal_point
from simhand_mm.pool.video_statuses import SourceFile
from simhand_mm.preparation.file_lists import FRAME_INDEX, OWN_COLUMNS, PATH, TIME_S
from simhand_mm.preparation.image_groups import (
    GroupImage,
    ImageGroup,
    numbers_in,
    times_of,
)
from simhand_mm.preparation.input_files import InputFile

logger = logging.getLogger(__name__)

FOLDER, IMAGE = "folder", "image"


def group_images(
    files: Sequence[InputFile], group: str, numbers_per_second: float | None, fps: float
) -> list[ImageGroup]:
    """Images by group; what was guessed goes to the log.

    Args:
        files: The images.
        group: ``folder``, ``image``, or names of columns separated by '/'.
        numbers_per_second: See :class:`~simhand_mm.preparation.inputs.FootageSettings`.
        fps: Frames wanted per second.

    Raises:
        ValueError: If ``group`` names a column that there is not, or a list has a frame number or
            time that is no number.
    """
    members: dict[str, list[InputFile]] = {}
    without = 0
    for file in files:
        name = _group_of(file, group)
        without += not name
        members.setdefault(name or _folder_of(file), []).append(file)
    if without:
        logger.warning(
            "%d of %d images have no %s: they are grouped by folder", without, len(files), group
        )
    groups = [_to_group(name, members[name], numbers_per_second, fps) for name in sorted(members)]
    if groups:
        _log_decisions(groups, group, numbers_per_second, fps)
    return groups


def _group_of(file: InputFile, group: str) -> str:
    """Name of a file's group; '' if a column that makes it is empty."""
    if group == IMAGE:
        return file.name
    if group == FOLDER:
        return _folder_of(file)
    names = group.split("/")
    missing = [name for name in names if name not in file.columns]
    if missing and (len(missing) == len(names) or file.columns.keys() & {PATH}):
        raise ValueError(
            f"group must be {FOLDER}, {IMAGE}, or names of levels (--levels) or of columns of the "
            f"list, but got {group!r}, and {file.name} has {sorted(file.columns) or 'none'}."
        )
    values = [file.columns.get(name, "") for name in names]
    return "/".join(values) if all(values) else ""


def _folder_of(file: InputFile) -> str:
    folder = str(PurePosixPath(file.name).parent)
    if folder == "." and isinstance(file.path, Path):
        return file.path.parent.resolve().name or "images"
    return folder


def _to_group(
    name: str, files: Sequence[InputFile], numbers_per_second: float | None, fps: float
) -> ImageGroup:
    files = sorted(files, key=lambda file: _natural(file.name))
    named = _listed_numbers(files) or numbers_in([file.name for file in files])
    numbered = sorted(zip(named or range(len(files)), range(len(files)), strict=True))
    numbers = [number for number, _ in numbered]
    files = [files[position] for _, position in numbered]
    times = _listed_times(files) or times_of(numbers, numbers_per_second, fps)
    columns = [{k: v for k, v in file.columns.items() if k not in OWN_COLUMNS} for file in files]
    images = tuple(
        GroupImage(file.path, number, time_s, values)
        for file, number, time_s, values in zip(files, numbers, times, columns, strict=True)
    )
    return ImageGroup(name, images, _identity(files, images))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts 'a2' before 'a10'."""
    pieces = re.split(r"(\d+)", name)
    return [(0, int(p), p) if p.isdigit() else (1, 0, p) for p in pieces]


def _listed_numbers(files: Sequence[InputFile]) -> list[int] | None:
    values = _listed(files, FRAME_INDEX)
    return None if values is None else [int(value) for value in values]


def _listed_times(files: Sequence[InputFile]) -> list[float] | None:
    values = _listed(files, TIME_S)
    return None if values is None else [value - values[0] for value in values]


def _listed(files: Sequence[InputFile], name: str) -> list[float] | None:
    """A column of numbers of a list; None if it has none."""
    if any(not file.columns.get(name) for file in files):
        return None
    try:
        return [float(decimal_point(file.columns[name])) for file in files]
    except ValueError as error:
        raise ValueError(f"{name} of the list must be numbers, but got: {error}.") from error


def _identity(files: Sequence[InputFile], images: Sequence[GroupImage]) -> SourceFile:
    """Differs if an image is added, removed or changed, or if something else is said about it."""
    states = [file.state for file in files if file.state]
    said = [(f.name, i.frame_index, i.time_s, sorted(i.columns.items()))
            for f, i in zip(files, images, strict=True)]  # fmt: skip
    digest = hashlib.sha256(repr(said).encode()).hexdigest()[:12]
    return SourceFile(
        f"{len(files)} images, {digest}",
        sum(state.num_bytes for state in states),
        max((state.modified_s for state in states), default=-1),
    )


def _log_decisions(
    groups: Sequence[ImageGroup], group: str, numbers_per_second: float | None, fps: float
) -> None:
    """Log what counts as one video and how images are timed, so that a wrong guess is noticed."""
    num_images = sum(len(each.images) for each in groups)
    largest = max(groups, key=lambda each: len(each.images))
    logger.info(
        "%d images in %d groups by %s, the largest %r with %d; a group counts as one video: its "
        "hands are not paired with each other (--group)",
        num_images,
        len(groups),
        group,
        largest.video_id,
        len(largest.images),
    )
    if len(largest.images) == 1:
        return
    first, last = largest.images[0], largest.images[-1]
    logger.info(
        "%s is image %d at 0 s, %s is image %d at %g s (--numbers-per-second%s)",
        first.path.name,
        first.frame_index,
        last.path.name,
        last.frame_index,
        last.time_s,
        "" if numbers_per_second else "; times that no list gives are guessed",
    )
    num_sampled = sum(1 for each in groups for _ in each.sampled(fps))
    if num_sampled < num_images:
        logger.info(
            "%d of these images are used, at most one per interval of 1 / %g s; a higher --fps "
            "uses more",
            num_sampled,
            fps,
        )
