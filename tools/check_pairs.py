"""Compare mined pairs with the true 3D poses of the synthetic videos.

simhand check-pairs data/pool data/synthetic --pairs similar
"""

from pathlib import Path
from typing import Annotated

from simhand_mm.cli import run
from simhand_mm.options import Json, Out, PairsName, Pool
from simhand_mm.pool import HandPool, load_pairs, load_pose_embeddings, write_json
from simhand_mm.synthetic import GroundTruth
from simhand_mm.synthetic.pair_quality import check_pairs


def main(
    pool_dir: Pool,
    synthetic: Path,
    /,
    name: PairsName = "similar",
    out: Annotated[Out, Json] = Path("mining_check.json"),
) -> None:
    """Measure and print the distances between positives.

    Args:
        pool_dir: Pool prepared from the synthetic videos.
        synthetic: Data set made by simhand synthesize.
        name: Name of the pairs file.
        out: JSON file to write.
    """
    pool = HandPool(pool_dir)
    pairs = load_pairs(pool_dir, name, pool)
    embeddings = load_pose_embeddings(pool)
    result = check_pairs(pool, pairs, embeddings, GroundTruth.load(synthetic))
    write_json(out, result)
    print("mean 3D distance between a hand and its positive, wrists aligned (mm):")
    for rank, distance in result["top_mm"].items():
        print(f"  Top-{rank:<21} {distance:6.1f}")
    print(f"  {'random, other video':<25} {result['random_other_video_mm']:6.1f}")
    share = result["same_video_share_without_rule"]
    print(f"without the other-video rule, {share:.1%} of the nearest hands are from the same video")


if __name__ == "__main__":
    run(main, __doc__)
