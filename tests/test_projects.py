"""The example project: its functions are correct, and its config builds."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope

from simhand_mm.pool import HandPairs, write_poses
from simhand_mm.pretraining import SimilarHandLoss
from tests.pools import make_hand, write_pool

LINEAR = {"type": "linear"}
CONFIG = "configs/simhand_resnet18_1xb128-gaussian-coslr-6e_synthetic-64px.py"


@pytest.fixture
def project(request, monkeypatch):
    """Folder of the project, importable as ``projects.example_project``."""
    monkeypatch.syspath_prepend(request.config.rootpath)
    return request.config.rootpath / "projects" / "example_project"


def test_gaussian_weights_decrease_from_one(project):
    from projects.example_project.weighting import gaussian_weighting
    from simhand_mm.functional.pair_weights import DistanceStatistics

    distance = torch.tensor([0.0, 2.0, 4.0])
    statistics = DistanceStatistics.of(distance)
    expected = torch.tensor([1.0, np.exp(-1.0), np.exp(-4.0)], dtype=torch.float32)
    torch.testing.assert_close(gaussian_weighting(distance, statistics), expected)


def test_pairs_that_are_not_mutual_are_dropped(project):
    from projects.example_project.positives import mutual_pairs

    # 0 and 1 are mutual; 0 of 2 is not; 2 of 3 is, at rank 2 in the other direction; 4 has none.
    positive = np.array([[1, 3], [0, 3], [0, 3], [2, 4], [-1, -1]])
    distance = np.where(positive < 0, np.inf, 1.0)
    found = mutual_pairs(HandPairs(positive, distance, np.array([1, 2]), "similar", "m", "f"))
    assert found.positive_index.tolist() == [[1, -1], [0, -1], [-1, 3], [2, -1], [-1, -1]]
    assert np.array_equal(np.isfinite(found.distance), found.positive_index >= 0)
    assert found.rule == "mutual"


def test_config_builds_its_loss_and_uses_its_pairs(project, monkeypatch):
    monkeypatch.setenv("SIMHAND_DATA", "nowhere")
    cfg = Config.fromfile(project / CONFIG)
    init_default_scope(cfg.default_scope)
    loss = MODELS.build(cfg.model.head).loss_module
    samples = {"keypoints_2d": 64 * torch.rand(8, 21, 2)}
    out, paper = (
        module(*torch.randn(2, 4, 8), samples)
        for module in (loss, SimilarHandLoss(**dict.fromkeys(("w_pos", "w_neg"), LINEAR)))
    )
    assert out["positive_distance"] == paper["positive_distance"]
    assert out["positive_weight"] != paper["positive_weight"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        DATASETS.build(cfg.train_dataloader.dataset)
    assert cfg.train_dataloader.dataset.pairs == "mutual"


def test_rows_of_the_ablation_show_their_sets_equally_often(tmp_path, monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath)
    from projects.adaptation.ablation import ROWS, finished, make_config, table

    for root, names in {"studio": "stu", "any": "drawn", "labels": ["v/000001/0"]}.items():
        write_poses(tmp_path / root / "poses/train.parquet", [pose_record(n) for n in names])
    write_pool(tmp_path / "pool", {"v": [make_hand("v", frame) for frame in range(3)]})
    for parts in list(ROWS.values())[-2:]:
        cfg = make_config(tmp_path, parts, seed=3, iterations=4, batch_size=6)
        sets = {part for part in parts if part != "pretrained"}
        datasets = cfg.train_dataloader.dataset.datasets
        assert [len(dataset.indices) for dataset in datasets] == [24 // len(sets)] * len(sets)
        assert cfg.randomness.seed == 3
        backbone = cfg.model.backbone.get("init_cfg") or {}
        assert backbone.get("checkpoint", "").endswith("pth") == ("pretrained" in parts)
    two_d = make_config(tmp_path, ("2d",), 0, 1, 2).train_dataloader.dataset.datasets[0]
    assert two_d.indices == [1, 1]  # the only hand that is not held out
    for seed, value in ((0, 1), (1, 4)):  # by two processes
        done = {f"seed {seed}": {"row": "studio stills", "drawn": value}}
        (tmp_path / f"ablation-{seed}of2.json").write_text(json.dumps(done))
    assert "| studio stills | 2.5 (1.0–4.0) |" in table(finished(tmp_path))


def pose_record(name):
    return {
        "sample_id": name,
        "image_path": "image.png",
        "width": 8,
        "height": 8,
        "camera_matrix": np.eye(3),
        "keypoints_3d": np.ones((21, 3)),
        "keypoints_2d": np.ones((21, 2)),
        "keypoints_valid": np.ones(21, bool),
        "bbox_xyxy": np.array([0, 0, 8, 8]),
        "handedness": "right",
        "subject_id": "",
        "sequence_id": "",
        "source": "test",
    }
