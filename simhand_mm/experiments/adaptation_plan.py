"""The commands of ``simhand adapt``, from its settings."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from simhand_mm.experiments.jobs import Job
from simhand_mm.lifting.settings import FOV_DEG, PoseMethod
from simhand_mm.runner_options import text_option

_CONFIG = "configs/detnet/detnet_resnet18_1xb32-2400i_pseudo-any-64px.py"
_PRETRAINING = "configs/regression/regression_resnet18_1xb128-heatmap-coslr-400i_pool-64px.py"

Start: TypeAlias = Literal["pretraining", "random"] | Path
Take: TypeAlias = Literal["auto", "videos", "images", "both"]


@dataclass(frozen=True)
class Adaptation:
    """How a model is adapted to videos. An output folder keeps the settings of its first run.

    Attributes:
        take: Which files are taken: videos, images or both. By default the videos of a folder, or
            else its images.
        fps: Frames per second that are taken from videos.
        fov_deg: Field of view of the cameras along the longer side of the frame, in degrees.
        frame_size: Width and height of the frames in px; without it a frame is taken to end where
            the hands of its video end.
        method: Labels of the hands, see simhand pseudo-label.
        max_error: A hand is not used if its keypoints are expected to be further off on average, in
            units of the bone from wrist to middle MCP.
        held_out: Share of each video, its end, that is not trained on but shown in the report.
        stills: Number of synthetic hands that are trained on as well.
        iterations: Training steps of 32 hands.
        start: Weights to start from: those of a pre-training on the 2D keypoints of the hands that
            are not held out; random weights; or a file, a checkpoint of simhand train with the same
            network or a model that was adapted before.
        pretraining_iterations: Steps of the pre-training, each of 128 hands in two views.
        seed: Seed of the synthetic hands and of the training.
        workers: Processes that read videos and draw hands; that of the first run is used.
    """

    take: Take = "auto"
    fps: float = 2.0
    fov_deg: float = FOV_DEG
    frame_size: tuple[int, int] | None = None
    method: PoseMethod = "half_and_half"
    max_error: float = 0.35
    held_out: float = 0.2
    stills: int = 3000
    iterations: int = 2400
    start: Start = "pretraining"
    pretraining_iterations: int = 400
    seed: int = 0
    workers: int = os.cpu_count() or 1


def preparation_jobs(videos: Path, output: Path, settings: Adaptation) -> list[Job]:
    """Return the commands that make what is trained on, in order; each writes its own folder.

    Args:
        videos: Folder of videos or pictures, or one of them.
        output: Folder of all results.
        settings: How.
    """
    size = [] if settings.frame_size is None else ["--frame-size", *settings.frame_size]
    commands = {
        # Twice the box, so that the augmentation of the training finds pixels around the hand.
        "pool": ["prepare", videos, output / "pool", "--take", settings.take,
                 "--fps", settings.fps, "--crop-scale", 2, "--crop-size", 256,
                 "--workers", settings.workers],
        "labels": ["pseudo-label", output / "pool", output / "labels",
                   "--held-out", settings.held_out, "--fov-deg", settings.fov_deg,
                   "--method", settings.method, "--keypoints-2d", "found",
                   "--max-error", settings.max_error, *size],
        "synthetic": ["synthesize", output / "synthetic", "--videos", 0,
                      "--stills-train", settings.stills, "--stills-test", 200, "--stills", "any",
                      "--image-size", 192, "--seed", settings.seed, "--workers", settings.workers],
    }  # fmt: skip
    return _jobs(output, commands)


def training_jobs(output: Path, settings: Adaptation, repetitions: int) -> list[Job]:
    """Return the commands that pre-train, train and test the model, in order.

    Args:
        output: Folder of all results.
        settings: How.
        repetitions: How often a hand of the videos is seen for each time that a synthetic one is.
    """
    seed = f"randomness.seed={settings.seed}"
    commands = {
        "pretraining": ["train", _PRETRAINING, "--work-dir", output / "pretraining", "--resume",
                        "--cfg-options", *_schedule(settings.pretraining_iterations), seed],
        "training": ["train", _CONFIG, "--work-dir", output / "training", "--resume",
                     "--cfg-options", *_schedule(settings.iterations), seed,
                     f"train_dataloader.dataset.datasets.0.times={repetitions}",
                     *_start_options(output, settings)],
    }  # fmt: skip
    if settings.start != "pretraining":
        del commands["pretraining"]
    checkpoint = output / "training" / f"iter_{settings.iterations}.pth"
    for name, root, split in (
        ("held_out", "labels", "held_out"),
        ("synthetic_test", "synthetic", "test"),
    ):
        commands[name] = [
            "test", _CONFIG, checkpoint, "--work-dir", output / name, "--dump", "--cfg-options",
            text_option("test_dataloader.dataset.data_root", output / root),
            f"test_dataloader.dataset.ann_file=poses/{split}.parquet",
        ]  # fmt: skip
    return _jobs(output, commands)


def _start_options(output: Path, settings: Adaptation) -> list[str]:
    """Return the options of the weights that the training starts from."""
    if settings.start == "random":
        return []
    if settings.start != "pretraining":
        # Not load_from, which --resume replaces. A quarter of the rate, to keep what is learned.
        return ["model.init_cfg.type=Pretrained", "optim_wrapper.optimizer.lr=5e-4",
                text_option("model.init_cfg.checkpoint", settings.start)]  # fmt: skip
    options = []
    for part in ("backbone", "head"):
        key = f"model.{part}.init_cfg"
        checkpoint = text_option(f"{key}.checkpoint", output / "pretraining/backbone.pth")
        options += [f"{key}.type=Pretrained", f"{key}.prefix={part}.", checkpoint]
    return options


def _schedule(iterations: int) -> list[str]:
    """Return the options of the length of a training."""
    return [
        f"train_cfg.max_iters={iterations}",
        f"param_scheduler.0.end={max(1, min(50, iterations // 10))}",
        f"param_scheduler.1.T_max={iterations}",
        f"default_hooks.checkpoint.interval={min(100, iterations)}",
    ]


def _jobs(output: Path, commands: dict[str, list]) -> list[Job]:
    return [
        Job(output / "steps" / name, ("simhand", *map(str, command)), output)
        for name, command in commands.items()
    ]
