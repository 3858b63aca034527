"""Joining predictions with the ground truth, and choosing the samples to show."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simhand_mm.pool import write_poses
from simhand_mm.visualization.predictions import (
    changed_samples,
    choose_samples,
    read_comparison,
    worst_samples,
)
from tests.test_visualization.labelled_stills import NUM_STILLS, write_predictions, write_stills


@pytest.fixture
def compare(tmp_path):
    """Joins models with the given errors on the stills, in mm."""
    write_stills(tmp_path)

    def join(**errors_mm):
        for name, errors in errors_mm.items():
            write_predictions(tmp_path / f"{name}.parquet", np.array(errors, dtype=float))
        files = {name: tmp_path / f"{name}.parquet" for name in errors_mm}
        return read_comparison(tmp_path, tmp_path / "poses/test.parquet", files)

    return join


def test_comparison_joins_by_sample_id_and_ignores_unlabelled_keypoints(tmp_path):
    write_stills(tmp_path)
    errors_mm = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    write_predictions(tmp_path / "a.parquet", errors_mm, order=[3, 1, 0, 2])
    write_predictions(tmp_path / "b.parquet", errors_mm)
    models = {name: tmp_path / f"{name}.parquet" for name in ("a", "b")}
    comparison = read_comparison(tmp_path, tmp_path / "poses/test.parquet", models)
    assert comparison.sample_ids == ["still 0", "still 1", "still 2", "still 3"]
    expected = errors_mm[:4] * 18 / 20  # keypoint 20 has no label; wrist and middle MCP are exact
    for model in models:
        np.testing.assert_allclose(comparison.error_mm[model], expected, atol=1e-3)
    assert np.isnan(comparison.target_2d[:, 20]).all()


def test_shown_samples_are_quantiles_of_the_mean_error(tmp_path):
    write_stills(tmp_path)
    write_predictions(tmp_path / "a.parquet", np.array([5.0, 1.0, 3.0, 2.0, 4.0]))
    poses = tmp_path / "poses/test.parquet"
    samples = choose_samples(read_comparison(tmp_path, poses, {"a": tmp_path / "a.parquet"}))
    assert (samples["best"], samples["median"], samples["worst"]) == (1, 2, 0)


def test_predictions_of_another_set_are_refused(tmp_path):
    write_stills(tmp_path)
    write_predictions(tmp_path / "a.parquet", np.zeros(NUM_STILLS), order=[0])
    write_poses(tmp_path / "poses" / "other.parquet", [])
    poses = tmp_path / "poses" / "other.parquet"
    with pytest.raises(ValueError, match=r"predictions must be of .*other\.parquet"):
        read_comparison(tmp_path, poses, {"a": tmp_path / "a.parquet"})


def test_worst_samples_are_in_descending_order_of_error(compare):
    comparison = compare(a=[5, 1, 3, 2, 4])
    assert worst_samples(comparison, "a", 3) == {"worst 1": 0, "worst 2": 4, "worst 3": 2}


def test_samples_without_error_are_not_shown(compare):
    comparison = compare(a=[5, 1, 3, 2, 4])
    comparison.error_mm["a"][0] = np.nan
    assert worst_samples(comparison, "a", 1) == {"worst 1": 4}
    assert 0 not in choose_samples(comparison).values()


def test_changed_samples_have_the_largest_differences_in_both_directions(compare):
    comparison = compare(scratch=[5, 5, 5, 5, 5], ours=[1, 9, 5, 4, 7])
    assert changed_samples(comparison, "ours", "scratch", 2) == {
        "ours better 1": 0,
        "ours better 2": 3,
        "ours worse 1": 1,
        "ours worse 2": 4,
    }
    assert list(changed_samples(comparison, "ours", "scratch", 5).values()) == [0, 3, 1, 4]


def test_other_files_than_predictions_are_refused(compare, tmp_path):
    compare(a=[0] * NUM_STILLS)
    poses = tmp_path / "poses/test.parquet"
    (tmp_path / "metrics.parquet").write_text("{}")
    with pytest.raises(ValueError, match=r"metrics\.parquet must be a table of predictions"):
        read_comparison(tmp_path, poses, {"a": tmp_path / "metrics.parquet"})
    with pytest.raises(FileNotFoundError, match=r"none\.parquet does not exist"):
        read_comparison(tmp_path, poses, {"a": tmp_path / "none.parquet"})


def test_images_may_be_linked_but_their_paths_must_stay_below_the_root(compare, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "images").rename(tmp_path / "disk" / "images")
    (tmp_path / "images").symlink_to(tmp_path / "disk" / "images")
    comparison = compare(a=[0] * NUM_STILLS)
    assert all(path.is_file() for path in comparison.image_paths)
    poses = tmp_path / "poses/test.parquet"
    table = pq.read_table(poses)
    column = table.column_names.index("image_path")
    names = pa.array(["../secret.jpg"] * NUM_STILLS)
    pq.write_table(table.set_column(column, "image_path", names), poses)
    with pytest.raises(ValueError, match=r"must be inside the data_root, but row 0 .*'\.\./secret"):
        read_comparison(tmp_path, poses, {"a": tmp_path / "a.parquet"})
