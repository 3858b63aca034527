"""``simhand adapt``: from unlabelled videos to an image model, as a chain of commands."""

import json
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from simhand_mm.experiments.jobs import Job, claim
from simhand_mm.lifting.settings import PoseMethod
from simhand_mm.pool.files import atomic_path, write_json

_CONFIG = "configs/detnet/detnet_resnet18_1xb64-600i_pseudo-any-128px.py"


@dataclass(frozen=True)
class Adaptation:
    """How a model is adapted to videos. An output folder keeps the settings of its first run.

    Args:
        fps: Frames per second that are taken from videos.
        fov_deg: Field of view of the cameras along the longer side of the frame, in degrees.
        frame_size: Width and height of the frames in px; without it a frame is taken to end where
            the hands of its video end.
        method: Labels of the hands, see simhand pseudo-label.
        max_error: A hand is not used if its keypoints are expected to be further off on average, in
            units of the bone from wrist to middle MCP.
        held_out: Share of each video, its end, that is not trained on but shown in the report.
        stills: Number of drawn hands that are trained on as well.
        iterations: Training steps of 64 hands.
        start: Weights to start from, a checkpoint of simhand train with the same network, or a
            model that was adapted before; by default random weights.
        seed: Seed of the drawn hands and of the training.
        workers: Processes that read videos and draw hands; that of the first run is used.
    """

    fps: float = 2.0
    fov_deg: float = 60.0
    frame_size: tuple[int, int] | None = None
    method: PoseMethod = "half_and_half"
    max_error: float = 0.35
    held_out: float = 0.2
    stills: int = 3000
    iterations: int = 600
    start: Path | None = None
    seed: int = 0
    workers: int = os.cpu_count() or 1


def adaptation_jobs(videos: Path, output: Path, settings: Adaptation) -> list[Job]:
    """Return the commands, in order; the result of each is in a folder of ``output``.

    Args:
        videos: Folder of videos or pictures, or one of them.
        output: Folder of all results.
        settings: How.
    """
    labels, drawn = output / "labels", output / "drawn"
    size = [] if settings.frame_size is None else ["--frame-size", *settings.frame_size]
    train = [
        f"randomness.seed={settings.seed}",
        f"train_cfg.max_iters={settings.iterations}",
        f"param_scheduler.0.end={max(1, min(50, settings.iterations // 10))}",
        f"param_scheduler.1.T_max={settings.iterations}",
        f"default_hooks.checkpoint.interval={min(100, settings.iterations)}",
    ]
    if settings.start:
        # Not load_from, which --resume replaces. A quarter of the rate, to keep what is learned.
        train += ["model.init_cfg.type=Pretrained", f"model.init_cfg.checkpoint={settings.start}",
                  "optim_wrapper.optimizer.lr=5e-4"]  # fmt: skip
    checkpoint = output / "training" / f"iter_{settings.iterations}.pth"
    tested = {"held_out": (labels, "held_out"), "drawn_test": (drawn, "test")}
    commands = {
        # Twice the box, so that the augmentation of the training finds pixels around the hand.
        "pool": ["prepare", videos, output / "pool", "--fps", settings.fps, "--crop-scale", 2,
                 "--crop-size", 256, "--workers", settings.workers],
        "labels": ["pseudo-label", output / "pool", labels, "--held-out", settings.held_out,
                   "--fov-deg", settings.fov_deg, "--method", settings.method,
                   "--keypoints-2d", "found",
                   "--max-error", settings.max_error, *size],
        "drawn": ["synthesize", drawn, "--videos", 0, "--stills-train", settings.stills,
                  "--stills-test", 200, "--stills", "any", "--image-size", 192,
                  "--seed", settings.seed, "--workers", settings.workers],
        "training": ["train", _CONFIG, "--work-dir", output / "training", "--resume",
                     "--cfg-options", *train],
        **{name: ["test", _CONFIG, checkpoint, "--work-dir", output / name, "--dump",
                  "--cfg-options", f"test_dataloader.dataset.data_root={root}",
                  f"test_dataloader.dataset.ann_file=poses/{split}.parquet"]
           for name, (root, split) in tested.items()},
    }  # fmt: skip
    return [
        Job(output / "steps" / name, ("simhand", *map(str, command)), output)
        for name, command in commands.items()
    ]


def adapt(videos: Path, output: Path, settings: Adaptation) -> Path:
    """Run the commands that are not done, and print a line for each.

    Args:
        videos: See :func:`adaptation_jobs`, as the others.
        output: The same.
        settings: The same.

    Returns:
        The file of the model.

    Raises:
        FileNotFoundError: If there are no videos.
        ValueError: If the folder was started with other settings.
        RuntimeError: If a command fails, another process is running it, or too few hands are found.
    """
    if not videos.exists():
        raise FileNotFoundError(f"VIDEOS must exist, but {videos} does not. Correct the path.")
    settings = _keep_settings(videos, output, settings)
    for job in adaptation_jobs(videos, output, settings):
        _run_step(job, output)
        if job.folder.name == "labels":
            _check_labels(output)
    model = output / "model.pth"
    with atomic_path(model) as temporary:
        shutil.copyfile(output / "training" / "model.pth", temporary)
    return model


def _run_step(job: Job, output: Path) -> None:
    """Run a command that is not done, and print a line."""
    print(f"{job.folder.name:<12}", end="", flush=True)
    if job.is_done:
        print("is done")
        return
    start = time.monotonic()
    with claim(job) as lock:
        if lock is None:
            raise RuntimeError(f"{output} is used by another process. Wait for it, or stop it.")
        if sys.stdout.isatty():
            print(f"(log: {job.folder / 'job.log'}) ", end="", flush=True)
        job.run(lock)
    print(f"{time.monotonic() - start:6.0f} s   {_last_line(job)}", flush=True)


def _keep_settings(videos: Path, output: Path, settings: Adaptation) -> Adaptation:
    """Write the settings of the first run, and refuse others: results would be mixed."""
    now = {**asdict(settings), "videos": str(videos.resolve())}
    now = json.loads(json.dumps(now, default=str))
    path = output / "adapt.json"
    if not path.is_file():
        write_json(path, now, indent=2)
        return settings
    before = json.loads(path.read_text(encoding="utf-8"))
    # The number of workers changes commands, but no result.
    now["workers"] = before.get("workers", settings.workers)
    changed = {key: (before.get(key), now[key]) for key in now if before.get(key) != now[key]}
    if changed:
        raise ValueError(
            f"settings must be those with which {output} was started, but these differ (before, "
            f"now): {changed}. Use another output folder."
        )
    return replace(settings, workers=now["workers"])


def _check_labels(output: Path) -> None:
    """Stop before the training if there is nothing to train on or nothing to show."""
    text = (output / "labels/pseudo_labels.json").read_text(encoding="utf-8")
    counts = {name: json.loads(text)[name] for name in ("num_hands", "num_held_out", "num_dropped")}
    if not (counts["num_hands"] and counts["num_held_out"]):
        raise RuntimeError(
            f"VIDEOS must show hands to train on and to hold out, but the labels are {counts}. "
            "Give more or longer videos, or a higher --fps, and another output folder."
        )


def _last_line(job: Job) -> str:
    """Return the end of the log: of a training its last loss, of a test its error."""
    lines = (job.folder / "job.log").read_text(encoding="utf-8").replace("\r", "\n").split("\n")
    for key in ("root_scale ", " loss: "):
        found = [line for line in lines if key in line]
        if found and key == "root_scale ":
            return f"root_scale {found[-1].split()[1]} mm"
        if found:
            return f"loss {found[-1].split(key)[1].split()[0]}"
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:90]
