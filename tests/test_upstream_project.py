"""projects/simhand has the form that mmpose asks of its projects, and its configs work."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from yapf.yapflib.yapf_api import FormatCode

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "projects" / "simhand"
CONFIGS = sorted((PROJECT / "configs").glob("*.py"))
DETNET = PROJECT / "configs" / "detnet_res50-pre_1xb128-120e_freihand-128x128.py"
STYLE = (
    "{based_on_style: pep8, blank_line_before_nested_class_or_def: true, "
    "split_before_expression_after_opening_paren: true, split_penalty_import_names: 0, "
    "split_penalty_after_opening_bracket: 800}"
)


def test_readme_has_the_sections_of_the_template():
    headings = re.findall(r"^##+ (.*)", (PROJECT / "README.md").read_text(), re.MULTILINE)
    assert headings == [
        "Description", "Usage", "Prerequisites", "Data Preparation", "Training commands",
        "Testing commands", "Results", "Citation", "Checklist",
    ]  # fmt: skip


def test_commands_name_configs_of_the_project():
    named = re.findall(r"configs/[\w.-]+\.py", (PROJECT / "README.md").read_text())
    assert {PROJECT / name for name in named} == set(CONFIGS)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_have_the_style_of_mmpose(path):
    text = path.read_text()
    assert max(map(len, text.splitlines())) <= 79
    assert '"' not in text, "mmpose uses single quotes"
    formatted, _ = FormatCode(text, style_config=STYLE)
    assert formatted == text


def test_detnet_is_the_recipe_of_configs():
    project = Config.fromfile(DETNET)
    ours = Config.fromfile(ROOT / "configs/detnet/detnet_resnet50_pre_1xb128-120e_freihand.py")
    for key in ("model", "train_dataloader", "val_dataloader", "test_dataloader", "optim_wrapper",
                "param_scheduler", "train_cfg", "val_evaluator", "test_evaluator"):  # fmt: skip
        assert project[key] == ours[key], key


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_models_are_built_by_mmpose(path):
    config = Config.fromfile(path)
    init_default_scope("mmpose")
    config.model.backbone.init_cfg = None
    model = MODELS.build(config.model)
    assert model.backbone.depth == 50


def test_numbers_are_those_of_synthhands():
    page = (ROOT / "docs" / "synthhands.md").read_text()
    results = (PROJECT / "README.md").read_text().split("## Results")[1]
    for error in re.findall(r"\| (\d\d\.\d) \|", results):
        assert f"| {error} ±" in page, error
