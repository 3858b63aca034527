"""Images per second of pre-training on a GPU: from the data loader, and from the GPU's memory.

    python tools/benchmarks/pretraining_step.py --write docs/performance.md

*Step*: mmengine's Runner with the paper's recipe, its loader and its hooks reads a generated pool
whose JPEGs are as large as those of photographs, and trains with ``--amp``. The same model is then
timed on one batch in the memory of the GPU, with and without its augmentation. *Loss*: value and
gradient of the loss of one GPU, with 1,024 pairs on each of 8 GPUs (without their communication)
and with 8,192 pairs on one.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from parts import gpu_name, parts_parser, run_parts, take_turns
from torch.utils._pytree import tree_map_only

from simhand_mm.cli import find_file
from simhand_mm.doctor.loading_checks import noise_dataset, seconds_per_step
from simhand_mm.functional.contrastive import Contrast, contrast_pairs
from simhand_mm.functional.contrasts import SoftTargets, WeightedNTXent
from simhand_mm.functional.global_batch import GlobalBatch
from simhand_mm.functional.pair_weights import PairDistances, linear_weights

CONFIG = "configs/simhand/simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py"
# Hooks that work at the end of an epoch, which is not timed.
LATE_HOOKS = ("simhand_mm.PoseRetrievalHook", "simhand_mm.PublishBackboneHook")
LOSSES: dict[str, Callable[[PairDistances], Contrast]] = {
    "weighted": lambda distances: WeightedNTXent(distances, linear_weights, linear_weights),
    "pose-aware": SoftTargets,
    "unweighted": WeightedNTXent,
}
PROCESSES_AND_PAIRS = ((8, 1024), (1, 8192))


class Clock(Hook):
    """Times the steps of a run after the warm-up, with the wait for their data."""

    def __init__(self, warm_up: int) -> None:
        self.warm_up, self.start, self.seconds = warm_up, 0.0, 0.0

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Read the clock after the warm-up and after the last step."""
        if runner.iter + 1 == self.warm_up:
            self.start = now()
        if runner.iter + 1 == runner.max_iters:
            self.seconds = (now() - self.start) / (runner.max_iters - self.warm_up)


def now() -> float:
    """Seconds, read when the GPU has finished its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def build_runner(args: argparse.Namespace, workers: int, folder: Path, warm_up: int) -> Runner:
    """Build what ``simhand train CONFIG --amp`` runs, for one epoch of the steps to be timed."""
    config = Config.fromfile(find_file(args.config))
    pairs = args.pairs * (warm_up + args.steps)
    config.train_dataloader.update(
        batch_size=args.pairs,
        num_workers=workers,
        dataset=noise_dataset(config.train_dataloader.dataset, folder, pairs),
    )
    config.train_dataloader.sampler = {"type": "simhand_mm.VideoBalancedSampler"}
    config.train_cfg = {"type": "IterBasedTrainLoop", "max_iters": warm_up + args.steps}
    config.param_scheduler = None
    config.optim_wrapper.type = "simhand_mm.BFloat16OptimWrapper"
    config.custom_hooks = [h for h in config.custom_hooks if h["type"] not in LATE_HOOKS]
    config.default_hooks.checkpoint = None
    config.visualizer.vis_backends = []
    config.log_processor.by_epoch = False
    config.work_dir = str(folder / "run")
    config.log_level = "ERROR"
    return Runner.from_cfg(config)


def from_memory(runner: Any, pairs: int, steps: int) -> tuple[float, float]:
    """Return the seconds of a step on one batch on the device, with and without augmentation."""
    model, wrapper = runner.model, runner.optim_wrapper
    device = next(model.parameters()).device
    batch = runner.train_dataloader.dataset.__getitems__(list(range(pairs)))
    batch = tree_map_only(torch.Tensor, lambda tensor: tensor.to(device), batch)
    views = model.data_preprocessor(batch, training=True)

    def model_only(data: dict[str, Any]) -> None:
        with wrapper.optim_context(model):
            losses = model(**data, mode="loss")
        wrapper.update_params(model.parse_losses(losses)[0])

    seconds = []
    for step, data in ((lambda data: model.train_step(data, wrapper), batch), (model_only, views)):
        seconds.append(seconds_per_step(step, repeat(data, 3 + steps), 3, str(device)))
    return seconds[0], seconds[1]


def step(args: argparse.Namespace) -> Iterator[str]:
    """Yield a table of images per second."""
    yield f"{gpu_name()}, torch {torch.__version__}, {args.pairs:,} pairs, bfloat16."
    yield ""
    yield "| data of the step | images/s | share |"
    yield "| --- | --- | --- |"
    alone = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for workers in args.workers:
            # The first step takes long; meanwhile the workers make batches ahead.
            warm_up = workers + 5
            runner = build_runner(args, workers, Path(folder) / str(workers), warm_up)
            clock = Clock(warm_up)
            runner.register_hook(clock)
            runner.train()
            rows = {f"`simhand train --amp`, {workers} workers": clock.seconds}
            if not alone:
                augmented, alone = from_memory(runner, args.pairs, args.steps)
                rows["crops in the memory of the GPU, augmented in each step"] = augmented
                rows["views in the memory of the GPU"] = alone
            for name, seconds in rows.items():  # at once, in case the run is ended
                yield f"| {name} | {2 * args.pairs / seconds:,.0f} | {alone / seconds:.2f} |"


def loss(args: argparse.Namespace) -> Iterator[str]:
    """Yield a table of the time of the loss."""
    yield f"{gpu_name()}, torch {torch.__version__}, float32, 128 dimensions, 21 keypoints."
    yield ""
    yield f"| ms per step | {' | '.join(LOSSES)} |"
    yield "| --- " * (len(LOSSES) + 1) + "|"
    for processes, pairs in PROCESSES_AND_PAIRS:
        steps = {name: loss_step(make, pairs, processes) for name, make in LOSSES.items()}
        for work in steps.values():
            work()  # compiles the kernel
        times = take_turns(steps, args.turns)
        cells = " | ".join(f"{1e3 * times[name][0]:.1f}" for name in LOSSES)
        yield f"| {processes} x {pairs:,} pairs, one of the GPUs | {cells} |"


def loss_step(
    make: Callable[[PairDistances], Contrast], pairs: int, processes: int
) -> Callable[[], None]:
    """Return the loss of one process and its gradient; the others have the same pairs."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(0)
    projections = torch.randn(2, pairs, 128, generator=generator)
    query, positive = (part.to(device).requires_grad_() for part in projections)
    a, b = (128 * torch.rand(2, pairs, 21, 2, generator=generator)).to(device)
    batch = GlobalBatch(lambda local: torch.cat([local] * processes)) if processes > 1 else None

    def compute() -> None:
        distances = PairDistances(a, b, batch=batch)
        contrast_pairs(query, positive, make(distances), batch=batch).backward()
        now()

    return compute


PARTS = {"step": step, "loss": loss}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--pairs", type=int, default=1024, help="pairs of a batch")
    parser.add_argument("--workers", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--steps", type=int, default=30, help="number of timed steps")
    parser.add_argument("--turns", type=int, default=10)
    run_parts("pre-training step", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
