"""``simhand reproduce``: whole plans with stubbed commands, and a small plan with real ones."""

import json
import shutil
from pathlib import Path

import pytest

from simhand_mm.experiments import (
    Data,
    Finetuning,
    Plan,
    Pretraining,
    Question,
    Row,
    Step,
)
from simhand_mm.experiments.commands import Workspace, row_jobs
from simhand_mm.experiments.reproduction import Reproduction, reproduce

EIGHT = Pretraining("m", "m.py", ("a=1",), ("pool",), 8, ("batch=8192",))
ROW = Row("m", EIGHT, Finetuning("all", "d.py", "p.py", ("b=2",), ("c=3",), ("labels",)))
PLAN = Plan(
    "p",
    "data",
    (
        Data("labels", (Step("synthesize", "simhand synthesize {data}/labels"),)),
        Data("pool", (Step("own", "python {plan}/own.py {data}/pool {work}"),), ("labels",)),
    ),
    (Question("q", "Why?", "Table 1", (ROW,)),),
)


def commands(tmp_path, launcher):
    place = Workspace(tmp_path / "data", tmp_path / "runs", tmp_path, launcher, "gpus")
    text = "\n".join(
        " ".join([*job.environment, *job.arguments]) for job in row_jobs(PLAN, ROW, 3, place)
    )
    return text.replace(str(tmp_path), "HERE").splitlines()


def test_jobs_of_a_row_are_data_pretraining_finetuning_test(tmp_path):
    assert commands(tmp_path, "none") == [
        "simhand synthesize HERE/data/labels",
        "python HERE/own.py HERE/data/pool HERE/runs",
        "simhand synthesize HERE/data/labels",
        "simhand train m.py --work-dir HERE/runs/pretrain/m-seed3 --amp --resume --cfg-options "
        "randomness.seed=3 a=1 batch=8192",
        "simhand train p.py --work-dir HERE/runs/finetune/m-all-seed3 --resume --cfg-options "
        "randomness.seed=3 b=2 "
        "model.backbone.init_cfg.checkpoint=HERE/runs/pretrain/m-seed3/backbone.pth",
        "simhand test p.py HERE/runs/finetune/m-all-seed3/best_*.pth "
        "--work-dir HERE/runs/finetune/m-all-seed3/test --dump --cfg-options c=3",
    ]


@pytest.mark.parametrize(
    "launcher, start",
    [
        ("pytorch", "simhand dist-train m.py 8 --work-dir HERE/runs/pretrain/m-seed3 "),
        ("slurm", "GPUS=8 simhand slurm-train gpus m m.py HERE/runs/pretrain/m-seed3 "),
    ],
)
def test_pretraining_on_several_gpus(tmp_path, launcher, start):
    command = commands(tmp_path, launcher)[3]
    assert command == start + "--amp --resume --cfg-options randomness.seed=3 a=1"


@pytest.fixture
def user_plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(
        """
from simhand_mm.experiments import *

TUNE = Finetuning("all", "d.py", "p.py", data=("labels",))
LABELS = Data("labels", (Step("synthesize", "simhand synthesize {data}/labels"),))
ROWS = (
    Row("scratch", SCRATCH, TUNE, Score(29.0, 61.0)),
    Row("m", Pretraining("m", "m.py"), TUNE),
)
PLAN = Plan("own", "data", (LABELS,), (Question("q", "Why?", "Table 9", ROWS),))
"""
    )
    return "own.py"


def test_whole_plan_gives_a_table_with_published_numbers(user_plan, stub_jobs, capsys):
    reproduce(user_plan, action=Reproduction(run=True, seeds=(0, 2)))
    assert len(stub_jobs) == 1 + 2 * (2 + 3)  # data once; scratch has no pre-training
    reproduce(user_plan, action=Reproduction(run=True, seeds=(0, 2)))
    assert len(stub_jobs) == 11  # nothing was left to do
    capsys.readouterr()
    reproduce(user_plan, action=Reproduction(seeds=(0, 1, 2)))
    assert "scratch-all" in (text := capsys.readouterr().out) and "2 of 3 seeds done" in text
    reproduce(user_plan, action=Reproduction(collect=True, seeds=(0, 1, 2)))
    text = capsys.readouterr().out
    assert "| scratch | 2 | 29.00 | 31.0 ± 1.4 | +2.0 | 61.00 | 60.0 ± 0.0 | -1.0 |" in text
    assert "* m: seed 1" in text
    results = json.loads(Path("work_dirs/own/results.json").read_text())
    assert results["pretrainings"]["m"]["2 on NVIDIA H100 80GB HBM3"] == {
        "retrieval_score": 0.5,
        "seconds": 7,
        "device": "NVIDIA H100 80GB HBM3",
    }
    assert results["runs"]["scratch-all"]["2"]["device"] == "CPU"
    assert results["runs"]["m-all"].keys() == results["pretrainings"]["m"].keys()


def test_results_are_collected_without_the_folders_of_pretraining(user_plan, stub_jobs):
    reproduce(user_plan, action=Reproduction(run=True, seeds=(0,)))
    shutil.rmtree("work_dirs/own/pretrain")
    Path("work_dirs/own/finetune/m-all-seed1").mkdir()  # of a run that is about to start
    reproduce(user_plan, action=Reproduction(collect=True))
    runs = json.loads(Path("work_dirs/own/results.json").read_text())["runs"]
    assert {name: list(seeds) for name, seeds in runs.items()} == {
        "scratch-all": ["0"],
        "m-all": ["0"],
    }


def test_printed_commands_are_complete_and_appear_once(user_plan, capsys, monkeypatch):
    monkeypatch.delenv("SIMHAND_DATA", raising=False)
    reproduce(user_plan, action=Reproduction(print=True))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["export SIMHAND_DATA=data", "simhand synthesize data/labels"]
    assert len(lines) == len(set(lines)) == 7


def test_failed_commands_are_listed_at_the_end(user_plan, monkeypatch):
    monkeypatch.setattr(
        "simhand_mm.experiments.reproduction.run_chains", lambda chains: {"simhand x": "why"}
    )
    with pytest.raises(RuntimeError, match=r"1 commands failed:\nsimhand x"):
        reproduce(user_plan, action=Reproduction(run=True))


def test_one_action_at_a_time():
    with pytest.raises(ValueError, match=r"action must be one of .*, but got \['print', 'run'\]"):
        Reproduction(print=True, run=True)
