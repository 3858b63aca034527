"""Tables: mean and spread, published numbers, differences, missing runs; parts of documents."""

import pytest

from simhand_mm.experiments import SCRATCH, Finetuning, Pretraining, Probing, Question, Row, Score
from simhand_mm.experiments.results import merge
from simhand_mm.experiments.tables import missing_runs, question_table, spread, write_part

TUNE = Finetuning("all", "a.py", "b.py")
RUN = {"root_scale_auc_20_50": 0.7, "procrustes_mpjpe_mm": 9.0, "root_mpjpe_mm": 20.0}
RESULTS = {
    "runs": {
        "scratch-all": {str(s): {**RUN, "root_scale_mpjpe_mm": 20.0 + 2 * s} for s in range(2)}
    },
    "pretrainings": {},
}


def question(paper):
    rows = (Row("scratch", SCRATCH, TUNE, paper), Row("x", SCRATCH, Finetuning("y", "", "")))
    return Question("q", "Why?", "Table 1", rows)


def test_numbers_are_mean_and_spread():
    assert spread([], 1) == "–"
    assert spread([2.0], 1) == "2.0"
    assert spread([1.0, 3.0], 1) == "2.0 ± 1.4"


def test_columns_are_published_ours_difference():
    lines = question_table(RESULTS, question(Score(19.21, 85.61))).splitlines()
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[:5] == ["scratch", "2", "19.21", "21.0 ± 1.4", "+1.8"]
    assert cells[5:8] == ["85.61", "70.0 ± 0.0", "-15.6"]
    assert lines[3].split("|")[2].strip() == "not run"
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


def test_no_column_for_published_numbers_if_there_are_none():
    text = question_table(RESULTS, question(None))
    assert "paper" not in text and "| scratch | 2 | 21.0 ± 1.4 | 70.0 ± 0.0 |" in text


def test_probings_are_listed_with_what_each_of_them_measures():
    row = Row("SimCLR", Pretraining("simclr", "a.py"), Probing("digits", "pool", "label", "person"))
    scores = {"linear": 0.5, "knn": 0.4}
    same = {"random weights": scores, "2D keypoints": {"linear": 0.9, "knn": 0.8}, "chance": 0.1}
    runs = {"0": {"linear": 0.6, "knn": 0.5, **same}, "1": {"linear": 0.8, "knn": 0.5, **same}}
    results = {"runs": {"simclr-digits": runs}, "pretrainings": {}}
    lines = question_table(results, Question("q", "Why?", "digits", (row,))).splitlines()
    assert lines[2:] == [
        "| SimCLR | 2 | 70.0 ± 14.1 | 50.0 ± 0.0 | – |",
        "| random weights | 2 | 50.0 ± 0.0 | 40.0 ± 0.0 | – |",
        "| 2D keypoints | 2 | 90.0 ± 0.0 | 80.0 ± 0.0 | – |",
        "| always the most frequent label | 2 | 10.0 ± 0.0 | – | – |",
    ]


def test_missing_seeds_are_listed():
    assert list(missing_runs(RESULTS, question(None), [0, 1, 2])) == [
        "scratch: seed 2",
        "x: seed 0, 1, 2",
    ]


def test_part_of_a_document_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- p: t -->\nold\n<!-- end of p: t -->\nb\n")
    write_part(page, "p", "t", "new")
    assert page.read_text() == "a\n<!-- p: t -->\nnew\n<!-- end of p: t -->\nb\n"
    with pytest.raises(ValueError, match="must have the lines <!-- p: u -->"):
        write_part(page, "p", "u", "new")


def test_new_results_are_merged_into_old_ones():
    old = {"runs": {"a": {"0": 1, "1": 2}}, "pretrainings": {}, "data": {"10k": 1}}
    new = {"runs": {"a": {"1": 3}, "b": {"0": 4}}, "pretrainings": {}, "data": {}}
    assert merge(old, new) == {
        "runs": {"a": {"0": 1, "1": 3}, "b": {"0": 4}},
        "pretrainings": {},
        "data": {"10k": 1},
    }
