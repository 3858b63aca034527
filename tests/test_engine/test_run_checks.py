"""Runs that are resumed, and machines that cannot do what a config asks for."""

import copy
import itertools
import random
from types import SimpleNamespace

import mmengine.hooks
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS, PARAM_SCHEDULERS
from mmengine.runner import Runner

from simhand_mm.compat import runners
from simhand_mm.engine import machine, run_checks

NUMBERS = itertools.count()  # a new experiment each: mmengine keeps what is logged by its name


class Line(BaseModel):
    """One weight: what a runner needs, and no more."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        self.norm = torch.nn.BatchNorm1d(1)

    def forward(self, inputs, mode="tensor"):
        output = self.norm(self.layer(torch.stack(inputs)))
        return {"loss": output.square().mean()} if mode == "loss" else [output]


class Points(torch.utils.data.Dataset):
    metainfo = {"name": "points", "sigmas": np.ones(3)}  # noqa: RUF012

    def __init__(self, size=16):
        self.points = torch.randn(size, 2, generator=torch.Generator().manual_seed(0))

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return {"inputs": self.points[index]}


class Count(Evaluator):
    """A number that gets better."""

    def __init__(self):
        super().__init__([])
        self.calls = 0

    def process(self, *_, **__):
        pass

    def evaluate(self, size):
        self.calls += 1
        return {"acc": float(self.calls)}


class Stop(Exception):
    """Stands in for kill -9."""


class StopHook(Hook):
    priority = "LOWEST"

    def __init__(self, epoch):
        self.epoch = epoch

    def before_train_epoch(self, runner):
        if runner.epoch == self.epoch:
            raise Stop


@pytest.fixture
def make_run(tmp_path):
    def make(name="run", batch_size=4, size=16, hooks=(), schedulers=None, loader=(), **options):
        torch.manual_seed(0)
        loader = {
            "batch_size": batch_size,
            "sampler": {"type": "DefaultSampler", "shuffle": True},
            "dataset": Points(size),
            "drop_last": True,
            **dict(loader),
        }
        validation = {
            **loader,
            "drop_last": False,
            "sampler": {"type": "DefaultSampler", "shuffle": False},
        }
        options.setdefault(
            "default_hooks", {"checkpoint": {"type": "CheckpointHook", "interval": 1}}
        )
        return Runner(
            Line(),
            str(tmp_path / name),
            train_dataloader=loader,
            val_dataloader=validation,
            train_cfg={"by_epoch": True, "max_epochs": 4},
            val_cfg={},
            val_evaluator=Count(),
            optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}},
            param_scheduler=schedulers,
            custom_hooks=[{"type": "simhand_mm.ResumeCheckHook"}, *hooks],
            randomness={"seed": 0},
            log_level="WARNING",
            experiment_name=f"{tmp_path.name}-{name}-{next(NUMBERS)}",
            **options,
        )

    return make


def train_stopped(run, epoch=2):
    run.register_hook(StopHook(epoch))
    with pytest.raises(Stop):
        run.train()


# -------------------------------------------------------------- what we write, we can read

ARGUMENTS = {
    "Constant": {"factor": 0.5, "end": 3},
    "CosineAnnealing": {"T_max": 4, "eta_min": 0.01},
    "CosineRestart": {"periods": [2, 2], "restart_weights": [1, 0.5], "eta_min": 0},
    "Exponential": {"gamma": 0.9},
    "Linear": {"start_factor": 0.1, "end": 3},
    "MultiStep": {"milestones": [1, 3, 3]},
    "OneCycle": {"total_steps": 4, "eta_max": 0.5},
    "Poly": {"end": 4},
    "ReduceOnPlateau": {"monitor": "acc", "rule": "less", "patience": 0},
    "Step": {"step_size": 1},
}
SCHEDULERS = sorted(PARAM_SCHEDULERS.module_dict)


def test_every_kind_of_scheduler_is_covered():
    assert not [name for name in SCHEDULERS if not name.startswith(tuple(ARGUMENTS))]


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_resumes(name, make_run):
    """Rates and momenta after a resumed epoch are those of a run that was not interrupted."""
    scheduler = {"type": name}
    scheduler |= next(value for key, value in ARGUMENTS.items() if name.startswith(key))
    if name.endswith("ParamScheduler"):
        scheduler["param_name"] = "lr"
    whole = make_run("whole", schedulers=copy.deepcopy(scheduler))
    whole.train()
    train_stopped(make_run("broken", schedulers=copy.deepcopy(scheduler)))
    resumed = make_run("broken", schedulers=scheduler, resume=True)
    resumed.train()
    assert resumed.epoch == 4
    if name.startswith("ReduceOnPlateau"):
        return  # mmengine writes the checkpoint before the validation that this one steps by
    for key in ("lr", "momentum"):
        expected = whole.optim_wrapper.optimizer.param_groups[0][key]
        assert resumed.optim_wrapper.optimizer.param_groups[0][key] == expected
    torch.testing.assert_close(resumed.model.state_dict(), whole.model.state_dict())


HOOK_ARGUMENTS = {
    "CheckpointHook": {"interval": 1, "save_best": "acc", "rule": "greater", "max_keep_ckpts": 2},
    "EarlyStoppingHook": {"monitor": "acc", "rule": "greater"},
    "EMAHook": {"ema_type": "ExponentialMovingAverage"},
}
LEFT_OUT = {
    "NPUProfilerHook": "needs an NPU",
    "PrepareTTAHook": "needs a config of test time augmentation, and keeps no state",
    "ProfilerHook": "keeps no state in checkpoints",
    "RFSearchHook": "changes the model by a search",
    "NaiveVisualizationHook": "keeps no state",
}


@pytest.mark.parametrize(
    "name", sorted(n for n in vars(mmengine.hooks) if n in HOOKS.module_dict and n not in LEFT_OUT)
)
def test_every_hook_resumes(name, make_run):
    hook = {"type": name, **HOOK_ARGUMENTS.get(name, {})}
    train_stopped(make_run(hooks=[hook]))
    resumed = make_run(hooks=[hook], resume=True)
    resumed.train()
    assert resumed.epoch == 4


# --------------------------------------------------------------- another batch, another count


@pytest.mark.parametrize("batch_size, size", [(8, 16), (4, 32), (2, 8)])
def test_another_batch_size_or_data_set_stops_with_both_numbers(make_run, batch_size, size):
    train_stopped(make_run())
    other = make_run(batch_size=batch_size, size=size, resume=True)
    steps = size // batch_size
    with pytest.raises(
        ValueError, match=rf"4 samples per step and 4 steps .* has {batch_size} .* and {steps}\."
    ):
        other.train()


def test_another_number_of_processes_with_the_same_batch_goes_on(make_run, monkeypatch):
    """Two processes of 2 samples, each with half of the data, and then one of 4."""
    monkeypatch.setattr(run_checks, "get_world_size", lambda: 2)
    train_stopped(make_run(batch_size=2, size=8))
    monkeypatch.undo()
    resumed = make_run(batch_size=4, size=16, resume=True)
    resumed.train()
    assert (resumed.epoch, resumed.iter) == (4, 16)


def test_weights_of_another_run_can_be_loaded(make_run, tmp_path):
    train_stopped(make_run())
    other = make_run("other", batch_size=8, load_from=str(tmp_path / "run" / "epoch_2.pth"))
    other.train()
    assert other.iter == 8


def test_processes_at_different_steps_are_stopped(make_run, monkeypatch):
    monkeypatch.setattr(run_checks, "all_gather_object", lambda step: [step, 7])
    with pytest.raises(RuntimeError, match=r"must resume from the same step.*\[0, 7\]"):
        make_run().train()


@pytest.mark.parametrize("is_main", [True, False])
def test_the_first_process_chooses_the_checkpoint(is_main, monkeypatch, tmp_path):
    torch.save({}, tmp_path / "iter_1.pth")
    chosen = str(tmp_path / "iter_1.pth") if is_main else "chosen by the first"

    def broadcast(values):
        assert values == [chosen if is_main else None]
        values[0] = chosen

    monkeypatch.setattr("mmengine.dist.is_main_process", lambda: is_main)
    monkeypatch.setattr("mmengine.dist.broadcast_object_list", broadcast)
    assert runners._find_latest_checkpoint_for_all(str(tmp_path)) == chosen


# ------------------------------------------------------------------------------- data loaders


@pytest.mark.parametrize("workers", [0, 1])
def test_any_number_of_workers(make_run, workers):
    options = {"num_workers": workers, "persistent_workers": True, "prefetch_factor": 1}
    run = make_run(loader=options)
    run.train()
    assert run.iter == 16


def test_less_than_a_batch_is_refused_with_both_numbers(make_run):
    run = make_run(batch_size=128, size=36)
    with pytest.raises(
        ValueError, match=r"batch_size 128 x 1 processes, but has 36 samples.*train_"
    ):
        run.train()


# ------------------------------------------------------------------------------- the machine


@pytest.mark.parametrize(
    "capability, compiled, expected",
    [
        ((7, 0), ["sm_75", "sm_80", "sm_90"], False),
        ((7, 5), ["sm_75", "sm_80"], True),
        ((8, 6), ["sm_80"], True),
        ((8, 0), ["sm_86"], False),
        ((9, 0), ["sm_90a"], True),
        ((12, 0), ["sm_90", "compute_90"], True),
        ((10, 0), ["sm_120"], False),
    ],
)
def test_architectures(capability, compiled, expected):
    assert machine.runs_on(capability, compiled) is expected


def test_a_gpu_that_torch_cannot_see_stops_the_run(make_run, monkeypatch):
    hook = [{"type": "simhand_mm.MachineCheckHook"}]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "has_nvidia_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"must see the GPU.*driver.*CUDA_VISIBLE_DEVICES=''"):
        make_run(hooks=hook).train()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    make_run(hooks=hook).train()


def test_a_gpu_that_torch_is_not_built_for_is_named(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (7, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Tesla V100")
    assert "Tesla V100 (sm_70), but is built for sm_75, sm_80" in machine.unusable_gpu()


def test_shared_memory_is_checked_before_the_first_batch(make_run, monkeypatch):
    hook = [{"type": "simhand_mm.MachineCheckHook"}]
    loader = {"num_workers": 2, "prefetch_factor": 3}
    needed = 2 * 4 * 4 * 2 * 3  # two float32 per sample, batch of 4
    run = make_run(hooks=hook, loader=loader)
    monkeypatch.setattr(machine, "free_shared_memory", lambda: needed - 1)
    with pytest.raises(
        ValueError, match=r"2 workers x prefetch_factor 3 x batch_size 4.*num_workers"
    ):
        run.train()
    monkeypatch.setattr(machine, "free_shared_memory", lambda: needed)
    run = make_run(hooks=hook, loader=loader)
    assert machine.prefetched_bytes(run.train_dataloader and run.train_loop.dataloader) == needed
    run.train()


def test_shared_memory_is_that_of_all_processes_of_the_machine(make_run, monkeypatch):
    hook = [{"type": "simhand_mm.MachineCheckHook"}]
    run = make_run(hooks=hook, loader={"num_workers": 2, "prefetch_factor": 3})
    monkeypatch.setattr(run_checks, "all_gather_object", lambda name: [name, "another", name])
    monkeypatch.setattr(machine, "free_shared_memory", lambda: 1)
    with pytest.raises(ValueError, match="2 processes x 2 workers"):
        run.train()


def test_reading_a_sample_leaves_random_numbers_alone():
    class Random(Points):
        def __getitem__(self, index):
            return {"inputs": torch.rand(1) + random.random()}

    loader = SimpleNamespace(num_workers=1, batch_size=2, prefetch_factor=2, dataset=Random())
    before = torch.get_rng_state(), random.getstate()
    assert machine.prefetched_bytes(loader) == 4 * 2 * 2
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


def test_pretraining_and_finetuning_have_the_checks():
    for kind in ("pretraining", "pose"):
        hooks = Config.fromfile(f"configs/_base_/runtimes/{kind}_runtime.py").custom_hooks
        checks = {f"simhand_mm.{what}CheckHook" for what in ("Machine", "Resume", "Schedule")}
        assert checks <= {hook["type"] for hook in hooks}


@pytest.mark.parametrize("by_steps", [False, True])
@pytest.mark.parametrize(
    "lengths, warning",
    [
        ({"T_max": 4}, ""),
        ({"T_max": 3, "begin": 1}, ""),
        ({"T_max": 8}, ""),
        ({"T_max": 2, "end": 2}, ""),
        ({"T_max": 2}, "after 50% of it, and rises again. Increase param_scheduler.0.T_max"),
        ({"T_max": 2, "begin": 1}, "after 75% of it"),
    ],
)
def test_a_cosine_that_rises_again_is_reported(make_run, capsys, lengths, warning, by_steps):
    scheduler = {"type": "CosineAnnealingLR", "by_epoch": True, "convert_to_iter_based": by_steps}
    hooks = [{"type": "simhand_mm.ScheduleCheckHook"}]
    make_run(hooks=hooks, schedulers=[scheduler | lengths]).train()  # 4 epochs
    printed = "".join(capsys.readouterr())
    assert warning in printed and ("rises again" in printed) == bool(warning)
