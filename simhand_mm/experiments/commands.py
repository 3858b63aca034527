"""From a row of a plan to the commands that fill it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simhand_mm.experiments.jobs import Job
from simhand_mm.experiments.plan import Plan, Pretraining, Row

Launcher = Literal["none", "pytorch", "slurm"]


@dataclass(frozen=True)
class Workplace:
    """Where a plan is worked on, and how its pre-trainings are started.

    Attributes:
        data: ``SIMHAND_DATA`` of all commands.
        work: Folder of all results.
        plan: Folder of the plan's file.
        launcher: ``none``: one process. ``pytorch``: ``simhand dist-train`` where a pre-training is
            written for several GPUs. ``slurm``: ``simhand slurm-train`` there.
        partition: Of Slurm.
    """

    data: Path
    work: Path
    plan: Path
    launcher: Launcher = "pytorch"
    partition: str = "PARTITION"

    def fill(self, text: str) -> str:
        """Put the folders in place of ``{data}``, ``{work}`` and ``{plan}``."""
        for name, folder in (("data", self.data), ("work", self.work), ("plan", self.plan)):
            text = text.replace(f"{{{name}}}", str(folder))
        return text


def row_jobs(plan: Plan, row: Row, seed: int, place: Workplace) -> Iterator[Job]:
    """All jobs that a row needs, in order: data, pre-training, fine-tuning, test.

    Args:
        plan: The plan of the row.
        row: The row.
        seed: Of pre-training and fine-tuning. The data do not depend on it.
        place: Folders and launcher.

    Yields:
        Jobs. Rows that share one yield equal jobs.
    """
    yield from data_jobs(plan, row.data, place)
    backbone = None
    if row.pretraining.config:
        job = pretraining_job(row.pretraining, seed, place)
        yield job
        backbone = job.folder / "backbone.pth"
    yield from finetuning_jobs(row, seed, place, backbone)


def data_jobs(plan: Plan, names: tuple[str, ...], place: Workplace) -> Iterator[Job]:
    """The commands that make data, after those for what the data are made from."""
    by_name = {data.name: data for data in plan.data}
    for name in names:
        data = by_name[name]
        yield from data_jobs(plan, data.needs, place)
        for step in data.steps:
            arguments = tuple(place.fill(step.command).split())
            yield Job(place.work / "data" / name / step.name, arguments, place.data)


def pretraining_job(pretraining: Pretraining, seed: int, place: Workplace) -> Job:
    """Pre-train a backbone; it will be ``<folder>/backbone.pth``."""
    assert pretraining.config
    folder = place.work / "pretrain" / f"{pretraining.name}-seed{seed}"
    config = place.fill(pretraining.config)
    options = (f"randomness.seed={seed}", *map(place.fill, pretraining.options))
    count = pretraining.num_gpus
    environment: tuple[str, ...] = ()
    start = ("simhand", "train", config, "--work-dir", str(folder))
    if count > 1 and place.launcher == "pytorch":
        start = ("simhand", "dist-train", config, str(count), "--work-dir", str(folder))
    elif count > 1 and place.launcher == "slurm":
        environment = (f"GPUS={count}",)
        name = pretraining.name
        start = ("simhand", "slurm-train", place.partition, name, config, str(folder))
    elif count > 1:
        options += pretraining.one_gpu_options
    arguments = (*start, "--amp", "--resume", "--cfg-options", *options)
    return Job(folder, arguments, place.data, environment)


def finetuning_jobs(row: Row, seed: int, place: Workplace, backbone: Path | None) -> Iterator[Job]:
    """Fine-tune and test."""
    finetuning, folder = row.finetuning, result_folder(row, seed, place.work)
    config = place.fill(finetuning.pretrained_config if backbone else finetuning.config)
    options = (f"randomness.seed={seed}", *map(place.fill, finetuning.options))
    if backbone:
        options += (f"model.backbone.init_cfg.checkpoint={backbone}",)
    train = ("simhand", "train", config, "--work-dir", str(folder), "--resume", "--cfg-options")
    yield Job(folder, (*train, *options), place.data)
    checkpoint, test_dir = str(folder / finetuning.checkpoint), folder / "test"
    test = ("simhand", "test", config, checkpoint, "--work-dir", str(test_dir), "--dump")
    if finetuning.test_options:
        test += ("--cfg-options", *map(place.fill, finetuning.test_options))
    yield Job(test_dir, test, place.data)


def result_folder(row: Row, seed: int, work: Path) -> Path:
    """Where a row is fine-tuned; its ``metrics.json`` lies in ``test``."""
    return work / "finetune" / f"{row.run_name}-seed{seed}"


def shell_script(jobs: list[Job]) -> str:
    """Commands to type in a shell, each once, with ``SIMHAND_DATA`` set first."""
    lines = [f"export SIMHAND_DATA={jobs[0].data}"]
    for job in jobs:
        line = " ".join([*job.environment, *job.arguments])
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)
