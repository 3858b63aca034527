"""SynthHands, the numbers: what finished runs left in the work folder."""

import json
import re
from pathlib import Path
from typing import Any

from synthhands_plan import LABELED, QUESTIONS, Cell

# Name in docs/synthhands.json, protocol, key of metrics.json.
METRICS = (
    ("root_scale_mpjpe_mm", "root_scale", "mpjpe_mm"),
    ("root_scale_auc_20_50", "root_scale", "pck_auc_20_50"),
    ("procrustes_mpjpe_mm", "procrustes", "mpjpe_mm"),
    ("root_mpjpe_mm", "root", "mpjpe_mm"),
)


def collect_results(root: Path) -> dict[str, Any]:
    """Read all finished runs of the plan.

    Args:
        root: Work folder of ``synthhands.py``.

    Returns:
        The content of ``docs/synthhands.json``: ``runs`` (fine-tuned models by name, of each seed
        the metrics and seconds), ``pretrainings`` (by name, of each seed how well the features
        retrieve poses, and seconds) and ``mining`` (by pool, mm between a hand and its positive).
    """
    cells = [cell for question in QUESTIONS for cell in question.cells]
    runs = {
        cell.run_name: seeds
        for cell in cells
        if (seeds := _runs(root / LABELED / "detnet", cell.run_name))
    }
    pretrainings = {
        pretraining.name: seeds
        for pretraining in (cell.pretraining for cell in cells)
        if (seeds := _pretrainings(root / pretraining.pool / "pretrain", pretraining.name))
    }
    checks = {path.parent.name: path for path in sorted(root.glob("*/mining_check.json"))}
    mining = {pool: json.loads(path.read_text()) for pool, path in checks.items()}
    return {"runs": runs, "pretrainings": pretrainings, "mining": mining}


def errors_mm(results: dict[str, Any], cell: Cell) -> list[float]:
    """root_scale MPJPE of each seed of a cell, mm."""
    seeds = results["runs"].get(cell.run_name, {})
    return [run["root_scale_mpjpe_mm"] for run in seeds.values()]


def _runs(folder: Path, name: str) -> dict[str, dict[str, float]]:
    found = {}
    for seed, work_dir in _seeds(folder, name):
        if not (work_dir / "test" / "job.done").is_file():
            continue
        protocols = json.loads((work_dir / "test" / "metrics.json").read_text())["protocols"]
        found[seed] = {key: round(protocols[p][k], 4) for key, p, k in METRICS}
        found[seed]["seconds"] = _seconds(work_dir)
    return found


def _pretrainings(folder: Path, name: str) -> dict[str, dict[str, float]]:
    found = {}
    for seed, work_dir in _seeds(folder, name):
        if (work_dir / "job.done").is_file():
            log = (work_dir / "job.log").read_text()
            scores = re.findall(r"Pose retrieval of .*? score: ([-\d.]+)", log)
            found[seed] = {"retrieval_score": float(scores[-1]), "seconds": _seconds(work_dir)}
    return found


def _seeds(folder: Path, name: str) -> list[tuple[str, Path]]:
    paths = sorted(folder.glob(f"{name}-seed*"))
    return [(path.name.rpartition("seed")[2], path) for path in paths]


def _seconds(work_dir: Path) -> int:
    return int((work_dir / "job.done").read_text().split("\n")[1])
