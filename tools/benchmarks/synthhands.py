"""SynthHands: the paper's questions on synthetic hands that anyone can draw again.

    python tools/benchmarks/synthhands.py plan                       what there is, what is done
    python tools/benchmarks/synthhands.py run methods --seeds 0 1 2
    python tools/benchmarks/synthhands.py collect                    numbers and tables into docs/

Finished runs are not redone. A killed run goes on from its last checkpoint, and several processes
may work at the same plan.
"""

import argparse
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from synthhands_page import write_page
from synthhands_plan import (
    LABELED,
    NUM_FRAMES,
    NUM_TEST,
    NUM_TRAIN,
    POOLS,
    QUESTIONS,
    RANKS,
    Cell,
    Pretraining,
    Question,
)
from synthhands_results import collect_results

ROOT = Path(__file__).parents[2]
CONFIGS = "configs/{0}/{0}_resnet18_1xb128-coslr-6e_synthetic-64px.py"
SCRATCH_CONFIG = "configs/detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py"
WEAK_CONFIG = "configs/detnet/detnet_resnet18_1xb16-weak-30e_synthetic-64px.py"
# The last of the training stills, which no fine-tuning sees.
VALIDATION = ("ann_file=poses/train.parquet", "indices=-1000")
TUNED_CONFIG = "configs/detnet/detnet_resnet18_synthetic-pre_1xb16-30e_synthetic-64px.py"


@dataclass(frozen=True)
class Job:
    """One call of a tool.

    Attributes:
        folder: Where its results, its log (``job.log``) and its mark (``job.done``) lie.
        arguments: Command line after ``python``.
        data: ``SIMHAND_DATA`` of the call.
    """

    folder: Path
    arguments: tuple[str, ...]
    data: Path

    @property
    def is_done(self) -> bool:
        """Whether just this command ended well before."""
        mark = self.folder / "job.done"
        return mark.is_file() and mark.read_text().split("\n")[0] == " ".join(self.arguments)

    def run(self) -> None:
        """Run it and mark it as done.

        Raises:
            RuntimeError: If it fails.
        """
        begun = time.time()
        environment = os.environ | {
            "SIMHAND_DATA": str(self.data),
            "PYTHONWARNINGS": "ignore",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "GOMP_SPINCOUNT": "20000",  # several times faster where cores are shared
        }
        log = self.folder / "job.log"
        with log.open("w") as output:
            command = [sys.executable, *self.arguments]
            code = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            ).returncode
        if code:
            tail = "\n".join(log.read_text().replace("\r", "\n").split("\n")[-15:])
            raise RuntimeError(f"{' '.join(self.arguments)} failed; its log is {log}:\n{tail}")
        seconds = f"{time.time() - begun:.0f}"
        (self.folder / "job.done").write_text(f"{' '.join(self.arguments)}\n{seconds}\n")


def data_jobs(root: Path, pool: str) -> Iterator[Job]:
    """Draw the videos of a pool (and the labelled stills), find hands, mine pairs."""
    data = root / pool
    stills = (NUM_TRAIN, NUM_TEST) if pool == LABELED else (0, 0)
    videos, hands = data / "synthetic", data / "pool"
    tools = {
        "synthesize": (
            f"tools/synthesize_hands.py {videos} --videos {POOLS[pool]} --frames {NUM_FRAMES}"
            f" --stills-train {stills[0]} --stills-test {stills[1]} --seed 0 --workers 2"
        ),
        "prepare": f"tools/prepare_pool.py {videos}/videos {hands} --fps 10 --workers 2",
        "mine": f"tools/mine_pairs.py {hands} --ranks {','.join(map(str, RANKS))}",
        "mine-temporal": f"tools/mine_pairs.py {hands} --rule temporal",
        "mine-any-video": f"tools/mine_pairs.py {hands} --name any-video --group-by hand_id",
        "mine-true-pose": f"tools/benchmarks/synthhands_truth.py {hands} {videos}",
        "check": f"tools/check_pairs.py {hands} {videos} --out {data}/mining_check.json",
    }
    for name, command in tools.items():
        yield Job(data / "jobs" / name, tuple(command.split()), data)


def pretraining_job(root: Path, pretraining: Pretraining, seed: int) -> Job:
    """Pre-train a backbone."""
    data = root / pretraining.pool
    folder = data / "pretrain" / f"{pretraining.name}-seed{seed}"
    command = f"tools/train.py {CONFIGS.format(pretraining.algorithm)} --amp --resume"
    options = ("--cfg-options", f"randomness.seed={seed}", *pretraining.options)
    return Job(folder, (*command.split(), "--work-dir", str(folder), *options), data)


