"""Plans: checks of names, selection of rows, reading of files."""

from dataclasses import replace
from pathlib import Path

import pytest

from simhand_mm.experiments import (
    SCRATCH,
    Data,
    Finetuning,
    Plan,
    Pretraining,
    Probing,
    Question,
    Row,
    Step,
    load_plan,
)
from simhand_mm.experiments.commands import Workspace, row_jobs

TUNE = Finetuning("all", "scratch.py", "pre.py", data=("labels",))
LABELS = Data("labels", (Step("synthesize", "simhand synthesize {data}/labels"),))


def plan(*rows, data=(LABELS,)):
    return Plan("p", "data/p", data, (Question("q", "Why?", "Table 1", rows),))


def test_rows_are_selected_by_label_or_run_name():
    rows = (Row("one", SCRATCH, TUNE), Row("two", Pretraining("x", "x.py"), TUNE))
    for name in ("two", "x-all"):
        (question,) = plan(*rows).select("q", name)
        assert question.rows == rows[1:]
    assert plan(*rows).select()[0].rows == rows


@pytest.mark.parametrize(
    "question, row, message",
    [
        ("r", None, r"question must be one of \['q'\], but got 'r'"),
        (None, "three", r"row must be one of \['one'\], but got 'three'"),
    ],
)
def test_unknown_names_raise_with_the_known_ones(question, row, message):
    with pytest.raises(ValueError, match=message):
        plan(Row("one", SCRATCH, TUNE)).select(question, row)


def test_different_runs_with_the_same_name_raise():
    rows = [Row(f"{i}", Pretraining("x", "x.py", (f"a={i}",)), TUNE) for i in range(2)]
    with pytest.raises(ValueError, match=r"pretraining names must differ, but got \['x'\]"):
        plan(*rows)


def test_unknown_data_raises():
    with pytest.raises(ValueError, match=r"data must be one of \[\], but got \['labels'\]"):
        plan(Row("one", SCRATCH, TUNE), data=())


def test_repeated_labels_raise():
    with pytest.raises(ValueError, match=r"row of q names must differ, but got \['one'\]"):
        plan(Row("one", SCRATCH, TUNE), Row("one", SCRATCH, TUNE))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"name": "tau 0.5"}, r"name must be that of a folder, .* got 'tau 0.5'"),
        ({"name": "a/b"}, r"name must be that of a folder, .* got 'a/b'"),
        ({"config": "{plans}/x.py"}, r"of x may contain \{data\}, .* but contain \{plans\}"),
        ({"options": ("a={date}/b",)}, r"of x may contain \{data\}, .* but contain \{date\}"),
    ],
)
def test_names_and_places_are_checked(change, message):
    method = Pretraining("x", "{plan}/x.py", ("a={data}/b",))
    plan(Row("one", method, TUNE))
    with pytest.raises(ValueError, match=message):
        plan(Row("one", replace(method, **change), TUNE))


def test_options_with_a_backbone_need_a_pretraining():
    tune = replace(TUNE, options=("model.head.init_cfg.checkpoint={backbone}",))
    with pytest.raises(ValueError, match="pretraining of the row 'one' must have a config"):
        Row("one", SCRATCH, tune)


def test_probing_needs_a_pretraining():
    probing = Probing("digits", "pool", "label", "person")
    with pytest.raises(ValueError, match="pretraining of the row 'one' must have a config"):
        Row("one", SCRATCH, probing)
    rows = (Row("one", Pretraining("x", "x.py"), probing), Row("two", SCRATCH, TUNE))
    with pytest.raises(ValueError, match="rows of q must all be fine-tuned or all be probed"):
        plan(*rows)


def test_plan_is_read_from_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from simhand_mm.experiments import Plan\nPLAN = Plan('mine', 'data', (), ())\n"
    )
    loaded, folder = load_plan(str(path), Path("nowhere"))
    assert (loaded.name, folder) == ("mine", tmp_path)
    with pytest.raises(ValueError, match=r"mine\.py must define TINY, .* but got None"):
        load_plan(str(path), Path("nowhere"), tiny=True)


def test_plan_imports_files_of_its_folder(tmp_path):
    (tmp_path / "rows.py").write_text("from simhand_mm.experiments import Plan\nSPLIT = Plan")
    (tmp_path / "plan.py").write_text("from .rows import SPLIT\nPLAN = SPLIT('p', 'data', (), ())")
    assert load_plan(str(tmp_path / "plan.py"), tmp_path)[0].name == "p"


def test_missing_plan_raises_with_the_known_ones(tmp_path):
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "plan.py").touch()
    with pytest.raises(FileNotFoundError, match=r"PLAN must be one of \['known'\].* got 'other'"):
        load_plan("other", tmp_path)


def test_commands_keep_folders_with_spaces_and_commas_whole(tmp_path):
    place = Workspace(tmp_path / "my data, 2", tmp_path / "my work, 2", tmp_path)
    method = Pretraining("x", "x.py", ("model.init_cfg.checkpoint={work}/start.pth",))
    tune = replace(TUNE, options=("model.head.init_cfg.checkpoint={backbone}",))
    row = Row("one", method, tune)
    data, pretrain, finetune, _ = row_jobs(plan(row), row, 0, place)
    assert data.arguments[2] == f"{place.data}/labels"
    assert f"model.init_cfg.checkpoint='{place.work}/start.pth'" in pretrain.arguments
    backbone = f"{place.work}/pretrain/x-seed0/backbone.pth"
    for part in ("head", "backbone"):
        assert f"model.{part}.init_cfg.checkpoint='{backbone}'" in finetune.arguments
