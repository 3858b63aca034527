"""Test a 3D hand pose model: table of all protocols, metrics.json and predictions.

simhand test CONFIG CHECKPOINT --dump
"""

import argparse

from simhand_mm.cli import program_name
from simhand_mm.failures import messages_instead_of_tracebacks
from simhand_mm.runner_options import read_config, runner_parser


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = runner_parser(program_name(), __doc__)
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--dump", action="store_true", help="also write predictions.parquet")
    parser.add_argument(
        "--export",
        choices=["freihand", "dexycb"],
        help="also write the predictions in the official format; DexYCB needs all labelled images: "
        "simhand convert dexycb --min-inside 0",
    )
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_args()
    cfg = read_config(args)
    cfg.load_from = args.checkpoint
    cfg.test_evaluator.update(
        output_dir=cfg.work_dir, save_predictions=args.dump, export=args.export
    )
    from mmengine.runner import Runner  # here, so that --help does not load torch

    Runner.from_cfg(cfg).test()


if __name__ == "__main__":
    with messages_instead_of_tracebacks(program_name()):
        main()
