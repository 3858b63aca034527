"""Tasks of a run: large groups of images are split, many small ones are bundled.

A task takes seconds, so that neither starting tasks and writing parts nor waiting for the last task
costs much, and a killed run loses little.
"""

from collections.abc import Iterable, Sequence

from simhand_mm.preparation.footage import Footage
from simhand_mm.preparation.image_groups import ImageGroup

Task = Sequence[Footage]  # picklable
_IMAGES_PER_TASK = 256
_MIN_TASKS = 256  # enough for many processes, even if there are few images


def to_pieces(footage: Iterable[Footage], fps: float) -> list[Footage]:
    """Split large groups of images, in order. The pieces depend on the groups alone."""
    pieces: list[Footage] = []
    for each in footage:
        if isinstance(each, ImageGroup) and len(each.images) > _IMAGES_PER_TASK:
            pieces += each.split(fps, _IMAGES_PER_TASK)
        else:
            pieces.append(each)
    return pieces


def piece_of(footage: Footage) -> tuple[int, int]:
    """Return the number of a piece, and the number of pieces of its video."""
    return (footage.piece, footage.num_pieces) if isinstance(footage, ImageGroup) else (0, 1)


def to_tasks(footage: Sequence[Footage]) -> list[Task]:
    """Bundle small groups of images, in order. Videos and pieces of groups are tasks by themselves.

    Args:
        footage: What is left to do.
    """
    num_images = sum(len(each.images) for each in footage if isinstance(each, ImageGroup))
    limit = max(1, min(_IMAGES_PER_TASK, num_images // _MIN_TASKS))
    tasks: list[Task] = []
    bundle: list[Footage] = []
    in_bundle = 0
    for each in footage:
        if not isinstance(each, ImageGroup) or each.num_pieces > 1:
            tasks.append((each,))
            continue
        bundle.append(each)
        in_bundle += len(each.images)
        if in_bundle >= limit:
            tasks.append(tuple(bundle))
            bundle, in_bundle = [], 0
    return [*tasks, tuple(bundle)] if bundle else tasks
