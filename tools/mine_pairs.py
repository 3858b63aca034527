"""Pair each hand of a pool with a positive: by default the most similar hand of another video.

    simhand mine data/pool --ranks 1,2,3,10,50

An interrupted run can be started again. Several machines can share the work (--shard I/N,
--launcher).
"""

import logging
from dataclasses import replace
from typing import Literal

from simhand_mm.cli import run
from simhand_mm.executors import LocalExecutor, RayExecutor
from simhand_mm.mining import SimilarSettings, format_report, mine_similar, write_simple_pairs
from simhand_mm.mining.pairs import DEFAULT_MAX_GAP_S, self_pairs, temporal_pairs
from simhand_mm.mining.shards import shard_of_process
from simhand_mm.options import Pool, Shard
from simhand_mm.pool import HandPool


def main(
    pool_dir: Pool,
    /,
    similar: SimilarSettings,
    rule: Literal["similar", "temporal", "self"] = "similar",
    name: str | None = None,
    max_gap_s: float = DEFAULT_MAX_GAP_S,
    shard: Shard | None = None,
    launcher: Literal["none", "torchrun", "slurm", "ray"] = "none",
) -> None:
    """Mine pairs and print the report.

    Args:
        pool_dir: Pool folder.
        similar: Options of --rule similar.
        rule: Rule for positives: similar hands of other videos, the same hand in an adjacent
            frame, or the hand itself.
        name: Name of the pairs file; by default the rule.
        max_gap_s: Longest time between the two frames of a temporal pair, in seconds.
        shard: Mine only shard I of N; the last shard to finish merges the results.
        launcher: How the processes that share the work are started.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pool, name = HandPool(pool_dir), name or rule
    if rule != "similar":
        pairs = self_pairs(pool) if rule == "self" else temporal_pairs(pool, max_gap_s)
        report = write_simple_pairs(pool, name, pairs)
    else:
        if launcher in ("torchrun", "slurm") and shard is None:
            shard = shard_of_process(launcher)
        index, num_shards = shard or (None, similar.num_shards)
        executor = RayExecutor(one_per_machine=True) if launcher == "ray" else LocalExecutor()
        similar = replace(similar, num_shards=num_shards)
        report = mine_similar(pool, name, similar, index, executor)
    print(format_report(report) if report else "simhand mine: other shards are not mined yet")


if __name__ == "__main__":
    run(main, __doc__)
