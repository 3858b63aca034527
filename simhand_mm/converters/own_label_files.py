"""Files of your own labels: which ones there are, their splits, and where their images may be."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from simhand_mm.converters.coco_keypoints import read_coco_keypoints
from simhand_mm.converters.conversion import Conversion
from simhand_mm.converters.json_hands import read_json_hands
from simhand_mm.converters.labelled_hands import LabelledHand, OwnLabelSettings
from simhand_mm.converters.own_labels import OwnLabels, split_of, to_tables

LabelFormat = Literal["coco", "json"]
_ANNOTATIONS = "annotations"
_Reader = Callable[[Path, OwnLabelSettings, Conversion], list[LabelledHand]]
_READERS: dict[str, _Reader] = {"coco": read_coco_keypoints, "json": read_json_hands}


def find_label_files(path: Path) -> tuple[Path, list[Path]]:
    """Return the data folder, which image paths are relative to, and the files of labels.

    Args:
        path: The folder, with JSON files in it or in its folder ``annotations``; or one file.

    Raises:
        FileNotFoundError: If there is no such file, or none in the folder.
        ValueError: If two files are of the same split.
    """
    if path.is_file():
        folder = path.parent
        return (folder.parent if folder.name == _ANNOTATIONS else folder), [path]
    files = sorted(path.glob("*.json")) or sorted((path / _ANNOTATIONS).glob("*.json"))
    if not files:
        raise FileNotFoundError(
            f"labels must be a JSON file, or a folder that contains JSON files or a folder "
            f"{_ANNOTATIONS} of JSON files, but {path} "
            f"{'contains none' if path.is_dir() else 'does not exist'}. Correct the path."
        )
    splits = [split_of(file) for file in files]
    if len(set(splits)) < len(splits):
        raise ValueError(
            f"each file of labels must be a split of its own, but {path} has {len(files)} files of "
            f"the splits {', '.join(splits)}. Pass one file: simhand convert coco FILE."
        )
    return path, files


def convert_label_file(
    kind: LabelFormat, root: Path, file: Path, settings: OwnLabelSettings, split: str = ""
) -> dict[str, OwnLabels]:
    """Convert one file.

    Args:
        kind: Its format.
        root: Folder that image paths are relative to.
        file: The file.
        settings: What it may not state.
        split: Name of the split; by default that of each hand, or of the file.

    Returns:
        Split -> labels.

    Raises:
        ValueError: If the file is no such file, or unit, order or camera cannot be right.
    """
    name = split or split_of(file)
    unread = Conversion(f"{file.name} ({name})")
    hands = _READERS[kind](file, settings, unread)
    by_split: dict[str, list[LabelledHand]] = {}
    for hand in hands:
        by_split.setdefault(split or hand.split or name, []).append(hand)
    found = {}
    for number, (each, members) in enumerate(sorted((by_split or {name: []}).items())):
        # What cannot be read has no split, and is reported with the first.
        conversion = unread if not number else Conversion(f"{file.name} ({each})")
        conversion.name = f"{file.name} ({each})"
        folders = _image_folders(root, file, each)
        found[each] = to_tables(members, conversion, root, folders, settings)
    return found


def _image_folders(root: Path, file: Path, split: str) -> Sequence[Path]:
    """Where images may be: next to the labels, and as COCO, CVAT and FiftyOne place them."""
    names = ("", "images", "images/default", f"images/{split}", split, "data")
    return [*(root / name for name in names), file.parent]
