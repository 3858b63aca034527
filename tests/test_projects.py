"""The example project: its functions are correct, and its config builds."""

import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, FUNCTIONS, MODELS, init_default_scope
from mmpretrain.registry import MODELS as PRETRAINING_MODELS

from simhand_mm.pool import HandPairs, write_poses, write_predictions
from simhand_mm.pretraining import SimilarHandLoss
from tests.command_lines import read_config
from tests.pools import make_hand, make_pose, write_pool

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


def test_a_copy_of_the_example_works_anywhere(project, tmp_path, monkeypatch):
    shutil.copytree(project, tmp_path / "copied", ignore=shutil.ignore_patterns("__pycache__"))
    config = tmp_path / "copied" / CONFIG
    config.write_text(config.read_text().replace("projects.example_project", "copied"))
    monkeypatch.syspath_prepend(tmp_path)
    for registry in (FUNCTIONS, PRETRAINING_MODELS):
        monkeypatch.setattr(registry, "_module_dict", {})  # the original is registered
    config = Config.fromfile(config)
    assert config.model.head.loss.w_pos.type == "gaussian_weighting"
    assert FUNCTIONS.get("gaussian_weighting").__module__ == "copied.weighting"
    assert PRETRAINING_MODELS.get("AlignmentUniformityLoss").__module__ == "copied.loss"


def test_alignment_and_uniformity(project):
    from projects.example_project.loss import AlignmentUniformityLoss

    query = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    out = AlignmentUniformityLoss()(query, query.flip(1), {})
    assert out["alignment"] == pytest.approx(2) and out["uniformity"] == pytest.approx(-4)
    assert out["loss"] == pytest.approx(-2)


@pytest.fixture
def adapted(tmp_path, request, monkeypatch):
    """A folder of simhand adapt, with the pool of 300 hands and what the options need."""
    monkeypatch.syspath_prepend(request.config.rootpath)
    hands = {
        video: [make_hand(video, n, keypoints_3d=np.float32(random_hand(n))) for n in range(150)]
        for video in ("v", "w")
    }
    write_pool(tmp_path / "pool", hands)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/pseudo_labels.json").write_text('{"num_hands": 10}')
    (tmp_path / "adapt.json").write_text('{"stills": 30}')
    return tmp_path


def random_hand(seed):
    return np.random.default_rng(seed).normal((0, 0, 500), 40, (21, 3))


def test_variants_of_the_ablation_are_what_their_names_say(adapted):
    from projects.adaptation.ablation import VARIANTS, jobs

    cfgs, starts = {}, {}
    for name, variant in VARIANTS.items():
        chain = {job.folder.name: job for job in jobs(adapted, variant, name, seed=3)}
        pretraining = [job for job in chain.values() if job.folder.parent.name == "pretraining"]
        cfgs[name] = cfg = read_config(chain["training"])
        assert cfg.randomness.seed == 3
        starts[name] = read_config(pretraining[0]) if pretraining else None
        first, second = cfg.train_dataloader.dataset.datasets
        size = (128, 128) if name.endswith("128 px") else (64, 64)
        test = read_config(chain["held_out"])
        for pipeline in (first.dataset.pipeline, second.dataset.pipeline):
            assert pipeline[1].input_size == pipeline[4].encoder.input_size == size
        assert test.test_dataloader.dataset.pipeline[1].input_size == size
        assert test.model.head.decoder.input_size == size
        assert test.model.backbone.base_channels == cfg.model.backbone.base_channels
    sets = {name: cfg.train_dataloader.dataset.datasets for name, cfg in cfgs.items()}
    times = [[part.times for part in sets[name]] for name in list(VARIANTS)[:4]]
    assert times == [[1, 1], [3, 1], [9, 1], [1, 0]]
    assert sets["half"][0].dataset.pipeline[:3] == sets["half"][1].dataset.pipeline[:3]
    assert sets["half, weaker augmentation"][0].dataset.pipeline[1].max_rotation_deg == 20
    assert cfgs["half, 3,000 steps"].train_cfg.max_iters == 3000
    assert starts["half"].train_cfg.max_epochs == 200  # of 2 steps
    assert "init_cfg" not in cfgs["half"].model.head
    assert "init_cfg" in cfgs["half, pre-training with heatmaps"].model.head
    assert starts["half, no pre-training"] is None


def test_scores_of_the_ablation_are_distances(adapted):
    from projects.adaptation.ablation import table

    names = {"labels/poses/train": ["v/000005/0"], "synthetic/poses/test": ["synthetic"],
             "labels/poses/held_out": ["v/000000/0", "w/000001/0"]}  # fmt: skip
    for path, ids in names.items():
        records = [make_pose(name) | {"keypoints_3d": random_hand(n)} for n, name in enumerate(ids)]
        write_poses(adapted / f"{path}.parquet", records)
    # The hand of the video that is trained on is correct, the other one is not.
    for part, ids, seeds in (
        ("held_out", names["labels/poses/held_out"], (0, 9)),
        ("synthetic_test", ["synthetic"], (0,)),
    ):
        count = len(ids)
        predictions = {
            "sample_id": ids,
            "keypoints_3d": np.stack([random_hand(seed) for seed in seeds]),
            "keypoints_2d": np.zeros((count, 21, 2)),
            "keypoint_score": np.ones((count, 21)),
            "error_mm": np.zeros(count),
        }
        (adapted / part).mkdir()
        write_predictions(adapted / part / "predictions.parquet", predictions)
    header, _, row, twice = table(
        adapted, {"adapted": [adapted], "not done": [], "twice": [adapted] * 2}
    ).splitlines()
    cells = [line.strip("| ").split(" | ")[1:] for line in (header, row)]
    values = dict(zip(cells[0], map(float, cells[1]), strict=True))
    assert values["same videos"] == values["synthetic, root_scale"] == 0
    assert values["labels, root_scale"] == pytest.approx(values["other videos"] / 2, abs=0.1)
    assert values["other videos"] > values["MediaPipe, procrustes"] > 10
    assert twice.split(" | ")[2] == " / ".join([cells[1][1]] * 2)
