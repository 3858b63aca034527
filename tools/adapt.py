"""Adapt a hand model to your own videos without labels: pool, pseudo-labels, training, report.

    simhand adapt my_videos work_dirs/adapted

It can be interrupted and started again at any time: what is done is kept.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.experiments.adaptation import adapt
from simhand_mm.experiments.adaptation_plan import Adaptation


def main(videos: Path, output: Path, /, settings: Adaptation) -> None:
    """Adapt a model, write the report, and print where both are.

    Args:
        videos: Folder of videos or images, or one of them.
        output: Folder of all results.
        settings: How.
    """
    from simhand_mm.visualization.adaptation_report import write_adaptation_report

    model = adapt(videos, output, settings)
    print(write_adaptation_report(output, output / "report.html"))
    print(f"\nModel: {model}\nReport: {output / 'report.html'}")


if __name__ == "__main__":
    run(main, __doc__)
