"""Convert a labelled data set, or your own labels, to poses/<split>.parquet.

    simhand convert freihand data/FreiHAND_pub_v2
    simhand convert coco my_hands
    simhand convert json my_hands/test.json

freihand, dexycb and assemblyhands read the official folders. coco reads COCO keypoints with 21 hand
keypoints, optionally with 3D keypoints and cameras; json reads a simple list of hands
(docs/data_format.md). Hands with 2D labels only are written to poses/<split>-2d.parquet.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from simhand_mm.cli import run
from simhand_mm.converters import assemblyhands, dexycb, freihand
from simhand_mm.converters.conversion import Conversion, OfficialCount, hold_out
from simhand_mm.converters.labelled_hands import OwnLabelSettings
from simhand_mm.converters.own_label_files import (
    LabelFormat,
    convert_label_file,
    find_label_files,
)
from simhand_mm.converters.own_labels import split_of
from simhand_mm.options import OptionalOut
from simhand_mm.pool import write_poses

HOLDOUT = {"freihand": 0.01, "dexycb": 0.0, "assemblyhands": 0.05}


def main(
    dataset: Literal["freihand", "dexycb", "assemblyhands", "coco", "json"],
    root: Path,
    /,
    dexycb_settings: Annotated[dexycb.DexYCBSettings, arg(name="dexycb")],
    assemblyhands_settings: Annotated[
        assemblyhands.AssemblyHandsSettings, arg(name="assemblyhands")
    ],
    own_settings: Annotated[OwnLabelSettings, arg(name="coco and json")],
    splits: tuple[str, ...] | None = None,
    out: OptionalOut = None,
    holdout: float | None = None,
) -> None:
    """Convert each split and print a summary.

    Args:
        dataset: Name of the data set, or format of your own labels.
        root: Official root folder of the data set, the data_root of the configs. For your own
            labels, a JSON file, or a folder with JSON files in it or in its folder annotations.
        dexycb_settings: Options for DexYCB only.
        assemblyhands_settings: Options for AssemblyHands only.
        own_settings: Options for coco and json only.
        splits: Official splits; by default all splits of the data set. For one file of your own
            labels, the name of its split.
        out: Folder of the tables; by default ROOT/poses.
        holdout: Share of the training sequences reserved for model selection. The default is 0.01
            for FreiHAND, written as 'val', because it has no such split; 0.05 for AssemblyHands,
            written as 'holdout', because its 'val' is used for testing; and 0 for the others.
    """
    if dataset == "coco" or dataset == "json":
        if holdout is not None:
            raise ValueError(
                f"holdout must not be given for {dataset}, but got {holdout}. Put the hands of val "
                'into a file of their own, or state "split" in the JSON.'
            )
        _convert_own(dataset, root, own_settings, splits or (), out)
        return
    official = _official_set(dataset, dexycb_settings, assemblyhands_settings)
    share = HOLDOUT[dataset] if holdout is None else holdout
    failed = []
    for split in splits or official.splits:
        try:
            conversion = official.convert(root, split)
        except (OSError, ValueError) as error:
            failed.append(split)
            print(f"{dataset} {split} is skipped: {error}", file=sys.stderr)
            continue
        print(conversion.summary(official.counts.get(f"{official.setup}{split}", ())))
        # The held-out table never replaces an official split.
        held_out = "holdout" if "val" in official.splits else "val"
        tables = _tables_of(split, conversion.records, held_out, share)
        for name, records in tables.items():
            _write_table(out or root / "poses", name, records)
    if failed:
        raise RuntimeError(
            f"all splits of {dataset} must be convertible, but {len(failed)} were skipped: "
            f"{', '.join(failed)}. Correct the folders, or choose splits with --splits."
        )


@dataclass(frozen=True)
class _OfficialSet:
    """A labelled data set in its official folders.

    Attributes:
        convert: Reads a split, given the root folder and the name of the split.
        splits: Names of its splits.
        counts: Official numbers of hands, by split.
        setup: Begins the names of the splits in ``counts``.
    """

    convert: Callable[[Path, str], Conversion]
    splits: Sequence[str]
    counts: Mapping[str, Sequence[OfficialCount]]
    setup: str = ""


def _official_set(
    dataset: Literal["freihand", "dexycb", "assemblyhands"],
    dexycb_settings: dexycb.DexYCBSettings,
    assemblyhands_settings: assemblyhands.AssemblyHandsSettings,
) -> _OfficialSet:
    if dataset == "dexycb":
        convert = partial(dexycb.convert_dexycb, settings=dexycb_settings)
        setup = f"{dexycb_settings.setup} "
        return _OfficialSet(convert, dexycb.SPLITS, dexycb.OFFICIAL_COUNTS, setup)
    if dataset == "assemblyhands":
        convert = partial(assemblyhands.convert_assemblyhands, settings=assemblyhands_settings)
        return _OfficialSet(convert, assemblyhands.SPLITS, assemblyhands.OFFICIAL_COUNTS)
    return _OfficialSet(freihand.convert_freihand, freihand.SPLITS, freihand.OFFICIAL_COUNTS)


def _tables_of(split: str, records: list[dict], held_out: str, share: float) -> dict[str, list]:
    """Return the table of a split, or, for training, also that of the held-out sequences."""
    if split != "train" or not share:
        return {split: records}
    train, rest = hold_out(records, share)
    return {split: train, held_out: rest}


def _write_table(folder: Path, name: str, records: list[dict]) -> None:
    path = folder / f"{name}.parquet"
    write_poses(path, records)
    print(f"  wrote {len(records):,} to {path}")


def _convert_own(
    kind: LabelFormat,
    path: Path,
    settings: OwnLabelSettings,
    splits: tuple[str, ...],
    out: Path | None,
) -> None:
    root, files = find_label_files(path)
    if len(files) == 1 and len(splits) > 1:
        raise ValueError(f"splits must be the name of one split for one file, but got {splits}.")
    for file in files:
        if len(files) > 1 and splits and split_of(file) not in splits:
            continue
        name = splits[0] if len(files) == 1 and splits else ""
        for split, labels in convert_label_file(kind, root, file, settings, name).items():
            print(labels.summary())
            for suffix, conversion in (("", labels.poses), ("-2d", labels.keypoints)):
                if conversion.records:
                    _write_table(out or root / "poses", f"{split}{suffix}", conversion.records)
            if labels.keypoints.records:
                print(
                    "  Hands with 2D labels only can train heatmaps (Keypoints2DDataset), but 3D "
                    "cannot be trained or tested on them: that needs keypoints_3d and a camera."
                )


if __name__ == "__main__":
    run(main, __doc__)
