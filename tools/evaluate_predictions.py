"""Evaluate a file of 3D predictions, of any model, under all protocols.

simhand evaluate data/FreiHAND_pub_v2/poses/test.parquet predictions.parquet
"""

from pathlib import Path
from typing import Annotated

from simhand_mm.cli import run
from simhand_mm.options import Json, OptionalOut


def main(
    poses: Path,
    predictions: Path,
    /,
    hands_of: Path | None = None,
    out: Annotated[OptionalOut, Json] = None,
) -> None:
    """Evaluate the predictions and print the table.

    Args:
        poses: Labels of the split, <data root>/poses/<split>.parquet.
        predictions: predictions.parquet of simhand test --dump, pred.json of FreiHAND (metres) or
            .txt of DexYCB (mm). Keypoints are in the camera frame; left hands are not mirrored.
        hands_of: predictions.parquet whose hands are evaluated, and no others, so that models are
            compared on the hands that a detector found.
        out: metrics.json to write, as simhand test writes it.
    """
    from simhand_mm.pool import write_json
    from simhand_mm.pose.evaluation import as_metrics, evaluate_file, format_table

    evaluation = evaluate_file(poses, predictions, hands_of)
    if out:
        write_json(out, as_metrics(evaluation))
    num_hands = len(evaluation["root_scale"]["per_sample_mm"])
    print(f"{num_hands} hands\n{format_table(evaluation)}")


if __name__ == "__main__":
    run(main, __doc__)
