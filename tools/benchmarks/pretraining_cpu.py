"""Core time of small pre-training on a CPU, with and without what makes it fast.

    python tools/benchmarks/pretraining_cpu.py --pool data/pool --write docs/performance.md

*Step*: the same steps of a small recipe, on the same crops, in one process, part by part and in
turn: reading the crops, making the views, and the rest (network, loss and optimiser). *Before* is
each crop decoded in each epoch, and the views made by torch's operators. *Run*: mmengine's Runner
with the recipe's hooks, its second epoch; CPU time of its workers is counted.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from parts import parts_parser, run_parts, take_turns

from simhand_mm.cli import find_file
from simhand_mm.pretraining import preprocessor
from simhand_mm.registry import DATASETS, MODELS

CONFIG = "configs/simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
BFLOAT16 = "simhand_mm.BFloat16OptimWrapper"
KERNEL = preprocessor.view_kernel
# Name -> optimiser wrapper and whether images and weights are channels-last.
PRECISIONS = {
    "bfloat16": (BFLOAT16, True),
    "float32": ("OptimWrapper", True),
    "float32, contiguous": ("OptimWrapper", False),
}
# Name -> workers, memory for crops and kernel.
RUNS = {
    "before: decoded by 1 worker in each epoch, torch's views": (1, 0.0, None),
    "1 worker": (1, np.inf, KERNEL),
    "**now**: no worker": (0, np.inf, KERNEL),
}


def read_config(args: argparse.Namespace) -> Any:
    """Read the config, with the pool of the benchmark."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    config = Config.fromfile(find_file(args.config))
    config.train_dataloader.dataset.update(data_root=str(args.pool.parent), pool=args.pool.name)
    return config


def reading(config: Any, cache_gb: float) -> Callable[[], dict[str, Any]]:
    """Return a function that reads one batch; it is read once here, as in the first epoch."""
    dataset = DATASETS.build({**config.train_dataloader.dataset, "cache_gb": cache_gb})
    rows = np.random.default_rng(0).permutation(len(dataset))[: config.train_dataloader.batch_size]
    dataset.__getitems__(rows.tolist())
    return lambda: dataset.__getitems__(rows.tolist())


def augmenting(config: Any, batch: dict[str, Any], kernel: Any) -> Callable[[], dict[str, Any]]:
    """Return a function that makes the views of a batch, with the kernel or without (None)."""
    views = MODELS.build(config.model.data_preprocessor)

    def augment() -> dict[str, Any]:
        preprocessor.view_kernel = kernel
        return views(batch, training=True)

    return augment


def training(config: Any, precision: str, data: dict[str, Any]) -> Callable[[], None]:
    """Return a function that does what a step does after the views are made."""
    wrapper_type, channels_last = PRECISIONS[precision]
    torch.manual_seed(0)
    model = MODELS.build({**config.model, "channels_last": channels_last}).train()
    wrapper = build_optim_wrapper(model, {**config.optim_wrapper, "type": wrapper_type})

    def step() -> None:
        with wrapper.optim_context(model):
            losses, _ = model.parse_losses(model(**data, mode="loss"))
        wrapper.update_params(losses)

    return step


def step(args: argparse.Namespace) -> Iterator[str]:
    """Yield a table of core-milliseconds of the parts of a step."""
    config = read_config(args)
    init_default_scope("mmpretrain")
    works: dict[str, Callable[[], Any]] = {
        "decode": reading(config, 0.0),
        "copy": reading(config, np.inf),
    }
    batch = works["copy"]()
    works["torch"], works["kernel"] = (augmenting(config, batch, k) for k in (None, KERNEL))
    data = works["kernel"]()
    works |= {name: training(config, name, data) for name in PRECISIONS}
    cost = {name: 1e3 * core for name, (_, core) in take_turns(works, args.turns).items()}
    pairs = config.train_dataloader.batch_size
    yield f"{Path(args.config).name}, {pairs} pairs, one thread, torch {torch.__version__}."
    yield ""
    yield "| core-ms of a step | before | now | ratio |"
    yield "| --- | --- | --- | --- |"
    rows = {"reading crops": ("decode", "copy"), "augmentation": ("torch", "kernel")}
    rows |= {f"network, loss and optimiser, {name}": (name, name) for name in PRECISIONS}
    for label, (before, now) in rows.items():
        ratio = cost[before] / cost[now]
        yield f"| {label} | {cost[before]:.1f} | {cost[now]:.1f} | {ratio:.2f} |"
    for name in PRECISIONS:
        before = cost["decode"] + cost["torch"] + cost[name]
        now = cost["copy"] + cost["kernel"] + cost[name]
        speeds = " | ".join(f"{2e3 * pairs / total:,.0f}" for total in (before, now))
        yield f"| **crops / core-s**, {name} | {speeds} | {before / now:.2f} |"


class Clock(Hook):
    """Times the second epoch of a run, with its hooks."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.start, self.seconds = np.zeros(2), np.zeros(2)

    def before_train_epoch(self, runner: Runner) -> None:
        """Read the clocks; the workers are there after the first epoch."""
        self.start = now()

    def after_train_epoch(self, runner: Runner) -> None:
        """Keep wall seconds and core-seconds of a step."""
        self.seconds = (now() - self.start) / len(runner.train_dataloader)


def now() -> np.ndarray:
    """Wall seconds, and core-seconds of this process and its living children."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:  # a process that has ended
            continue
        if os.getpid() in (int(path.parent.name), int(fields[1])):
            ticks += int(fields[11]) + int(fields[12])
    return np.array([time.perf_counter(), ticks / os.sysconf("SC_CLK_TCK")])


def seconds_of_run(args: argparse.Namespace, workers: int, cache_gb: float, kernel: Any) -> Any:
    """Train two epochs in bfloat16; return wall seconds and core-seconds of a step."""
    config = read_config(args)
    config.train_dataloader.update(num_workers=workers, persistent_workers=True)
    config.train_dataloader.dataset.cache_gb = cache_gb
    config.train_cfg.max_epochs, config.param_scheduler = 2, None
    config.optim_wrapper.type, config.log_level = BFLOAT16, "ERROR"
    config.default_hooks.checkpoint, config.visualizer.vis_backends = None, []
    config.custom_hooks = [h for h in config.custom_hooks if "Publish" not in h["type"]]
    preprocessor.view_kernel = kernel
    with tempfile.TemporaryDirectory() as folder:
        config.work_dir = folder
        config.experiment_name = Path(folder).name  # mmengine wants a new one for each run
        runner, clock = Runner.from_cfg(config), Clock()
        runner.register_hook(clock)
        runner.train()
    return clock.seconds


def run(args: argparse.Namespace) -> Iterator[str]:
    """Yield a table of whole runs."""
    taken = {name: seconds_of_run(args, *options) for name, options in RUNS.items()}
    first = next(iter(taken.values()))
    yield f"{Path(args.config).name}, bfloat16, one thread, torch {torch.__version__}."
    yield ""
    yield "| | core-ms per step | times | wall-ms per step |"
    yield "| --- | --- | --- | --- |"
    for name, (wall, core) in taken.items():
        yield f"| {name} | {1e3 * core:.0f} | {first[1] / core:.2f} | {1e3 * wall:.0f} |"


PARTS = {"step": step, "run": run}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--pool", type=Path, default=Path("work_dirs/quickstart/pool"))
    parser.add_argument("--turns", type=int, default=20)
    run_parts("pre-training on a CPU", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
