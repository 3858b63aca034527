import hashlib
import json
from dataclasses import replace

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from simhand_mm.executors import LocalExecutor, RayExecutor, WorkerDied
from simhand_mm.pool import read_poses
from simhand_mm.synthetic import Contents, GroundTruth, dataset, synthesize

SMALL = Contents(
    num_videos=2, num_frames=3, num_train_stills=11, num_test_stills=3, seed=3, image_size=64
)


def fingerprint(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("synthetic")
    return root, synthesize(root, SMALL)


def test_counts_and_summary(made):
    root, summary = made
    assert len(list((root / "videos").glob("*.mp4"))) == 2
    assert len(list((root / "images/train").iterdir())) == 11
    assert summary["num_rows"] == {
        "ground_truth.parquet": 9,  # the second video shows two hands
        "poses/train.parquet": 11,
        "poses/test.parquet": 3,
    }
    assert json.loads((root / "synthetic.json").read_text()) == summary
    for name, digest in summary["sha256"].items():
        assert hashlib.sha256((root / name).read_bytes()).hexdigest() == digest


def test_videos_match_the_ground_truth(made):
    root, _ = made
    truth = GroundTruth.load(root)
    capture = cv2.VideoCapture(str(root / "videos" / f"{truth.video_id[0]}.mp4"))
    assert capture.get(cv2.CAP_PROP_FPS) == 10
    frames = [capture.read() for _ in range(4)]
    assert [ok for ok, _ in frames] == [True, True, True, False]
    assert frames[0][1].shape == (240, 320, 3)
    times = pq.read_table(root / "ground_truth.parquet")["time_s"].to_numpy()
    np.testing.assert_allclose(times, truth.frame_index / 10)


def test_stills_are_labelled_exactly(made):
    root, _ = made
    for split in ("train", "test"):
        poses = read_poses(root / f"poses/{split}.parquet")
        for index, path in enumerate(poses["image_path"]):
            assert cv2.imread(str(root / path)).shape == (64, 64, 3)
            homogeneous = poses["keypoints_3d"][index] @ poses["camera_matrix"][index].T
            projected = homogeneous[:, :2] / homogeneous[:, 2:]
            np.testing.assert_allclose(poses["keypoints_2d"][index], projected, atol=1e-3)
        assert poses["keypoints_valid"].all()


def test_stills_of_any_appearance_are_labelled_exactly(tmp_path):
    contents = Contents(0, 1, 4, 1, image_size=64, stills="any")
    assert synthesize(tmp_path, contents)["parameters"]["stills"] == "any"
    assert "stills" not in Contents().parameters()  # files of studio stills stay byte-identical
    poses = read_poses(tmp_path / "poses/train.parquet")
    assert len(set(poses["sample_id"])) == 4 and len(set(poses["subject_id"])) == 1
    homogeneous = poses["keypoints_3d"] @ poses["camera_matrix"].transpose(0, 2, 1)
    projected = homogeneous[..., :2] / homogeneous[..., 2:]
    np.testing.assert_allclose(poses["keypoints_2d"], projected, atol=1e-3)
    assert (poses["keypoints_2d"] > 0).all() and (poses["keypoints_2d"] < 63).all()


def test_subjects_of_the_sets_are_disjoint(made):
    root, _ = made
    people = [
        set(read_poses(root / f"poses/{split}.parquet")["subject_id"])
        for split in ("train", "test")
    ]
    people.append(set(pq.read_table(root / "ground_truth.parquet")["subject_id"].to_pylist()))
    assert sum(map(len, people)) == len(set.union(*people)) == 2 + 1 + 2


def test_workers_give_identical_bytes(made, tmp_path):
    synthesize(tmp_path, SMALL, executor=LocalExecutor(2))
    assert fingerprint(tmp_path) == fingerprint(made[0])


@pytest.mark.slow
def test_ray_gives_identical_bytes(made, tmp_path, two_ray_nodes):
    synthesize(tmp_path, SMALL, executor=RayExecutor(2))
    assert fingerprint(tmp_path) == fingerprint(made[0])


def test_larger_data_sets_start_with_the_same_parts(made, tmp_path):
    """A part does not depend on the number of parts."""
    synthesize(tmp_path, replace(SMALL, num_videos=1, num_train_stills=10, num_test_stills=0))
    ours, theirs = fingerprint(tmp_path), fingerprint(made[0])
    same = [name for name in ours if name.startswith(("videos", "images"))]
    assert len(same) == 11 and all(ours[name] == theirs[name] for name in same)


def test_seed_changes_everything(made, tmp_path):
    synthesize(
        tmp_path, replace(SMALL, num_videos=1, num_train_stills=1, num_test_stills=1, seed=4)
    )
    ours, theirs = fingerprint(tmp_path), fingerprint(made[0])
    assert not any(ours[name] == theirs[name] for name in ours if name in theirs)


def test_killed_run_continues_with_the_missing_parts(made, tmp_path, monkeypatch):
    done = []

    def die_after_two(part, root):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(part.name)
        make_part(part, root)

    make_part = dataset.make_part
    monkeypatch.setattr(dataset, "make_part", die_after_two)
    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path, SMALL)
    assert not json.loads((tmp_path / "synthetic.json").read_text())["is_complete"]
    again = []
    monkeypatch.setattr(
        dataset, "make_part", lambda part, root: (again.append(part.name), make_part(part, root))
    )
    synthesize(tmp_path, SMALL)
    assert done == ["video_00000", "video_00001"]
    assert again == ["train_00000", "train_00001", "test_00000"]
    assert fingerprint(tmp_path) == fingerprint(made[0])


class DyingExecutor(LocalExecutor):
    """Loses the worker of the first part."""

    def __call__(self, tasks, build_worker):
        yield tasks[0], WorkerDied("exit code -9")
        yield from super().__call__(tasks[1:], build_worker)


def test_a_dead_worker_loses_one_part(made, tmp_path):
    with pytest.raises(RuntimeError, match=r"workers died at \{'video_00000': 'exit code -9'\}"):
        synthesize(tmp_path, SMALL, executor=DyingExecutor())
    assert not (tmp_path / "videos/video_00000.mp4").exists()
    assert (tmp_path / "videos/video_00001.mp4").is_file()
    synthesize(tmp_path, SMALL)
    assert fingerprint(tmp_path) == fingerprint(made[0])


def test_complete_set_is_not_changed_and_a_lost_file_is_made_again(made, monkeypatch):
    root, summary = made
    before = fingerprint(root)
    made_again = []
    make_part = dataset.make_part
    monkeypatch.setattr(
        dataset,
        "make_part",
        lambda part, root: (made_again.append(part.name), make_part(part, root)),
    )
    assert synthesize(root, SMALL) == summary
    assert made_again == []
    (root / "videos/video_00001.mp4").unlink()
    (root / "poses/test.parquet").unlink()
    assert synthesize(root, SMALL) == summary
    assert made_again == ["video_00001"] and fingerprint(root) == before


def test_other_arguments_are_refused(made):
    with pytest.raises(
        ValueError, match=r"num_videos=2, and num_videos=5 was requested.*another folder"
    ):
        synthesize(made[0], replace(SMALL, num_videos=5))
    with pytest.raises(ValueError, match="seed=3, and seed=9 was requested"):
        synthesize(made[0], replace(SMALL, seed=9))


@pytest.mark.parametrize("name, value", [("num_frames", 0), ("image_size", 8), ("num_videos", -1)])
def test_too_small_values_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least"):
        replace(SMALL, **{name: value})


def test_a_file_as_output_dir_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="output_dir must be a folder"):
        synthesize(tmp_path / "file", SMALL)