def cell_jobs(root: Path, cell: Cell, seed: int) -> Iterator[Job]:
    """Everything that a row of a table takes, in order."""
    pretraining, data = cell.pretraining, root / LABELED
    yield from data_jobs(root, LABELED)
    config, labeled = SCRATCH_CONFIG, "train_dataloader.dataset"
    if cell.weak:
        config, labeled = WEAK_CONFIG, f"{labeled}.datasets.0"
    options = [f"randomness.seed={seed}", f"{labeled}.subset_size={cell.num_labels}"]
    if cell.weak:
        options.append(f"train_dataloader.dataset.datasets.1.indices={cell.num_labels}")
    if pretraining.algorithm:
        yield from data_jobs(root, pretraining.pool)
        job = pretraining_job(root, pretraining, seed)
        yield job
        config = TUNED_CONFIG
        options.append(f"model.backbone.init_cfg.checkpoint={job.folder}/backbone.pth")
    if cell.epochs != Cell.epochs:
        options += [f"train_cfg.max_epochs={cell.epochs}", f"param_scheduler.1.T_max={cell.epochs}"]
    folder = result_folder(root, cell, seed)
    test_options: list[str] = []
    if cell.rate:
        options.append(f"optim_wrapper.optimizer.lr={cell.rate}")
        test_options = ["--cfg-options", *(f"test_dataloader.dataset.{v}" for v in VALIDATION)]
    train = f"tools/train.py {config} --resume --work-dir {folder} --cfg-options"
    yield Job(folder, (*train.split(), *options), data)
    last = f"{folder}/epoch_{cell.epochs}.pth"
    test = f"tools/test.py {config} {last} --work-dir {folder}/test --dump"
    yield Job(folder / "test", (*test.split(), *test_options), data)


def result_folder(root: Path, cell: Cell, seed: int) -> Path:
    """Where a cell is fine-tuned; its ``metrics.json`` lies in ``test``."""
    return root / LABELED / "detnet" / f"{cell.run_name}-seed{seed}"


@contextmanager
def claim(job: Job) -> Iterator[bool]:
    """Whether no other process is at this job; it is ours until the end."""
    job.folder.mkdir(parents=True, exist_ok=True)
    with (job.folder / "job.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def run(root: Path, questions: list[Question], seeds: list[int]) -> None:
    """Run what is missing; what another process is at is left to it and looked at again."""
    todo = [
        list(cell_jobs(root, cell, seed))
        for question in questions
        for seed in seeds
        for cell in question.cells
    ]
    while todo:
        waiting = [jobs for jobs in todo if not _advance(jobs)]
        if len(waiting) == len(todo):
            time.sleep(5)
        todo = waiting


def _advance(jobs: list[Job]) -> bool:
    """Do the jobs of a cell in order; False if one of them is another process's."""
    for job in jobs:
        if job.is_done:
            continue
        with claim(job) as is_ours:
            if not is_ours:
                return False
            if not job.is_done:
                print(time.strftime("%H:%M:%S"), " ".join(job.arguments), flush=True)
                job.run()
    return True


def main() -> None:
    """Run the command line."""
    names = [question.name for question in QUESTIONS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("plan", "run", "collect"))
    parser.add_argument("questions", nargs="*", metavar="question", help=f"of {names}; or all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of each run")
    parser.add_argument("--work-dir", type=Path, default=Path("work_dirs/synthhands"))
    args = parser.parse_args()
    if unknown := sorted(set(args.questions) - set(names)):
        parser.error(f"question must be one of {names}, but got {unknown}.")
    chosen = [q for q in QUESTIONS if q.name in (args.questions or names)]
    root = args.work_dir.resolve()
    if args.action == "run":
        run(root, chosen, args.seeds)
    elif args.action == "plan":
        for question in chosen:
            print(f"{question.name}: {question.title}")
            for cell in question.cells:
                done = [all(j.is_done for j in cell_jobs(root, cell, s)) for s in args.seeds]
                print(f"  {cell.label:<28} {sum(done)} of {len(args.seeds)} seeds done")
    else:
        write_page(collect_results(root), ROOT / "docs")


if __name__ == "__main__":
    main()
