"""Where the images of your own labels are, and how large they are."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from simhand_mm.converters.labelled_hands import LabelledHand, OwnLabelSettings
from simhand_mm.converters.records import UnusableSample
from simhand_mm.converters.source_files import ImageFiles

_NUM_TRIED = 200  # images that decide which folder holds them
_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


class OwnImages:
    """Finds the images of hands below the root."""

    def __init__(
        self,
        root: Path,
        hands: Sequence[LabelledHand],
        folders: Sequence[Path],
        settings: OwnLabelSettings,
    ) -> None:
        self._root, self._files = root, ImageFiles(root)
        self._sizes: dict[str, tuple[int, int]] = {}
        if settings.images and not _is_inside(settings.images, root):
            raise ValueError(
                f"images must be a folder inside {root}, but got {settings.images}. Link or move "
                "it there: paths in poses tables are relative to that folder."
            )
        tried = [settings.images] if settings.images else folders
        prefixes = [PurePosixPath(os.path.relpath(folder, root)) for folder in tried]
        names = [hand.image for hand in hands[:: max(1, len(hands) // _NUM_TRIED)]]
        self._prefix = max(prefixes, key=lambda prefix: sum(self._has(prefix, n) for n in names))
        self.searched = ", ".join(str(folder) for folder in tried)

    def _path(self, prefix: PurePosixPath, name: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise UnusableSample("image outside of the folder")
        return str(prefix / path)

    def _has(self, prefix: PurePosixPath, name: str) -> bool:
        try:
            return self._path(prefix, name) in self._files
        except UnusableSample:
            return False

    def find(self, hand: LabelledHand) -> dict[str, Any]:
        """Return ``image_path`` and ``size_wh``.

        Raises:
            UnusableSample: If the image is missing or cannot be read.
        """
        path = self._path(self._prefix, hand.image)
        if path not in self._files:
            raise UnusableSample("image missing")
        if hand.size_wh is None and path not in self._sizes:
            try:
                with Image.open(self._root / path) as image:
                    width, height = image.size
                    is_turned = image.getexif().get(0x0112) in _TURNED
            except OSError as error:
                raise UnusableSample("image that cannot be read") from error
            self._sizes[path] = (height, width) if is_turned else (width, height)
        return {"image_path": path, "size_wh": hand.size_wh or self._sizes[path]}


def _is_inside(folder: Path, root: Path) -> bool:
    """By name alone: links inside the root may lead anywhere."""
    return Path(os.path.abspath(folder)).is_relative_to(os.path.abspath(root))
