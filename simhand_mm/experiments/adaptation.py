"""``simhand adapt``: from unlabelled videos to an image model, as a chain of commands."""

import json
import re
import shutil
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from simhand_mm.experiments.adaptation_plan import Adaptation, preparation_jobs, training_jobs
from simhand_mm.experiments.jobs import Job, claim
from simhand_mm.pool.files import atomic_path, keep_settings, read_json

# Least share of hands of the videos among the training samples; few hands are repeated to reach it.
_REAL_SHARE = 0.5


def adapt(videos: Path, output: Path, settings: Adaptation) -> Path:
    """Run the commands that are not done, and print a line for each.

    Args:
        videos: Folder of videos or pictures, or one of them.
        output: Folder of all results.
        settings: How.

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
    for job in preparation_jobs(videos, output, settings):
        _run_step(job, output)
        if job.folder.name == "labels":
            _check_labels(output)
    repetitions = _choose_repetitions(output, settings)
    for job in training_jobs(output, settings, repetitions):
        _run_step(job, output)
    model = output / "model.pth"
    with atomic_path(model) as temporary:
        shutil.copyfile(output / "training" / "model.pth", temporary)
    return model


def _run_step(job: Job, output: Path) -> None:
    """Run a command that is not done, and print a line."""
    print(f"{job.folder.name:<16}", end="", flush=True)
    if job.is_done:
        print("is done")
        return
    start = time.monotonic()
    with claim(job) as lock:
        if lock is None:
            raise RuntimeError(f"{output} is used by another process. Wait for it, or stop it.")
        if sys.stdout.isatty():
            print(f"(log: {job.folder / 'job.log'}) ", end="", flush=True)
        try:
            job.run(lock)
        except RuntimeError:
            print("failed", flush=True)
            raise
    print(f"{time.monotonic() - start:6.0f} s   {_last_line(job)}", flush=True)
    _report_files_left_alone(job)


def _keep_settings(videos: Path, output: Path, settings: Adaptation) -> Adaptation:
    """Return the settings of the first run: the number of workers changes commands, but no result.

    Raises:
        ValueError: If another setting differs from that of the first run.
    """
    now = {**asdict(settings), "videos": str(videos.resolve())}
    now = json.loads(json.dumps(now, default=str))
    before = keep_settings(output / "adapt.json", now, may_differ=["workers"])
    return replace(settings, workers=before.get("workers", settings.workers))


def _report_files_left_alone(job: Job) -> None:
    """Print what simhand prepare says about files that are not taken, such as pictures."""
    for line in (job.folder / "job.log").read_text(encoding="utf-8").splitlines():
        if found := re.search("left alone[:,] .*", line):
            print(f"{'':<16}{found[0]}")


def _check_labels(output: Path) -> None:
    """Stop before the training if there is nothing to train on or nothing to show."""
    counts = _label_counts(output)
    if not (counts["num_hands"] and counts["num_held_out"]):
        raise RuntimeError(
            f"VIDEOS must show hands to train on and to hold out, but the labels are {counts}. "
            "Give more or longer videos, or a higher --fps, and another output folder."
        )


def _label_counts(output: Path) -> dict[str, Any]:
    summary = read_json(output / "labels/pseudo_labels.json")
    return {name: summary[name] for name in ("num_hands", "num_held_out", "num_dropped")}


def _choose_repetitions(output: Path, settings: Adaptation) -> int:
    """Return how often a hand of the videos is seen for each time that a synthetic one is."""
    wanted = settings.stills * _REAL_SHARE / (1 - _REAL_SHARE)
    return max(1, round(wanted / _label_counts(output)["num_hands"]))


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
