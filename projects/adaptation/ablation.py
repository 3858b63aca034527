"""Which parts of the recipe for one's own videos help? A small model, trained on mixtures of data.

    python projects/adaptation/ablation.py data/adaptation

The folder has pool/ (simhand prepare), labels/ (simhand pseudo-label pool labels --held-out 0.2),
studio/ and any/ (simhand synthesize, the latter with --stills any), and, for the row with
pre-training, pretraining/backbone.pth (simhand train). What is done is kept in ablation.json, or in
one such file per --shard, for several processes at the same time.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simhand_mm.cli import find_file, run
from simhand_mm.functional.pose_metrics import keypoint_errors_mm
from simhand_mm.options import Shard
from simhand_mm.pool import HandPool, read_poses, read_predictions, write_json

SMALL = "configs/detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py"
BACKBONE = "pretraining/backbone.pth"
STRONG = "configs/detnet/detnet_resnet18_1xb256-24e_synthetic-any-128px.py"
# Row -> the sets that are trained on in equal parts: (a) pre-training, (b) 2D keypoints of the
# pool, (c) lifted labels, (d) drawn hands of any appearance with strong augmentation.
ROWS = {
    "studio stills": ("studio",),
    "(d) any stills": ("any",),
    "(d) + (b) 2D keypoints": ("any", "2d"),
    "(d) + (c) lifted labels": ("any", "lifted"),
    "(d) + (c) + (b)": ("any", "lifted", "2d"),
    "(d) + (c) + (a) pre-training": ("any", "lifted", "pretrained"),
}


def main(
    folder: Path,
    /,
    seeds: tuple[int, ...] = (0, 1),
    iterations: int = 200,
    batch_size: int = 32,
    workers: int = 0,
    shard: Shard = (0, 1),
) -> None:
    """Train and test the rows that are not done, and print the table of all rows that are.

    Args:
        folder: Folder of the data and of ablation.json.
        seeds: Seeds of the training.
        iterations: Training steps.
        batch_size: Hands per step.
        workers: Processes that load data.
        shard: Which part of the trainings, 0/n ... n-1/n.
    """
    index, count = shard
    path = folder / ("ablation.json" if count == 1 else f"ablation-{index}of{count}.json")
    done: dict[str, Any] = {}
    trainings = [(seed, row) for seed in seeds for row in ROWS]
    for seed, row in trainings[index::count]:
        key = f"{row}, seed {seed}, {iterations} x {batch_size}"
        without = "pretrained" in ROWS[row] and not (folder / BACKBONE).is_file()
        if key in finished(folder) or without:
            continue
        cfg = make_config(folder, ROWS[row], seed, iterations, batch_size)
        cfg.train_dataloader.num_workers = workers
        done[key] = {"row": row, **train_and_test(folder, cfg)}
        write_json(path, finished(folder, path.name) | done, indent=2)
        print(key, done[key], flush=True)
    print(table(finished(folder)))


def finished(folder: Path, pattern: str = "ablation*.json") -> dict[str, dict[str, Any]]:
    """Return the results of all processes, or of the files that match."""
    done = {}
    for path in sorted(folder.glob(pattern)):
        done.update(json.loads(path.read_text(encoding="utf-8")))
    return done


def train_and_test(folder: Path, cfg: Any) -> dict[str, float]:
    """Train one row with one seed; return its errors and differences in mm."""
    from mmengine.runner import Runner

    runner = Runner.from_cfg(cfg)
    runner.train()
    scores = {}
    for name, (root, split) in {
        "drawn": (folder / "any", "test"),
        "real": (folder / "labels", "held_out"),
    }.items():
        dataset = {**cfg.test_dataloader.dataset, "data_root": str(root)}
        dataset["ann_file"] = f"poses/{split}.parquet"
        loader = Runner.build_dataloader({**cfg.test_dataloader, "dataset": dataset}, seed=0)
        output = Path(cfg.work_dir) / name
        evaluator = {"type": "simhand_mm.HandPoseMetric", "output_dir": str(output),
                     "save_predictions": True}  # fmt: skip
        metrics = Runner.build_test_loop(
            runner, {"type": "TestLoop", "dataloader": loader, "evaluator": evaluator}
        ).run()
        for protocol in ("root_scale", "procrustes"):
            scores[f"{name} {protocol}"] = float(metrics[f"{protocol}/mpjpe_mm"])
    path = next(Path(cfg.work_dir).glob("real/**/predictions.parquet"))
    return {**scores, **compare_with_mediapipe(HandPool(folder / "pool"), folder, path)}


def make_config(
    folder: Path, parts: tuple[str, ...], seed: int, iterations: int, batch_size: int
) -> Any:
    """Return the config of a training: the small DetNet of the quickstart, on other data."""
    from mmengine.config import Config

    cfg = Config.fromfile(find_file(SMALL))
    weak, strong = cfg.train_pipeline, Config.fromfile(find_file(STRONG)).train_pipeline
    strong[1].input_size = (64, 64)
    strong[-2].encoder = cfg.codec
    sets = {
        name: {"type": "simhand_mm.HandPoseDataset", "data_root": str(folder / root),
               "pipeline": weak if name == "studio" else strong}
        for name, root in {"studio": "studio", "any": "any", "lifted": "labels"}.items()
    }  # fmt: skip
    sets["2d"] = {"type": "simhand_mm.PseudoLabelDataset", "data_root": str(folder),
                  "pool": "pool", "pipeline": strong}  # fmt: skip
    used = [part for part in parts if part in sets]
    rows = rows_of_sets(folder)
    count = iterations * batch_size // len(used)
    datasets = [
        {**sets[part], "indices": [rows[part][n % len(rows[part])] for n in range(count)]}
        for part in used
    ]
    cfg.train_dataloader = {
        **cfg.train_dataloader,
        "batch_size": batch_size,
        "dataset": {"type": "ConcatDataset", "datasets": datasets},
    }
    cfg.test_dataloader.dataset.data_root = str(folder / "any")
    cfg.train_cfg = {"by_epoch": True, "max_epochs": 1}
    cfg.param_scheduler[1].T_max = 1
    cfg.randomness = {"seed": seed}
    cfg.work_dir = str(folder / "runs" / f"{'-'.join(parts)}-seed{seed}")
    cfg.experiment_name = f"{'-'.join(parts)}-seed{seed}-{iterations}"
    if "pretrained" in parts:
        checkpoint = str(folder / BACKBONE)
        cfg.model.backbone.init_cfg = {"type": "Pretrained", "checkpoint": checkpoint,
                                       "prefix": "backbone."}  # fmt: skip
    return cfg


def rows_of_sets(folder: Path) -> dict[str, list[int]]:
    """Return the rows of each set that are trained on; of the pool, those that are not held out."""
    rows = {}
    for name, root in {"studio": "studio", "any": "any", "lifted": "labels"}.items():
        names = read_poses(folder / root / "poses/train.parquet")["sample_id"]
        rows[name] = list(range(len(names)))
        if name == "lifted":
            rows["2d"] = HandPool(folder / "pool").rows_of(names).tolist()
    return rows


def compare_with_mediapipe(pool: HandPool, folder: Path, path: Path) -> dict[str, float]:
    """Distance of held-out real hands from MediaPipe: world landmarks in mm, 2D in % of the box."""
    table = read_predictions(path, ["keypoints_3d", "keypoints_2d"])
    rows = pool.rows_of(list(table["sample_id"]))
    labels = read_poses(folder / "labels/poses/held_out.parquet")
    order = [labels["sample_id"].index(name) for name in table["sample_id"]]
    boxes = labels["bbox_xyxy"][order]
    predicted = torch.from_numpy(table["keypoints_3d"].astype(np.float64))
    world = torch.from_numpy(pool.keypoints_3d[rows].astype(np.float64))
    errors = keypoint_errors_mm(predicted, world, "procrustes")
    shift = np.linalg.norm(table["keypoints_2d"] - pool.keypoints_2d[rows], axis=-1).mean(1)
    return {
        "world landmarks procrustes": float(errors.mean()),
        "2D % of box": float(100 * np.mean(shift / (boxes[:, 2:] - boxes[:, :2]).max(1))),
    }


def table(done: dict[str, dict[str, Any]]) -> str:
    """Return the means over seeds, with the smallest and largest value, as Markdown."""
    names = [name for name in next(iter(done.values()), {}) if name != "row"]
    lines = [f"| trained on | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for row in ROWS:
        cells = [cell for cell in done.values() if cell["row"] == row]
        if not cells:
            continue
        texts = []
        for name in names:
            values = [cell[name] for cell in cells]
            texts.append(f"{np.mean(values):.1f} ({min(values):.1f}–{max(values):.1f})")
        lines.append(f"| {row} | {' | '.join(texts)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    run(main, __doc__)
