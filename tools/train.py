"""Train: contrastive pre-training (mmpretrain) and 3D fine-tuning (mmpose) configs alike."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.runner import Runner


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "--work-dir", help="folder of logs and models; work_dirs/<config> otherwise"
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        help="go on from a checkpoint: the latest of the work dir, or the given file",
    )
    parser.add_argument("--amp", action="store_true", help="bfloat16 autocast, on CPUs too")
    parser.add_argument("--no-validate", action="store_true", help="leave out validation")
    parser.add_argument(
        "--auto-scale-lr",
        nargs="?",
        const="linear",
        choices=["linear", "sqrt"],
        help="fit the learning rate to the batch, by auto_scale_lr.base_batch_size",
    )
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override key=value")
    parser.add_argument(
        "--launcher",
        choices=["none", "pytorch", "slurm", "mpi"],
        default="none",
        help="job launcher",
    )
    parser.add_argument(
        "--local_rank", "--local-rank", type=int, default=0, help="set by launchers"
    )
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def configure(args: argparse.Namespace) -> Config:
    """The config with the command line merged in."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{Path(args.config).stem}"
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == "auto" else args.resume
    if args.amp:
        cfg.optim_wrapper.type = "simhand_mm.BFloat16OptimWrapper"
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.auto_scale_lr:
        from simhand_mm.engine import scale_learning_rate

        world_size = int(os.environ.get("WORLD_SIZE", os.environ.get("SLURM_NTASKS", 1)))
        scale_learning_rate(cfg, world_size if args.launcher != "none" else 1, args.auto_scale_lr)
    return cfg


def main() -> None:
    """Run the command line."""
    Runner.from_cfg(configure(parse_args())).train()


if __name__ == "__main__":
    main()
