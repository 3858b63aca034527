import numpy as np
import pytest

from simhand_mm.pool import read_poses
from simhand_mm.synthetic import Contents, synthesize


@pytest.fixture(scope="session")
def data_root(tmp_path_factory):
    """Eight labelled stills of one synthetic person, each from a different camera."""
    root = tmp_path_factory.mktemp("synthetic")
    synthesize(root, Contents(0, 1, num_train_stills=8, num_test_stills=0, seed=1))
    return root


@pytest.fixture
def hands(data_root):
    """Ground truth of the stills, one dictionary per still."""
    poses = read_poses(data_root / "poses/train.parquet")
    return [
        {name: np.copy(v[i]) if isinstance(v, np.ndarray) else v[i] for name, v in poses.items()}
        for i in range(len(poses["sample_id"]))
    ]


def assert_same_hand(record, hand):
    """Check that a converted record equals the ground truth of the generator."""
    np.testing.assert_allclose(record["keypoints_3d"], hand["keypoints_3d"], atol=1e-3)  # mm
    np.testing.assert_allclose(record["keypoints_2d"], hand["keypoints_2d"], atol=1e-3)  # px
    np.testing.assert_allclose(record["camera_matrix"], hand["camera_matrix"])
    assert record["handedness"] == hand["handedness"]


@pytest.fixture
def same_hand():
    return assert_same_hand
