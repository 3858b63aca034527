"""Pair each hand of a pool with a positive: by default the most similar hand of another video.

    python tools/mine_pairs.py POOL --ranks 1 --name top1

May be killed and started again; several machines may share the work (--shard I/N, --launcher).
"""

import argparse
import logging
import sys
from typing import Any

from simhand_mm.executors import LocalExecutor, RayExecutor
from simhand_mm.mining import SimilarSettings, format_report, mine_similar, write_simple_pairs
from simhand_mm.mining.options import parse_options, parse_ranks
from simhand_mm.mining.pairs import self_pairs, temporal_pairs
from simhand_mm.mining.search import ENGINES
from simhand_mm.mining.shards import shard_of_process
from simhand_mm.options import parse_shard
from simhand_mm.pool import HandPool


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pool", help="pool folder, made by tools/prepare_pool.py")
    parser.add_argument("--rule", choices=("similar", "temporal", "self"), default="similar")
    parser.add_argument("--name", help="of the pairs; the rule by default")
    parser.add_argument("--ranks", default="1", help="neighbour ranks to keep, e.g. 1,2,5,10,50")
    parser.add_argument("--dims", type=int, default=14, help="of the pose embedding")
    parser.add_argument("--root-relative", action="store_true", help="subtract the wrist")
    parser.add_argument("--group-by", default="video_id", help="column, or CSV video_id,group_id")
    parser.add_argument("--max-gap-s", type=float, default=1.0, help="of temporal pairs")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="exact")
    parser.add_argument("--engine-options", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--num-verified", type=int, default=100, help="queries to brute-force")
    parser.add_argument("--num-shards", type=int, help="shards of the run; by size by default")
    parser.add_argument("--shard", help="i/n: mine shard i of n only, counted from 0")
    parser.add_argument("--launcher", choices=("none", "torchrun", "slurm", "ray"), default="none")
    return parser.parse_args()


def mine(args: argparse.Namespace) -> dict[str, Any] | None:
    """Do what the command line says."""
    pool, name = HandPool(args.pool), args.name or args.rule
    if args.rule == "self":
        return write_simple_pairs(pool, name, self_pairs(pool))
    if args.rule == "temporal":
        return write_simple_pairs(pool, name, temporal_pairs(pool, args.max_gap_s))
    shard, num_shards = None, args.num_shards
    if args.shard:
        shard, num_shards = parse_shard(args.shard)
    elif args.launcher in ("torchrun", "slurm"):
        shard, num_shards = shard_of_process(args.launcher)
    settings = SimilarSettings(
        ranks=parse_ranks(args.ranks),
        num_dims=args.dims,
        root_relative=args.root_relative,
        group_by=args.group_by,
        engine=args.engine,
        engine_options=parse_options(args.engine_options),
        num_shards=num_shards,
        num_verified=args.num_verified,
    )
    on_ray = args.launcher == "ray"
    executor = RayExecutor(one_per_machine=True) if on_ray else LocalExecutor()
    return mine_similar(pool, name, settings, shard, executor)


def main() -> None:
    """Mine and print the report."""
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        report = mine(args)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        sys.exit(f"mine_pairs: {error}")
    print(format_report(report) if report else "mine_pairs: other shards are still to be mined")


if __name__ == "__main__":
    main()
