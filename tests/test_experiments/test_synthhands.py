"""SynthHands: the documents match the collected results, and all runs have valid configs."""

import copy
import functools
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, DictAction
from mmengine.registry import MODELS, init_default_scope

from projects.synthhands.data import TINY_SIZE
from projects.synthhands.gradient_mass import gradient_shares
from projects.synthhands.page import parts
from projects.synthhands.plan import PLAN, TINY
from simhand_mm.experiments.commands import Workspace, row_jobs
from simhand_mm.experiments.reproduction import Reproduction, reproduce

ROOT = Path(__file__).parents[2]
RESULTS = json.loads((ROOT / "docs" / "synthhands.json").read_text())


@functools.cache  # reading a config takes longer than all the rest
def read(config):
    return Config.fromfile(ROOT / config)


@functools.cache  # most pre-trainings change only the data or the schedule
def build(scope, model):
    init_default_scope(scope)
    return MODELS.build(json.loads(model))  # refuses unknown options


def configured(config, options):
    """A config with ``key=value`` options merged as by the command line."""
    cfg = copy.deepcopy(read(config))
    values = dict(option.split("=", 1) for option in options)
    cfg.merge_from_dict({key: DictAction._parse_iterable(v) for key, v in values.items()})
    return cfg


def test_documents_match_the_results():
    for document, part, table in parts(RESULTS):
        text = (ROOT / "docs" / document).read_text()
        begin, end = f"<!-- synthhands: {part} -->\n", f"\n<!-- end of synthhands: {part} -->"
        assert text.split(begin)[1].split(end)[0] == table, part


def test_methods_were_run_with_three_seeds():
    for name in ("scratch", "simclr", "peclr", "tempclr", "simhand-noweight", "simhand"):
        assert len(RESULTS["runs"][f"{name}-300labels"]) >= 3


def test_every_collected_run_is_in_the_plan():
    assert set(RESULTS["runs"]) <= {row.run_name for row in PLAN.rows}
    assert set(RESULTS["pretrainings"]) <= {row.pretraining.name for row in PLAN.rows}


def test_every_option_of_a_pretraining_changes_its_config():
    for pretraining in {row.pretraining for row in PLAN.rows if row.pretraining.config}:
        config = read(pretraining.config)
        for option in pretraining.options:
            changed = configured(pretraining.config, [option])
            assert changed.to_dict() != config.to_dict(), option
            pairs = changed.train_dataloader.dataset.pairs
            assert pairs is None or isinstance(pairs, str), f"{option} is not a name"
        changed = configured(pretraining.config, pretraining.options)
        build(changed.default_scope, json.dumps(changed.model))


@pytest.mark.parametrize("plan", [PLAN, TINY], ids=lambda plan: plan.name)
def test_fine_tuning_uses_the_labels_of_its_row(plan, tmp_path):
    place = Workspace(tmp_path, tmp_path, ROOT / "projects" / "synthhands")
    divisor = TINY_SIZE.labels_divisor if plan is TINY else 1
    for row, finetuning in plan.finetuned_rows:
        train, test = list(row_jobs(plan, row, 3, place))[-2:]
        options = train.arguments[train.arguments.index("--cfg-options") + 1 :]
        cfg = configured(train.arguments[2], options)
        labeled = cfg.train_dataloader.dataset
        num_labels = int(finetuning.name.split("labels")[0])
        if finetuning.name.endswith("weak"):
            labeled, pseudo = labeled.datasets
            assert pseudo.indices == num_labels // divisor
        assert (labeled.subset_size, cfg.randomness.seed) == (num_labels // divisor, 3)
        assert test.arguments[3].endswith(f"epoch_{cfg.train_cfg.max_epochs}.pth")
        init_cfg = cfg.model.backbone.get("init_cfg")
        if finetuning.name.endswith("upsampling"):
            assert cfg.model.head.init_cfg.checkpoint == init_cfg.checkpoint
        if row.pretraining.config:
            assert init_cfg.checkpoint.endswith(f"{row.pretraining.name}-seed3/backbone.pth")
        else:
            assert init_cfg is None


def test_gradient_shares_count_the_nearest_negatives():
    """Pairs (0, 2) and (1, 3) are positives; 5 % of the eight negatives is the nearest pair."""
    distance = torch.tensor([[0, 1, 9, 5], [1, 0, 5, 9], [9, 5, 0, 8], [5, 9, 8, 0.0]])
    gradient = torch.tensor([[0, 3, -9, 1], [3, 0, 1, -9], [-9, 1, 0, 1], [1, -9, 1, 0.0]])
    index = torch.tensor([[0, 1, 2, 3], [2, 3, 0, 1]])
    assert gradient_shares(gradient, distance, index) == {"push": 0.5, "pull": 0.0}
    gradient[0, 1] = gradient[1, 0] = -6
    assert gradient_shares(gradient, distance, index) == {"push": 0.0, "pull": 0.25}


def test_the_readme_matches_the_results():
    text = " ".join((ROOT / "README.md").read_text().split())
    mean = {
        name: f"{sum(r['root_scale_mpjpe_mm'] for r in seeds.values()) / len(seeds):.1f}"
        for name, seeds in RESULTS["runs"].items()
        if name.endswith("labels")
    }
    assert (
        f"{mean['scratch-300labels']} mm from scratch, {mean['simclr-300labels']} after SimCLR, "
        f"{mean['peclr-300labels']} after PeCLR, {mean['simhand-noweight-300labels']} after "
    ) in text
    assert f"and {mean['simhand-noweight-any-video-300labels']} if they may come from the" in text


def test_whole_plan_runs_with_stubbed_commands(stub_jobs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    reproduce("synthhands", action=Reproduction(run=True, tiny=True))
    assert len(stub_jobs) == len(set(stub_jobs))
    capsys.readouterr()
    reproduce("synthhands", action=Reproduction(collect=True, tiny=True))
    text = capsys.readouterr().out
    assert text.count("\n## ") == len(TINY.questions) - 1 and "not run" not in text


@pytest.mark.slow
def test_a_question_runs_with_very_little_data(tmp_path, monkeypatch, capsys):
    """About three minutes: render, prepare, mine, pre-train, fine-tune and test, not stubbed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMHAND_DATA", "data")
    reproduce("synthhands", "weak", action=Reproduction(run=True, tiny=True))
    work = Path("work_dirs/synthhands-tiny")
    resolved = next((work / "pretrain/simhand-noweight-seed0").glob("*.py"))
    assert Config.fromfile(resolved).train_dataloader.dataset.pool == "10k/pool"
    reproduce("synthhands", "weak", action=Reproduction(collect=True, tiny=True))
    results = json.loads((work / "results.json").read_text())
    assert set(results["runs"]) == {row.run_name for row in TINY.select("weak")[0].rows}
    assert all(0 < run["0"]["root_scale_mpjpe_mm"] < 500 for run in results["runs"].values())
    assert results["data"]["10k"]["num_hands"] > 20
    assert "not run" not in capsys.readouterr().out
