"""Train a config: contrastive pre-training (mmpretrain) or 3D fine-tuning (mmpose).

simhand train configs/simhand/simhand_resnet50_1xb8192-mb1024-coslr-100e_ego4d-1m.py --amp
"""

import argparse
import os

from simhand_mm.cli import program_name
from simhand_mm.failures import messages_instead_of_tracebacks
from simhand_mm.runner_options import read_config, runner_parser


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = runner_parser(program_name(), __doc__)
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CHECKPOINT",
        help="continue from the latest checkpoint of the work directory, or from the given one",
    )
    parser.add_argument("--amp", action="store_true", help="use bfloat16 autocast, also on CPUs")
    parser.add_argument("--no-validate", action="store_true", help="train without validation")
    parser.add_argument(
        "--auto-scale-lr",
        nargs="?",
        const="linear",
        choices=["linear", "sqrt"],
        help="scale the learning rate by the batch size over auto_scale_lr.base_batch_size",
    )
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_args()
    cfg = read_config(args)
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
    from mmengine.runner import Runner  # here, so that --help does not load torch

    Runner.from_cfg(cfg).train()


if __name__ == "__main__":
    with messages_instead_of_tracebacks(program_name()):
        main()
