"""Test a 3D hand pose model: a table of every protocol, metrics.json and predictions."""

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.runner import Runner


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--work-dir", help="folder of the results; work_dirs/<config> by default")
    parser.add_argument(
        "--dump", action="store_true", help="write predictions.parquet beside metrics.json"
    )
    parser.add_argument(
        "--export",
        choices=["freihand", "dexycb"],
        help="also write the official form; DexYCB's wants "
        "every labelled image: simhand convert dexycb --min-inside 0",
    )
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override key=value")
    parser.add_argument(
        "--launcher",
        choices=["none", "pytorch", "slurm", "mpi"],
        default="none",
        help="job launcher",
    )
    parser.add_argument("--local-rank", type=int, default=0, help="set by the launcher")
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    cfg.launcher, cfg.load_from = args.launcher, args.checkpoint
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{Path(args.config).stem}"
    cfg.test_evaluator.update(
        output_dir=cfg.work_dir, save_predictions=args.dump, export=args.export
    )
    Runner.from_cfg(cfg).test()


if __name__ == "__main__":
    main()
