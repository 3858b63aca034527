"""Collect the results of finished jobs from the work folder of a plan."""

import re
from pathlib import Path
from typing import Any

from simhand_mm.experiments.plan import Plan, Row
from simhand_mm.experiments.runs import Probing
from simhand_mm.pool.files import read_json

# Name in the results, protocol, key of metrics.json.
_METRICS = (
    ("root_scale_mpjpe_mm", "root_scale", "mpjpe_mm"),
    ("root_scale_auc_20_50", "root_scale", "pck_auc_20_50"),
    ("procrustes_mpjpe_mm", "procrustes", "mpjpe_mm"),
    ("root_mpjpe_mm", "root", "mpjpe_mm"),
)


def collect_results(plan: Plan, work: Path) -> dict[str, Any]:
    """Read all finished runs of a plan.

    Args:
        plan: The plan.
        work: Its work folder.

    Returns:
        ``runs``: metrics, seconds and device of each evaluated model and seed; a probing also has
        what it measured for comparison, see :func:`probing_results`. ``pretrainings``:
        ``retrieval_score`` (see PoseRetrievalHook; None if it was not measured), seconds and device
        of each pre-training and seed. A seed is named ``0``, or ``0 on <GPU>`` if its first
        training that still has a log ran on a GPU: the same seed gives other random numbers there,
        so it is another sample. ``data``: ``report.json`` of all data that have one.
    """
    runs = {row.run_name: _runs(work, row) for row in plan.rows}
    names = {row.pretraining.name for row in plan.rows if row.pretraining.config}
    pretrainings = {name: _pretrainings(work / "pretrain", name) for name in names}
    reports = {data.name: work / "data" / data.name / "report.json" for data in plan.data}
    return {
        "runs": {name: seeds for name, seeds in runs.items() if seeds},
        "pretrainings": {name: seeds for name, seeds in pretrainings.items() if seeds},
        "data": {name: read_json(path) for name, path in reports.items() if path.is_file()},
    }


def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Update old results with new ones, seed by seed; other old results are kept.

    Args:
        old: As returned by ``collect_results``.
        new: As returned by ``collect_results``.
    """
    merged = {part: dict(content) for part, content in old.items()}
    for part in ("runs", "pretrainings"):
        for name, seeds in new[part].items():
            merged[part][name] = {**merged[part].get(name, {}), **seeds}
    merged["data"].update(new["data"])
    return merged


def errors_mm(results: dict[str, Any], row: Row) -> list[float]:
    """Return the ``root_scale`` MPJPE of each seed of a row, in mm."""
    seeds = results["runs"].get(row.run_name, {})
    return [run["root_scale_mpjpe_mm"] for run in seeds.values()]


def _runs(work: Path, row: Row) -> dict[str, dict[str, Any]]:
    kind = "probe" if isinstance(row.evaluation, Probing) else "finetune"
    found = {}
    for seed, folder in _seeds(work / kind, row.run_name):
        if kind == "probe" and (folder / "job.done").is_file():
            result = probing_results(folder)
        elif (folder / "test" / "job.done").is_file():
            result = _finetuning_results(folder)
        else:
            continue
        # Scratch has no pre-training, and users may remove the large folder of another one.
        first = work / "pretrain" / f"{row.pretraining.name}-seed{seed}"
        name = _seed_name(seed, first if (first / "job.log").is_file() else folder)
        found[name] = result
    return found


def _finetuning_results(folder: Path) -> dict[str, Any]:
    protocols = read_json(folder / "test" / "metrics.json")["protocols"]
    metrics = {key: round(protocols[p][k], 4) for key, p, k in _METRICS}
    return {**metrics, "seconds": _seconds(folder), "device": _device(folder)}


def probing_results(folder: Path) -> dict[str, Any]:
    """Read the results of a probing.

    Args:
        folder: Folder of ``probe.json``.

    Returns:
        ``knn`` and ``linear``, the mean accuracies of the backbone over the folds; the same of
        ``2D keypoints`` and ``random weights``; ``chance``; ``seconds``.
    """
    result = read_json(folder / "probe.json")
    rows = {
        row["name"]: {name: round(row[name]["mean"], 5) for name in ("knn", "linear")}
        for row in result["rows"]
    }
    keypoints, random = rows.pop("2D keypoints"), rows.pop("random weights")
    (backbone,) = rows.values()
    return {
        **backbone,
        "2D keypoints": keypoints,
        "random weights": random,
        "chance": round(result["chance"]["mean"], 5),
        "seconds": _seconds(folder),
    }


def _pretrainings(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    found = {}
    for seed, work_dir in _seeds(folder, name):
        if (work_dir / "job.done").is_file():
            log = (work_dir / "job.log").read_text(encoding="utf-8")
            scores = re.findall(r"Pose retrieval of .*? score: ([-\d.]+)", log)
            score = float(scores[-1]) if scores else None
            found[_seed_name(seed, work_dir)] = {
                "retrieval_score": score,
                "seconds": _seconds(work_dir),
                "device": _device(work_dir),
            }
    return found


def _seeds(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return seeds and work dirs of a run, in order of the seeds."""
    found = {path.name.removeprefix(f"{name}-seed"): path for path in folder.glob(f"{name}-seed*")}
    return sorted(found.items(), key=lambda item: int(item[0]))


def _device(work_dir: Path) -> str:
    """Return the GPU that mmengine names at the start of a log, or ``CPU``."""
    log = (work_dir / "job.log").read_text(encoding="utf-8")
    found = re.search(r"^ *GPU [\d,]+: (.+)$", log, re.MULTILINE)
    return found[1].strip() if found else "CPU"


def _seed_name(seed: str, folder: Path) -> str:
    """Name a seed by the device of the run in a folder."""
    device = _device(folder)
    return seed if device == "CPU" else f"{seed} on {device}"


def _seconds(work_dir: Path) -> int:
    return int((work_dir / "job.done").read_text(encoding="utf-8").split("\n")[1])
