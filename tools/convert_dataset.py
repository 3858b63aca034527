"""Turn a labelled data set in its official folders into poses/<split>.parquet."""

import argparse
import sys
from pathlib import Path

from simhand_mm.converters import assemblyhands, dexycb, freihand
from simhand_mm.converters.records import hold_out
from simhand_mm.pool import write_poses

CONVERTERS = {
    "freihand": (freihand, freihand.convert_freihand),
    "dexycb": (dexycb, dexycb.convert_dexycb),
    "assemblyhands": (assemblyhands, assemblyhands.convert_assemblyhands),
}
HOLDOUT = {"freihand": 0.01, "dexycb": 0.0, "assemblyhands": 0.05}


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", choices=CONVERTERS, help="which data set")
    parser.add_argument("root", help="its official root folder, the data_root of the configs")
    parser.add_argument("--splits", nargs="+", help="all that the data set has by default")
    parser.add_argument("--out", help="folder of the tables; <root>/poses by default")
    parser.add_argument(
        "--holdout",
        type=float,
        help="share of the training sequences set aside to choose models on; by default 0.01 "
        "for FreiHAND, as 'val', which it lacks; 0.05 for AssemblyHands, as 'holdout', because its "
        "'val' is what one tests on; 0 for DexYCB",
    )
    parser.add_argument("--setup", choices=dexycb.SETUPS, default="s1", help="DexYCB only")
    parser.add_argument(
        "--min-inside",
        type=int,
        default=10,
        help="DexYCB only: keypoints that must lie inside the image; 0 keeps all frames, which "
        "the official evaluation asks for",
    )
    parser.add_argument(
        "--allow-missing-subjects",
        action="store_true",
        help="DexYCB only: convert the subjects that are there, under unofficial numbers",
    )
    parser.add_argument(
        "--use-invalid-joints",
        action="store_true",
        help="AssemblyHands only: also use joints that are flagged invalid, as its toolkit does",
    )
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_args()
    module, convert = CONVERTERS[args.dataset]
    out = Path(args.out or Path(args.root) / "poses")
    options = {}
    if args.dataset == "dexycb":
        options = {
            "setup": args.setup,
            "min_inside": args.min_inside,
            "allow_missing_subjects": args.allow_missing_subjects,
        }
    elif args.dataset == "assemblyhands":
        options = {"use_invalid_joints": args.use_invalid_joints}
    holdout = HOLDOUT[args.dataset] if args.holdout is None else args.holdout
    failed = []
    for split in args.splits or module.SPLITS:
        try:
            conversion = convert(args.root, split, **options)
        except (OSError, ValueError) as error:
            failed.append(split)
            print(f"{args.dataset} {split} is left out: {error}", file=sys.stderr)
            continue
        key = f"{args.setup} {split}" if args.dataset == "dexycb" else split
        print(conversion.summary(module.OFFICIAL_COUNTS.get(key, ())))
        tables = {split: conversion.records}
        if split == "train" and holdout:
            name = "holdout" if "val" in module.SPLITS else "val"  # never over the official one
            tables["train"], tables[name] = hold_out(conversion.records, holdout)
        for name, records in tables.items():
            write_poses(out / f"{name}.parquet", records)
            print(f"  wrote {len(records):,} to {out / name}.parquet")
    if failed:
        sys.exit(f"{len(failed)} splits of {args.dataset} were left out: {', '.join(failed)}")


if __name__ == "__main__":
    main()
