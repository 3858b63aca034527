"""Compare the predictions of several models: table, error histograms, images.

simhand compare POSES scratch=A/predictions.parquet simhand=B/predictions.parquet
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

from tyro.constructors import PrimitiveConstructorSpec

from simhand_mm.cli import run
from simhand_mm.options import Html, Out


def parse_labelled_files(words: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Parse ``["scratch=a/predictions.parquet"]`` into labels and files."""
    parts = [word.partition("=") for word in words]
    for label, separator, path in parts:
        if not (label and separator and path):
            raise ValueError(f"must be LABEL=FILE, but got {label!r}.")
    labels = [label for label, _, _ in parts]
    if not labels or len(set(labels)) < len(labels):
        raise ValueError(f"labels must differ, but got {', '.join(labels) or 'none'}.")
    return tuple((label, Path(path)) for label, _, path in parts)


LabelledFiles: TypeAlias = Annotated[
    tuple[tuple[str, Path], ...],
    PrimitiveConstructorSpec(
        nargs="*",
        metavar="LABEL=FILE",
        instance_from_str=parse_labelled_files,
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda files: [f"{label}={path}" for label, path in files],
    ),
]


def main(
    poses: Path,
    predictions: LabelledFiles,
    /,
    data_root: Path | None = None,
    worst: int = 4,
    hands_of: Path | None = None,
    out: Annotated[Out, Html] = Path("work_dirs/comparison.html"),
) -> None:
    """Write the report and print the table of results.

    Args:
        poses: Labels of the split, <data root>/poses/<split>.parquet.
        predictions: LABEL=FILE per model: a name, and the predictions.parquet written by
            simhand test --dump. The last model is compared with the first.
        data_root: Folder of the images; by default two levels above POSES.
        worst: Number of samples in each section of worst cases.
        hands_of: predictions.parquet whose hands are evaluated, and no others.
        out: HTML file to write.
    """
    from simhand_mm.pose.evaluation import as_metrics, evaluate_file
    from simhand_mm.visualization.comparison_report import write_comparison_report
    from simhand_mm.visualization.results import MethodResult

    results = [
        MethodResult(label, as_metrics(evaluate_file(poses, path, hands_of)), path)
        for label, path in predictions
    ]
    print(
        write_comparison_report(
            data_root or poses.absolute().parents[1], poses, results, out, worst
        )
    )
    print(f"\nReport: {out}")


if __name__ == "__main__":
    run(main, __doc__)
