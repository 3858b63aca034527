"""Measure a file of 3D predictions, of any model, under every protocol.

simhand evaluate data/FreiHAND_pub_v2/poses/test.parquet predictions.parquet
"""

from pathlib import Path

from simhand_mm.cli import run


def main(poses: Path, predictions: Path, /) -> None:
    """Measure and print the table.

    Args:
        poses: Table of the split, <data root>/poses/<split>.parquet.
        predictions: predictions.parquet of simhand test --dump, FreiHAND's pred.json (metres) or
            DexYCB's .txt (mm); camera frame, left hands as left hands.
    """
    from simhand_mm.pose.evaluation import evaluate_file, format_table

    evaluation = evaluate_file(poses, predictions)
    num_hands = len(evaluation["root_scale"]["per_sample_mm"])
    print(f"{num_hands} hands\n{format_table(evaluation)}")


if __name__ == "__main__":
    run(main, __doc__)
