"""SynthHands: the documents say what the collected numbers say, and every run can be configured."""

import importlib
import json
import sys
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config, DictAction

ROOT = Path(__file__).parents[1]


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "benchmarks"))
    yield importlib.import_module
    for name in [name for name in sys.modules if name.startswith("synthhands")]:
        del sys.modules[name]


def _part(document, name):
    text = (ROOT / "docs" / document).read_text()
    begin, end = f"<!-- synthhands: {name} -->\n", f"\n<!-- end of synthhands: {name} -->"
    return text.split(begin)[1].split(end)[0]


def test_documents_say_what_was_collected(benchmarks):
    page, plan = benchmarks("synthhands_page"), benchmarks("synthhands_plan")
    results = json.loads((ROOT / "docs" / "synthhands.json").read_text())
    for question in plan.QUESTIONS:
        table = "\n".join(page.question_table(results, question))
        assert _part("synthhands.md", question.name) == table, question.name
    assert _part("synthhands.md", "mining") == "\n".join(page.mining_table(results))
    assert _part("reproduction.md", "paper") == "\n".join(page.paper_table(results))


def test_methods_were_run_with_three_seeds(benchmarks):
    results = json.loads((ROOT / "docs" / "synthhands.json").read_text())
    for name in ("scratch", "simclr", "peclr", "tempclr", "simhand-noweight", "simhand"):
        assert len(results["runs"][f"{name}-300labels"]) >= 3


def test_every_option_of_the_plan_changes_its_config(benchmarks):
    runner, plan = benchmarks("synthhands"), benchmarks("synthhands_plan")
    pretrainings = {cell.pretraining for q in plan.QUESTIONS for cell in q.cells}
    for pretraining in pretrainings:
        if pretraining.algorithm is None:
            continue
        config = Config.fromfile(ROOT / runner.CONFIGS.format(pretraining.algorithm))
        for option in pretraining.options:
            key, _, value = option.partition("=")
            parsed = DictAction._parse_iterable(value)
            assert parsed == value or not key.endswith(".pairs"), f"{option} is no name"
            changed = Config(config.to_dict())
            changed.merge_from_dict({key: parsed})
            assert changed.to_dict() != config.to_dict(), option


def test_fine_tuning_takes_the_labels_that_its_cell_says(benchmarks, tmp_path):
    runner, plan = benchmarks("synthhands"), benchmarks("synthhands_plan")
    cells = [plan.Cell("", plan.SCRATCH, 100, weak) for weak in (False, True)]
    cells.append(plan.Cell("", plan.PECLR, 100))
    for cell in cells:
        job = list(runner.cell_jobs(tmp_path, cell, seed=3))[-2]
        config = Config.fromfile(ROOT / job.arguments[1])
        options = job.arguments[job.arguments.index("--cfg-options") + 1 :]
        values = dict(option.split("=") for option in options)
        config.merge_from_dict({k: DictAction._parse_iterable(v) for k, v in values.items()})
        labeled = config.train_dataloader.dataset
        if cell.weak:
            labeled, pseudo = labeled.datasets
            assert pseudo.indices == 100
        assert (labeled.subset_size, config.randomness.seed) == (100, 3)
        assert config.model.backbone.get("init_cfg") is None or "peclr-seed3" in str(values)


def test_the_readme_says_what_was_collected():
    results = json.loads((ROOT / "docs" / "synthhands.json").read_text())["runs"]
    text = " ".join((ROOT / "README.md").read_text().split())
    mean = {
        name: f"{sum(r['root_scale_mpjpe_mm'] for r in seeds.values()) / len(seeds):.1f}"
        for name, seeds in results.items()
    }
    assert (
        f"{mean['scratch-300labels']} mm from scratch, {mean['simclr-300labels']} after SimCLR, "
        f"{mean['peclr-300labels']} after PeCLR, {mean['simhand-noweight-300labels']} after "
    ) in text
    assert f"and {mean['simhand-noweight-any-video-300labels']} if they may come from the" in text


def test_runs_have_names_of_their_own(benchmarks):
    plan = benchmarks("synthhands_plan")
    options = {}
    for cell in (cell for question in plan.QUESTIONS for cell in question.cells):
        run = cell.pretraining
        assert options.setdefault(run.name, run) == run, run.name


def test_numbers_are_mean_and_spread(benchmarks):
    spread = benchmarks("synthhands_page").spread
    assert spread([], 1) == "–"
    assert spread([2.0], 1) == "2.0"
    assert spread([1.0, 3.0], 1) == "2.0 ± 1.4"


def test_finished_jobs_are_not_redone(benchmarks, tmp_path):
    job_class = benchmarks("synthhands").Job
    (tmp_path / "job").mkdir()
    job = job_class(tmp_path / "job", ("-c", "print('once')"), tmp_path)
    assert not job.is_done
    job.run()
    assert job.is_done
    assert not job_class(tmp_path / "job", ("-c", "print('twice')"), tmp_path).is_done


def test_a_failing_job_names_its_log(benchmarks, tmp_path):
    job = benchmarks("synthhands").Job(tmp_path, ("-c", "raise SystemExit('no data')"), tmp_path)
    with pytest.raises(RuntimeError, match=r"its log is .*job\.log:\n.*no data"):
        job.run()
    assert not job.is_done


def test_model_cards_say_what_was_collected():
    results = json.loads((ROOT / "docs" / "synthhands.json").read_text())["runs"]
    models = yaml.safe_load((ROOT / "configs" / "detnet" / "metafile.yml").read_text())["Models"]
    cards = {model["Name"]: model for model in models}
    for name, run in (
        ("detnet_resnet18_1xb16-30e_synthetic-64px", "scratch-300labels"),
        ("detnet_resnet18_synthetic-pre_1xb16-30e_synthetic-64px", "simhand-noweight-300labels"),
    ):
        (result,) = cards[name]["Results"]
        for metric, key, factor in (
            ("MPJPE root_scale", "root_scale_mpjpe_mm", 1),
            ("PCK-AUC 20-50", "root_scale_auc_20_50", 100),
        ):
            seeds = [factor * results[run][seed][key] for seed in ("0", "1", "2")]
            stated = result["Metrics"][f"{metric} (mean of seeds)"]
            assert stated == pytest.approx(sum(seeds) / 3, abs=0.01)
