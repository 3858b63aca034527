"""The metafiles of configs/ for the tools of OpenMMLab: all configs with their results."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from projects.simhand_paper.plan import PLAN
from projects.synthhands.plan import PLAN as SYNTHHANDS

ROOT = Path(__file__).parents[2]
PAPER = "SiMHand: Mining Similar Hands for Large-Scale 3D Hand Pose Pre-training"
TASK = "3D Hand Pose Estimation"
NAMES = {
    "simclr": "SimCLR",
    "peclr": "PeCLR",
    "tempclr": "TempCLR",
    "simhand": "SiMHand",
    "poseaware": "PoseAware",
    "regression": "Keypoint regression",
}
NOT_IN_PAPER = ("poseaware", "regression")
SETS = {"freihand": "FreiHAND", "dexycb": "DexYCB", "assemblyhands": "AssemblyHands"}
NOTE = (
    "# Written by python -m projects.simhand_paper.page: change the plans in projects/ instead.\n"
    "# Results marked (paper) are the paper's (root_scale, AUC 20 to 50 mm); others are ours. No\n"
    "# weights are published.\n"
)
# Configs with results on SynthHands, by run of its plan.
SYNTHETIC = {
    "detnet_resnet18_1xb16-30e_synthetic-64px": "scratch-300labels",
    "detnet_resnet18_synthetic-pre_1xb16-30e_synthetic-64px": "simhand-noweight-300labels",
}


def metafiles(synthhands: dict[str, Any]) -> dict[Path, str]:
    """Return path and text of each metafile.

    Args:
        synthhands: Content of docs/synthhands.json.
    """
    return {
        folder / "metafile.yml": _metafile(folder, synthhands)
        for folder in (ROOT / "configs" / name for name in (*NAMES, "detnet"))
    }


def _metafile(folder: Path, synthhands: dict[str, Any]) -> str:
    name = NAMES.get(folder.name, "DetNet")
    readme = str((folder / "README.md").relative_to(ROOT))
    paper = {} if folder.name in NOT_IN_PAPER else {"Paper": {"Title": PAPER}}
    collection = {"Name": name, **paper, "README": readme}
    models = [_model(path, name, synthhands) for path in sorted(folder.glob("*.py"))]
    content = {"Collections": [collection], "Models": models}
    return NOTE + yaml.safe_dump(content, sort_keys=False, width=120)


def _model(path: Path, collection: str, synthhands: dict[str, Any]) -> dict[str, Any]:
    config = str(path.relative_to(ROOT))
    model: dict[str, Any] = {"Name": path.stem, "In Collection": collection, "Config": config}
    if metadata := _metadata(path, config):
        model["Metadata"] = metadata
    if results := [*_paper_results(config), *_own_results(path.stem, synthhands)]:
        model["Results"] = results
    return model


def _metadata(path: Path, config: str) -> dict[str, Any]:
    if path.stem in SYNTHETIC:
        return _synthetic_metadata(path.stem)
    tuned = {
        row.run_name for row, tuning in PLAN.finetuned_rows if config == tuning.pretrained_config
    }
    rows = [
        f"{question.source}: {row.label}"
        for question in PLAN.questions
        for row in question.rows
        if config == row.pretraining.config or (row.pretraining.config and row.run_name in tuned)
    ]
    name = re.fullmatch(r".*_(\d+)xb(\d+)-.*?(\d+)e_(.*)", path.stem)
    metadata: dict[str, Any] = {}
    if name and path.parent.name in NAMES:
        processes, batch, epochs, data = name.groups()
        metadata = {"Epochs": int(epochs), "Batch Size": int(processes) * int(batch)}
        metadata["Training Data"] = data
    if rows:
        metadata["Rows of the SiMHand paper"] = rows
    return metadata


def _paper_results(config: str) -> list[dict[str, Any]]:
    """Return the results in the paper for a config that starts from random weights."""
    scores = {
        row.run_name: (SETS[tuning.data[0]], row.paper)
        for row, tuning in PLAN.finetuned_rows
        if row.paper and not row.pretraining.config and tuning.config == config
    }
    return [
        _result(
            data,
            {
                "MPJPE root_scale (paper)": score.mpjpe_mm,
                "PCK-AUC 20-50 (paper)": score.auc,
            },
        )
        for data, score in scores.values()
    ]


def _synthetic_metadata(name: str) -> dict[str, Any]:
    row = next(row for row in SYNTHHANDS.rows if row.run_name == SYNTHETIC[name])
    metadata = {"Training Data": "SynthHands, 300 labelled stills"}
    if row.pretraining.config:
        metadata["Pre-training"] = f"{row.pretraining.name} on SynthHands 10k"
    metadata["Command"] = "simhand reproduce synthhands methods --seeds 0 1 2 --run"
    return metadata


def _own_results(name: str, synthhands: dict[str, Any]) -> list[dict[str, Any]]:
    if name not in SYNTHETIC:
        return []
    runs = synthhands["runs"][SYNTHETIC[name]]
    mean = {
        key: float(np.mean([run[key] for run in runs.values()]))
        for key in ("root_scale_mpjpe_mm", "root_scale_auc_20_50")
    }
    where = f"(mean of {len(runs)} runs)"
    return [
        _result(
            "SynthHands",
            {
                f"MPJPE root_scale {where}": round(mean["root_scale_mpjpe_mm"], 2),
                f"PCK-AUC 20-50 {where}": round(100 * mean["root_scale_auc_20_50"], 2),
            },
        )
    ]


def _result(data: str, metrics: dict[str, float | None]) -> dict[str, Any]:
    return {"Task": TASK, "Dataset": data, "Metrics": metrics}
