"""Probe frozen backbones with labels of hands: nearest neighbours and a linear probe.

    simhand probe data/pool work_dirs/*/backbone.pth --label sign --group person --table labels.csv

For comparison, the same network with random weights and the 2D keypoints are evaluated too.
"""

import logging
from pathlib import Path
from typing import Annotated

from simhand_mm.cli import run
from simhand_mm.options import Html, Out, Pool
from simhand_mm.pool import HandPool, write_json
from simhand_mm.probe_options import ProbeSettings
from simhand_mm.visualization.probe_report import format_probe, write_probe_report


def main(
    pool_dir: Pool,
    backbones: tuple[Path, ...],
    /,
    settings: ProbeSettings,
    out: Annotated[Out, Html] = Path("probe.html"),
) -> None:
    """Evaluate the backbones, print a table, and write an HTML report and a JSON file.

    Args:
        pool_dir: Pool folder.
        backbones: Backbone files, e.g. backbone.pth of pre-training; without any, only the
            keypoints are evaluated.
        settings: Label to predict, and how.
        out: HTML file to write; the results are also written as .json with the same name.
    """
    from simhand_mm.pretraining.probing import probe_backbones

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    result = probe_backbones(HandPool(pool_dir), backbones, settings)
    write_json(out.with_suffix(".json"), result)
    write_probe_report(result, out)
    print(f"{format_probe(result)}\n\nReport: {out}, results: {out.with_suffix('.json')}")


if __name__ == "__main__":
    run(main, __doc__)
