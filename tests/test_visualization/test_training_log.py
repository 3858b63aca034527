"""Reading the scalars that mmengine logs."""

import json

import numpy as np

from simhand_mm.visualization.training_log import read_scalars, training_chart


def write_log(work_dir, start, records, tail=""):
    path = work_dir / start / "vis_data" / "scalars.json"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)


def test_read_scalars_joins_resumed_runs_and_skips_incomplete_lines(tmp_path, caplog):
    write_log(tmp_path, "20260101_000000", [{"loss": 3.0, "step": 1}, {"loss": 2.0, "step": 2}])
    write_log(tmp_path, "20260102_000000", [{"loss": 1.5, "step": 2}], tail='{"loss": 1.')
    steps, values = read_scalars(tmp_path)["loss"]
    np.testing.assert_array_equal(steps, [1, 2])
    np.testing.assert_array_equal(values, [3.0, 1.5])
    assert "line 2 of" in caplog.text


def test_read_scalars_of_an_empty_folder_is_empty(tmp_path):
    assert read_scalars(tmp_path) == {}


def test_training_chart_uses_the_first_tag_of_each_run(tmp_path):
    write_log(tmp_path / "a", "1", [{"loss_x": 1.0, "step": s} for s in range(1000)])
    write_log(tmp_path / "b", "1", [{"loss": 2.0, "loss_x": 9.0, "step": s} for s in range(3)])
    runs = {name: tmp_path / name for name in ("a", "b", "missing")}
    svg = training_chart(runs, ["loss", "loss_x"], dict.fromkeys(runs, 0), "t", "x", "y")
    assert svg.count("<path") == 2
    assert ">missing<" not in svg
    assert len(svg) < 8000  # long curves are averaged


def test_training_chart_without_data_is_none(tmp_path):
    assert training_chart({"a": tmp_path}, ["loss"], {"a": 0}, "t", "x", "y") is None
