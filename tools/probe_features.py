"""Measure what frozen backbones say about labels of hands: nearest neighbours and a linear probe.

    simhand probe data/pool work_dirs/*/backbone.pth --label sign --group person --table labels.csv

Random weights of the same network and the 2D keypoints are measured next to them.
"""

import logging
from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.options import Out, Pool
from simhand_mm.pool import HandPool, write_json
from simhand_mm.pretraining.probing import ProbeSettings, probe_backbones
from simhand_mm.visualization.probe_report import format_probe, write_probe_report


def main(
    pool_dir: Pool,
    backbones: tuple[Path, ...],
    /,
    settings: ProbeSettings,
    out: Out = Path("probe.html"),
) -> None:
    """Measure, print the table, and write the page and the numbers.

    Args:
        pool_dir: Pool folder.
        backbones: Backbone files, e.g. backbone.pth of pre-training; without one the keypoints
            alone are measured.
        settings: What is probed for, and how.
        out: HTML file to write; the numbers are written next to it, as .json.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    result = probe_backbones(HandPool(pool_dir), backbones, settings)
    write_json(out.with_suffix(".json"), result)
    write_probe_report(result, out)
    print(f"{format_probe(result)}\n\nPage: {out}, numbers: {out.with_suffix('.json')}")


if __name__ == "__main__":
    run(main, __doc__)
