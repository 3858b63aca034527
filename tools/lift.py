"""Lift 2D keypoints of hands to 3D poses, with the expected error of each keypoint.

    simhand lift data/pool lifted.parquet
    simhand lift keypoints.csv lifted.parquet

Lengths are in units of the hand: the bone from the wrist to the middle MCP measures 1.
"""

import time
from pathlib import Path

import numpy as np

from simhand_mm.cli import run
from simhand_mm.lifting.settings import PoseMethod
from simhand_mm.options import Table


def main(
    keypoints: Path,
    output: Table,
    /,
    weights: Path | None = None,
    method: PoseMethod = "lifted",
) -> None:
    """Lift, write the poses, and print a summary.

    Args:
        keypoints: A pool, or a file with keypoints: .parquet, .json or .csv.
        output: The table to write (.parquet).
        weights: File of simhand train-lifter; by default the one in the package.
        method: lifted uses the 2D keypoints alone. The others also use other_3d, which a pool has
            from MediaPipe: as a second input of the network, in the mean of both poses, or alone.
    """
    from simhand_mm.lifting.lifter import SHIPPED_WEIGHTS, Lifter
    from simhand_mm.lifting.methods import estimate_poses
    from simhand_mm.lifting.tables import read_keypoints, write_lifted
    from simhand_mm.pool.files import check_not_an_input

    check_not_an_input(output, keypoints)
    lifter = Lifter.load(weights or SHIPPED_WEIGHTS)
    table = read_keypoints(keypoints)
    start = time.perf_counter()
    given = (table.keypoints_2d, table.handedness, table.camera_matrix, table.other_3d)
    lifted = estimate_poses(lifter, method, *given)
    seconds = time.perf_counter() - start
    write_lifted(output, table, lifted)
    count = len(table.hand_id)
    is_lifted = np.isfinite(lifted.keypoints_3d).all((1, 2))
    print(
        f"{output}: {is_lifted.sum()} of {count} hands lifted in {seconds:.2f} s; "
        f"{count - is_lifted.sum()} have too few keypoints, "
        f"{(is_lifted & ~lifted.is_plausible).sum()} are not plausible as hands"
    )
    if is_lifted.any():
        errors = lifted.expected_error[is_lifted].mean(1)
        print(f"expected error: median {np.median(errors):.3f} of the wrist to middle-MCP bone")


if __name__ == "__main__":
    run(main, __doc__)
