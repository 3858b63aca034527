"""Write estimated 3D poses of the hands of a pool as a labelled set for fine-tuning.

    simhand pseudo-label data/pool data/pseudo --frame-size 1920 1080

The camera and the size of the hands are assumed; pseudo_labels.json in the folder says how.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.lifting.settings import PseudoLabels


def main(pool: Path, output: Path, /, labels: PseudoLabels, split: str = "train") -> None:
    """Lift the hands, keep those with a small expected error, and print how many those are.

    Args:
        pool: The pool.
        output: Folder of the labelled set.
        labels: Assumptions and limits.
        split: Name of the table in poses/.
    """
    from simhand_mm.lifting.pseudo_labels import write_pseudo_labels
    from simhand_mm.pool import HandPool

    source = HandPool(pool)
    summary = write_pseudo_labels(source, output, labels, split)
    dropped = ", ".join(f"{count} {reason}" for reason, count in summary["num_dropped"].items())
    kept = f"{summary['num_hands']} of {len(source)} hands"
    if labels.held_out:
        kept += f", and {summary['num_held_out']} held out"
    print(
        f"{output}: {kept}; dropped: {dropped or 'none'}. "
        "Poses, sizes and cameras are estimates (pseudo_labels.json)"
    )


if __name__ == "__main__":
    run(main, __doc__)
