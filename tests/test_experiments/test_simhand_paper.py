"""The plan of the paper: documents and metafiles match it, and its commands exist."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

from projects.simhand_paper.model_cards import metafiles
from projects.simhand_paper.page import ROOT, parts
from projects.simhand_paper.plan import PLAN, TINY
from projects.synthhands.plan import PLAN as SYNTHHANDS
from simhand_mm.cli import COMMANDS
from simhand_mm.experiments.commands import Workspace, row_jobs
from simhand_mm.experiments.reproduction import Reproduction, reproduce
from tests.command_lines import options_of

RESULTS = json.loads((ROOT / "docs" / "simhand_paper.json").read_text())
PLACE = Workspace(Path("DATA"), Path("WORK"), Path("PLAN"))


def test_documents_match_the_plan():
    text = (ROOT / "docs" / "reproduction.md").read_text()
    for part, table in parts(RESULTS):
        begin, end = f"<!-- simhand_paper: {part} -->\n", f"\n<!-- end of simhand_paper: {part} -->"
        assert text.split(begin)[1].split(end)[0] == table, "python -m projects.simhand_paper.page"


def test_metafiles_match_the_plans():
    synthhands = json.loads((ROOT / "docs" / "synthhands.json").read_text())
    written = metafiles(synthhands)
    assert set(written) == set(ROOT.glob("configs/*/metafile.yml"))
    for path, text in written.items():
        assert path.read_text() == text, "python -m projects.simhand_paper.page"
        listed = {model["Config"] for model in yaml.safe_load(text)["Models"]}
        assert listed == {str(config.relative_to(ROOT)) for config in path.parent.glob("*.py")}


def test_every_row_of_a_table_has_the_numbers_of_the_paper():
    for question in PLAN.questions:
        for row in question.rows:
            assert (row.paper is None) == question.source.startswith("Figure")
            if row.paper:
                assert 10 < row.paper.mpjpe_mm < 70 and 30 < row.paper.auc < 95
    # Several tables of the paper contain the same run, so its numbers must agree.
    scores = {}
    for row in PLAN.rows:
        if row.paper:
            assert scores.setdefault(row.run_name, row.paper) == row.paper, row.run_name


def test_lower_errors_have_higher_aucs():
    """Detects transposed digits: on FreiHAND* both metrics of the paper give the same order."""
    few = {row.paper for row in PLAN.rows if row.paper and "10pct" in row.run_name}
    errors = sorted(few, key=lambda score: score.mpjpe_mm)
    # The exceptions in the paper differ by less than 0.1 mm.
    swapped = [(a, b) for a, b in pairwise(errors) if a.auc < b.auc]
    assert all(b.mpjpe_mm - a.mpjpe_mm < 0.1 for a, b in swapped)


@pytest.mark.parametrize("plan", [PLAN, TINY, SYNTHHANDS], ids=lambda plan: plan.name)
def test_commands_have_configs_and_options_that_exist(plan):
    jobs = {job for row in plan.rows for job in row_jobs(plan, row, 0, PLACE)}
    for job in jobs:
        program, command, *arguments = job.arguments
        if program == "python":
            continue
        for config in (a for a in arguments if a.startswith("configs/")):
            assert (ROOT / config).is_file(), config
        tool = COMMANDS[command]
        if tool.endswith(".py"):
            known = options_of(f"tools/{tool}")
            assert not [a for a in arguments if a.startswith("--") and a not in known], job.command


def test_every_pretraining_reads_the_pools_made_by_its_row(monkeypatch):
    monkeypatch.delenv("SIMHAND_DATA", raising=False)
    for pretraining in {row.pretraining for row in PLAN.rows if row.pretraining.config}:
        cfg = Config.fromfile(ROOT / pretraining.config)
        cfg.merge_from_dict(dict(option.split("=") for option in pretraining.options))
        pools = cfg.train_dataloader.dataset.pool
        pools = {Path(pool).name for pool in ([pools] if isinstance(pools, str) else pools)}
        made = {data.name: data for data in PLAN.data}
        (name,) = pretraining.data
        assert pools == set(made[name].needs if name.endswith("2m") else [name])


@pytest.mark.parametrize("method", ["simclr", "peclr", "tempclr", "simhand"])
def test_on_one_gpu_the_options_are_those_of_the_single_gpu_config(method):
    configs = ROOT / "configs" / method
    (eight,) = configs.glob("*_8xb1024-coslr-100e_ego4d-1m.py")
    (one,) = configs.glob("*_1xb8192-mb1024-coslr-100e_ego4d-1m.py")
    pretraining = next(row.pretraining for row in PLAN.rows if row.pretraining.config)
    cfg = Config.fromfile(eight)
    options = dict(option.split("=") for option in pretraining.one_gpu_options)
    cfg.merge_from_dict({key: int(value) for key, value in options.items()})
    assert cfg.to_dict() == Config.fromfile(one).to_dict()


def test_whole_plan_runs_with_stubbed_commands(stub_jobs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    reproduce("simhand_paper", action=Reproduction(run=True, seeds=(0, 1)))
    assert len(stub_jobs) == len(set(stub_jobs))
    assert sum(" dist-train " in command for command in stub_jobs) == 2 * len(
        {row.pretraining for row in PLAN.rows if row.pretraining.config}
    )
    capsys.readouterr()
    reproduce("simhand_paper", "table4", action=Reproduction(collect=True, seeds=(0, 1)))
    text = capsys.readouterr().out
    assert "| Top-1 | 2 | 31.06 | 30.5 ± 0.7 | -0.6 | 68.66 | 60.0 ± 0.0 | -8.7 |" in text
    assert "missing" not in text


@pytest.mark.slow
def test_two_rows_of_the_paper_run_on_a_few_synthetic_hands(tmp_path, monkeypatch, capsys):
    """About four minutes: the configs of the paper, from videos to a table with its numbers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMHAND_DATA", "data")
    reproduce("simhand_paper", "table6", action=Reproduction(run=True, tiny=True))
    capsys.readouterr()
    reproduce("simhand_paper", "table6", action=Reproduction(collect=True, tiny=True))
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if "Ego-" in line]
    assert [line[1:3] for line in lines] == [["1", "61.65"], ["1", "31.06"]]
    for line in lines:
        assert float(line[3]) > 0 and float(line[4]) == pytest.approx(
            float(line[3]) - float(line[2]), abs=0.11
        )
