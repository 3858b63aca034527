"""Which parts of ``simhand adapt`` help? Trainings that differ from each other in one part.

    python projects/adaptation/ablation.py work_dirs/adapted

The folder is one of ``simhand adapt``, whose pool, labels and synthetic hands are used. Results are
in its folder ``ablation``; several processes can share the work.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from simhand_mm.cli import run
from simhand_mm.experiments.jobs import Job, run_chains
from simhand_mm.experiments.tables import markdown_table
from simhand_mm.functional.pose_metrics import keypoint_errors_mm
from simhand_mm.pool import HandPool, read_json, read_poses, read_predictions
from simhand_mm.pose.evaluation import evaluate_file
from simhand_mm.runner_options import text_option

CONFIG = "configs/detnet/detnet_resnet18_1xb32-2400i_pseudo-any-64px.py"
SETS = "train_dataloader.dataset.datasets"
BATCH = 128  # hands per step of the pre-training
PRETRAININGS = {
    "pose-aware": "configs/poseaware/poseaware_resnet18_1xb128-coslr-6e_synthetic-64px.py",
    "heatmap": "configs/regression/regression_resnet18_1xb128-heatmap-coslr-6e_synthetic-64px.py",
}
# Rotation, scale and shift of the crop; probabilities of other colours and of camera effects.
AUGMENTATIONS = {"weak": (20, 0.1, 0.06, 0.3, 0.1), "as synthetic": (45, 0.2, 0.12, 0.7, 0.4),
                 "strong": (90, 0.3, 0.12, 1.0, 0.7)}  # fmt: skip
WIDE = ("model.backbone.stem_channels=32", "model.backbone.base_channels=32")
WIDE_HEAD = ("model.head.in_channels=256", "model.head.deconv_channels=(128,128,128)",
             "model.head.head_channels=128")  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """A training.

    Attributes:
        real: Share of hands of the videos among those that are trained on; the rest is synthetic.
        pretraining: On all hands of the pool; None for random weights.
        pretraining_steps: Steps of 128 hands.
        steps: Steps of 32 hands.
        augmentation: Of the hands of the videos.
        size: Side of the crops in px.
        is_wide: Whether the network has twice the channels.
    """

    real: float = 0.5
    pretraining: str | None = "pose-aware"
    pretraining_steps: int = 400
    steps: int = 1200
    augmentation: str = "as synthetic"
    size: int = 64
    is_wide: bool = False


HALF = Variant()
VARIANTS = {
    "a quarter of the hands is real": replace(HALF, real=0.25),
    "half": HALF,
    "three quarters": replace(HALF, real=0.75),
    "all": replace(HALF, real=1.0),
    "half, no pre-training": replace(HALF, pretraining=None),
    "half, pre-training of 1,200 steps": replace(HALF, pretraining_steps=1200),
    "half, pre-training with heatmaps": replace(HALF, pretraining="heatmap"),
    "half, 3,000 steps": replace(HALF, steps=3000),
    "half, weaker augmentation": replace(HALF, augmentation="weak"),
    "half, stronger augmentation": replace(HALF, augmentation="strong"),
    "half, twice the channels": replace(HALF, is_wide=True),
    "half, crops of 128 px": replace(HALF, size=128),
}


def main(
    folder: Path, /, variants: tuple[str, ...] = tuple(VARIANTS), seeds: tuple[int, ...] = (0,)
) -> None:
    """Train and test the variants that are not done, and print a table with the runs of each.

    Args:
        folder: Folder of simhand adapt.
        variants: Their names in VARIANTS.
        seeds: Seeds of the trainings.
    """
    chains = {
        name: [jobs(folder, VARIANTS[name], name, seed) for seed in seeds] for name in variants
    }
    errors = run_chains([chain for runs in chains.values() for chain in runs])
    done = {
        name: [chain[-1].folder.parent for chain in runs if chain[-1].is_done]
        for name, runs in chains.items()
    }
    print(table(folder, {"simhand adapt": [folder], **done}))
    if errors:
        raise SystemExit("\n".join(errors.values()))


def jobs(folder: Path, variant: Variant, name: str, seed: int) -> list[Job]:
    """Return the commands of a variant, in order."""
    work = folder / "ablation" / f"{name.replace(',', '').replace(' ', '-')}-seed{seed}"
    commands: dict[Path, list] = {}
    options = [*model_options(variant), f"randomness.seed={seed}"]
    train = [*options, *data_options(folder, variant)]
    if variant.pretraining:
        if variant.pretraining == "pose-aware":
            commands[folder / "ablation/pairs"] = ["mine", folder / "pool"]
        # Variants share their pre-training.
        kind = f"{variant.pretraining}-{variant.pretraining_steps}{'-wide' * variant.is_wide}"
        pretraining = folder / "ablation/pretraining" / f"{kind}-seed{seed}"
        commands[pretraining] = [
            "train", PRETRAININGS[variant.pretraining], "--work-dir", pretraining,
            "--cfg-options", f"randomness.seed={seed}", *pretraining_options(folder, variant),
        ]  # fmt: skip
        for part in ("backbone", "head")[: 2 if variant.pretraining == "heatmap" else 1]:
            key = f"model.{part}.init_cfg"
            checkpoint = text_option(f"{key}.checkpoint", pretraining / "backbone.pth")
            train += [f"{key}.type=Pretrained", f"{key}.prefix={part}.", checkpoint]
    commands[work / "training"] = [
        "train", CONFIG, "--work-dir", work / "training", "--cfg-options", *train,
    ]  # fmt: skip
    for part, root, split in (
        ("held_out", "labels", "held_out"),
        ("synthetic_test", "synthetic", "test"),
    ):
        commands[work / part] = [
            "test", CONFIG, work / f"training/iter_{variant.steps}.pth", "--work-dir", work / part,
            "--dump", "--cfg-options", *options,
            text_option("test_dataloader.dataset.data_root", folder / root),
            f"test_dataloader.dataset.ann_file=poses/{split}.parquet",
        ]  # fmt: skip
    return [Job(p, ("simhand", *map(str, words)), folder) for p, words in commands.items()]


def pretraining_options(folder: Path, variant: Variant) -> list[str]:
    """Return the length of the pre-training in epochs of the pool, and its network."""
    epochs = round(variant.pretraining_steps / (len(HandPool(folder / "pool")) // BATCH))
    wide = (*WIDE, "model.neck.in_channels=256") if variant.is_wide else ()
    return [f"train_cfg.max_epochs={epochs}", f"param_scheduler.1.T_max={epochs - 1}",
            f"default_hooks.checkpoint.interval={epochs}", *wide]  # fmt: skip


def model_options(variant: Variant) -> list[str]:
    """Return the size of the crops and the network, which tests need as well."""
    side = variant.size
    return [
        f"model.head.decoder.input_size=({side},{side})",
        f"model.head.decoder.heatmap_size=({side // 4},{side // 4})",
        f"test_dataloader.dataset.pipeline.1.input_size=({side},{side})",
        *((*WIDE, *WIDE_HEAD) if variant.is_wide else ()),
    ]


def data_options(folder: Path, variant: Variant) -> list[str]:
    """Return the number of steps, the share of real hands, their augmentation and their size."""
    stills = read_json(folder / "adapt.json")["stills"]
    wanted = stills * variant.real / (1 - variant.real) if variant.real < 1 else 0
    num_hands = read_json(folder / "labels/pseudo_labels.json")["num_hands"]
    side, real = variant.size, f"{SETS}.0.dataset.pipeline"
    rotation, scale, shift, colours, effects = AUGMENTATIONS[variant.augmentation]
    options = [
        f"train_cfg.max_iters={variant.steps}", f"param_scheduler.1.T_max={variant.steps}",
        f"default_hooks.checkpoint.interval={variant.steps}",
        f"{SETS}.0.times={max(1, round(wanted / num_hands))}",
        f"{SETS}.1.times={int(variant.real < 1)}",
        f"{real}.1.max_rotation_deg={rotation}", f"{real}.1.scale_std={scale}",
        f"{real}.1.max_shift={shift}", f"{real}.2.prob={colours}", f"{real}.3.prob={effects}",
    ]  # fmt: skip
    if variant.augmentation == "strong":
        options += [f"{real}.2.{name}" for name in ("hue=0.15", "brightness=0.5", "contrast=0.5")]
    for pipeline in (real, f"{SETS}.1.dataset.pipeline"):
        options += [f"{pipeline}.1.input_size=({side},{side})",
                    f"{pipeline}.4.encoder.input_size=({side},{side})",
                    f"{pipeline}.4.encoder.heatmap_size=({side // 4},{side // 4})"]  # fmt: skip
    return options


def scores(folder: Path, work: Path) -> dict[str, float]:
    """Return distances from labels and MediaPipe, and errors on synthetic hands, in mm.

    The distance from the labels is also given for videos of which other hands are trained on, and
    for those of which none is.
    """
    predictions = next(work.glob("held_out/**/predictions.parquet"))
    synthetic = next(work.glob("synthetic_test/**/predictions.parquet"))
    real = evaluate_file(folder / "labels/poses/held_out.parquet", predictions)
    is_same = are_of_videos_trained_on(folder)
    distances = np.asarray(real["root_scale"]["per_sample_mm"])
    values = {"same videos": distances[is_same].mean(), "other videos": distances[~is_same].mean()}
    for name, results in {
        "labels": real,
        "synthetic": evaluate_file(folder / "synthetic/poses/test.parquet", synthetic),
    }.items():
        values |= {f"{name}, {p}": results[p]["mpjpe_mm"] for p in ("root_scale", "procrustes")}
    found = read_predictions(predictions, ["keypoints_3d"])
    pool = HandPool(folder / "pool")
    world = pool.keypoints_3d[pool.rows_of(list(found["sample_id"]))]
    first, second = (torch.from_numpy(p.astype(np.float64)) for p in (found["keypoints_3d"], world))
    distance = keypoint_errors_mm(first, second, "procrustes").mean()
    return values | {"MediaPipe, procrustes": float(distance)}


def are_of_videos_trained_on(folder: Path) -> np.ndarray:
    """``[N]`` bool, of the held-out hands."""
    videos = [
        [name.rsplit("/", 2)[0] for name in read_poses(path)["sample_id"]]
        for path in (folder / f"labels/poses/{split}.parquet" for split in ("train", "held_out"))
    ]
    return np.isin(videos[1], videos[0])


def table(folder: Path, done: dict[str, list[Path]]) -> str:
    """Return the scores of folders with results, as Markdown. Runs are separated by slashes."""
    rows = {name: [scores(folder, work) for work in runs] for name, runs in done.items() if runs}
    names = list(next(iter(rows.values()))[0])
    cells = [
        (variant, *(" / ".join(f"{values[name]:.1f}" for values in runs) for name in names))
        for variant, runs in rows.items()
    ]
    return markdown_table(("variant", *names), cells)


if __name__ == "__main__":
    run(main, __doc__)
