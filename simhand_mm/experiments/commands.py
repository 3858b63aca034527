"""The commands that produce the result of a row of a plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simhand_mm.experiments.jobs import Job
from simhand_mm.experiments.plan import Plan, Row
from simhand_mm.experiments.runs import Finetuning, Pretraining, Probing
from simhand_mm.runner_options import text_option

Launcher = Literal["none", "pytorch", "slurm"]


@dataclass(frozen=True)
class Workspace:
    """Where the commands of a plan run: its folders, and the launcher of its pre-trainings.

    Attributes:
        data: ``SIMHAND_DATA`` of all commands.
        work: Folder of all results.
        plan: Folder of the plan's file.
        launcher: Launcher of pre-trainings for several GPUs: ``pytorch`` uses
            ``simhand dist-train``, ``slurm`` uses ``simhand slurm-train``, ``none`` one process.
        partition: Slurm partition.
    """

    data: Path
    work: Path
    plan: Path
    launcher: Launcher = "pytorch"
    partition: str = "PARTITION"

    def fill(self, text: str) -> str:
        """Replace ``{data}``, ``{work}`` and ``{plan}`` by the folders."""
        for name, folder in (("data", self.data), ("work", self.work), ("plan", self.plan)):
            text = text.replace(f"{{{name}}}", str(folder))
        return text

    def fill_option(self, option: str) -> str:
        """Replace the folders in ``key=value``; such a value is a text."""
        key, _, value = option.partition("=")
        filled = self.fill(value)
        return option if filled == value else text_option(key, filled)


def row_jobs(plan: Plan, row: Row, seed: int, workspace: Workspace) -> Iterator[Job]:
    """Yield all jobs of a row in order: data, pre-training, and fine-tuning and test or probing.

    Args:
        plan: The plan of the row.
        row: The row.
        seed: Seed of pre-training and evaluation. Data do not depend on it.
        workspace: Folders and launcher.

    Yields:
        Jobs. Rows that share a job yield equal ones.
    """
    yield from data_jobs(plan, row.data, workspace)
    backbone = None
    if row.pretraining.config:
        job = pretraining_job(row.pretraining, seed, workspace)
        yield job
        backbone = job.folder / "backbone.pth"
    folder = result_folder(row, seed, workspace.work)
    if isinstance(row.evaluation, Probing):
        yield probing_job(row.evaluation, folder, seed, workspace, backbone)
    else:
        yield from finetuning_jobs(row.evaluation, folder, seed, workspace, backbone)


def data_jobs(plan: Plan, names: tuple[str, ...], workspace: Workspace) -> Iterator[Job]:
    """Yield the commands that prepare data, after those for the data that they need."""
    by_name = {data.name: data for data in plan.data}
    for name in names:
        data = by_name[name]
        yield from data_jobs(plan, data.needs, workspace)
        for step in data.steps:
            arguments = tuple(workspace.fill(word) for word in step.command.split())
            yield Job(workspace.work / "data" / name / step.name, arguments, workspace.data)


def pretraining_job(pretraining: Pretraining, seed: int, workspace: Workspace) -> Job:
    """Build the job that pre-trains a backbone, ``<folder>/backbone.pth``."""
    assert pretraining.config
    folder = workspace.work / "pretrain" / f"{pretraining.name}-seed{seed}"
    config = workspace.fill(pretraining.config)
    options = (f"randomness.seed={seed}", *map(workspace.fill_option, pretraining.options))
    count = pretraining.num_gpus
    environment: tuple[str, ...] = ()
    start = ("simhand", "train", config, "--work-dir", str(folder))
    if count > 1 and workspace.launcher == "pytorch":
        start = ("simhand", "dist-train", config, str(count), "--work-dir", str(folder))
    elif count > 1 and workspace.launcher == "slurm":
        environment = (f"GPUS={count}",)
        name = pretraining.name
        start = ("simhand", "slurm-train", workspace.partition, name, config, str(folder))
    elif count > 1:
        options += pretraining.one_gpu_options
    arguments = (*start, "--amp", "--resume", "--cfg-options", *options)
    return Job(folder, arguments, workspace.data, environment)


def probing_job(
    probing: Probing, folder: Path, seed: int, workspace: Workspace, backbone: Path | None
) -> Job:
    """Build the job that probes a backbone; its results are ``<folder>/probe.json``."""
    arguments = ("simhand", "probe", workspace.fill(probing.pool), str(backbone))
    columns = ("--label", probing.label, "--group", probing.group, "--seed", str(seed))
    return Job(folder, (*arguments, *columns, "-o", str(folder / "probe.html")), workspace.data)


def finetuning_jobs(
    finetuning: Finetuning, folder: Path, seed: int, workspace: Workspace, backbone: Path | None
) -> Iterator[Job]:
    """Yield the jobs that fine-tune and test a model."""
    config = workspace.fill(finetuning.pretrained_config if backbone else finetuning.config)
    options = (f"randomness.seed={seed}", *map(workspace.fill_option, finetuning.options))
    if backbone:
        options += ("model.backbone.init_cfg.checkpoint={backbone}",)
        options = tuple(_with_backbone(option, backbone) for option in options)
    train = ("simhand", "train", config, "--work-dir", str(folder), "--resume", "--cfg-options")
    yield Job(folder, (*train, *options), workspace.data)
    checkpoint, test_dir = str(folder / finetuning.checkpoint), folder / "test"
    test = ("simhand", "test", config, checkpoint, "--work-dir", str(test_dir), "--dump")
    if finetuning.test_options:
        test += ("--cfg-options", *map(workspace.fill_option, finetuning.test_options))
    yield Job(test_dir, test, workspace.data)


def _with_backbone(option: str, backbone: Path) -> str:
    key, _, value = option.partition("=")
    return text_option(key, backbone) if value == "{backbone}" else option


def result_folder(row: Row, seed: int, work: Path) -> Path:
    """Return the folder of a row's evaluation.

    The results of a fine-tuned model are in ``test/metrics.json``, those of a probing in
    ``probe.json``.
    """
    kind = "probe" if isinstance(row.evaluation, Probing) else "finetune"
    return work / kind / f"{row.run_name}-seed{seed}"


def shell_script(jobs: list[Job]) -> str:
    """Format jobs as a shell script that sets ``SIMHAND_DATA`` and has each command once."""
    lines = [f"export SIMHAND_DATA={jobs[0].data}"]
    for job in jobs:
        line = " ".join([*job.environment, *job.arguments])
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)
