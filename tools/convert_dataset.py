"""Convert a labelled data set in its official folders to poses/<split>.parquet.

simhand convert freihand data/FreiHAND_pub_v2
"""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from simhand_mm.cli import run
from simhand_mm.converters import assemblyhands, dexycb, freihand
from simhand_mm.converters.records import hold_out
from simhand_mm.options import OptionalOut
from simhand_mm.pool import write_poses

HOLDOUT = {"freihand": 0.01, "dexycb": 0.0, "assemblyhands": 0.05}


def main(
    dataset: Literal["freihand", "dexycb", "assemblyhands"],
    root: Path,
    /,
    dexycb_settings: Annotated[dexycb.DexYCBSettings, arg(name="dexycb")],
    assemblyhands_settings: Annotated[
        assemblyhands.AssemblyHandsSettings, arg(name="assemblyhands")
    ],
    splits: tuple[str, ...] | None = None,
    out: OptionalOut = None,
    holdout: float | None = None,
) -> None:
    """Convert each split and print a summary.

    Args:
        dataset: Name of the data set.
        root: Official root folder of the data set, the data_root of the configs.
        dexycb_settings: Options for DexYCB only.
        assemblyhands_settings: Options for AssemblyHands only.
        splits: Official splits; by default all splits of the data set.
        out: Folder of the tables; by default ROOT/poses.
        holdout: Share of the training sequences reserved for model selection. The default is 0.01
            for FreiHAND, written as 'val', because it has no such split; 0.05 for AssemblyHands,
            written as 'holdout', because its 'val' is used for testing; and 0 for DexYCB.
    """
    module, convert, setup = {
        "freihand": (freihand, freihand.convert_freihand, ""),
        "dexycb": (
            dexycb,
            partial(dexycb.convert_dexycb, settings=dexycb_settings),
            f"{dexycb_settings.setup} ",
        ),
        "assemblyhands": (
            assemblyhands,
            partial(assemblyhands.convert_assemblyhands, settings=assemblyhands_settings),
            "",
        ),
    }[dataset]
    share = HOLDOUT[dataset] if holdout is None else holdout
    failed = []
    for split in splits or module.SPLITS:
        try:
            conversion = convert(root, split)
        except (OSError, ValueError) as error:
            failed.append(split)
            print(f"{dataset} {split} is skipped: {error}", file=sys.stderr)
            continue
        print(conversion.summary(module.OFFICIAL_COUNTS.get(f"{setup}{split}", ())))
        tables = {split: conversion.records}
        if split == "train" and share:
            name = (
                "holdout" if "val" in module.SPLITS else "val"
            )  # never overwrite the official split
            tables["train"], tables[name] = hold_out(conversion.records, share)
        for name, records in tables.items():
            path = (out or root / "poses") / f"{name}.parquet"
            write_poses(path, records)
            print(f"  wrote {len(records):,} to {path}")
    if failed:
        raise RuntimeError(
            f"all splits of {dataset} must be convertible, but {len(failed)} were skipped: "
            f"{', '.join(failed)}. Correct the folders, or choose splits with --splits."
        )


if __name__ == "__main__":
    run(main, __doc__)
