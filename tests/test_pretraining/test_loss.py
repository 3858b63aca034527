"""The registered losses and the head."""

import pytest
import torch

from simhand_mm.functional.contrastive import contrast_pairs
from simhand_mm.functional.contrasts import SoftTargets, WeightedNTXent
from simhand_mm.functional.equivariance import invert_augmentation
from simhand_mm.functional.pair_weights import (
    DistanceStatistics,
    PairDistances,
    linear_weights,
    proportional_weights,
    sigmoid_weights,
)
from simhand_mm.functional.pose_distances import normalize_poses
from simhand_mm.pretraining import EquivariantContrastiveHead, PoseAwareLoss, SimilarHandLoss

LINEAR = {"type": "linear"}
WEIGHTED = {"type": "simhand_mm.SimilarHandLoss", "w_pos": LINEAR, "w_neg": LINEAR}


def batch(count=4, dims=8):
    generator = torch.Generator().manual_seed(0)
    projection = torch.randn(2 * count, dims, generator=generator)
    samples = {
        "keypoints_2d": torch.rand(2 * count, 21, 2, generator=generator) * 64,
        "crop_keypoints_2d": torch.rand(2 * count, 21, 2, generator=generator) * 224,
        "pose_embedding": torch.randn(2 * count, 14, generator=generator),
        "rotation_deg": torch.rand(2 * count, generator=generator) * 90 - 45,
        "translation": torch.rand(2 * count, 2, generator=generator) * 0.2,
    }
    return projection, samples


def square_weights(distance, statistics, power=2.0):
    """A custom weight function."""
    return linear_weights(distance, statistics) ** power


def test_modules_pass_their_options_on():
    projection, samples = batch()
    query, positive = projection.chunk(2)
    poses = {
        "augmented": samples["keypoints_2d"],
        "normalized": normalize_poses(samples["crop_keypoints_2d"]),
        "embedding": samples["pose_embedding"][:, None],
    }
    for name, compared in poses.items():
        distances = PairDistances(*compared.chunk(2), "l2")
        options = {"temperature": 0.2, "poses": name, "metric": "l2"}
        cases = (
            (
                SimilarHandLoss(LINEAR, {"type": "proportional"}, "all", "w_pos", **options),
                WeightedNTXent(distances, linear_weights, proportional_weights, "all", "w_pos"),
            ),
            (
                SimilarHandLoss(w_neg=LINEAR, act_on="probability", **options),
                WeightedNTXent(distances, w_neg=linear_weights, act_on="probability"),
            ),
            (PoseAwareLoss(0.3, 0.7, **options), SoftTargets(distances, 0.3, 0.7)),
        )
        for module, contrast in cases:
            out = module(query, positive, samples)
            assert out.pop("loss") == contrast_pairs(query, positive, contrast, 0.2)
            assert out == contrast.log()


def test_default_poses_are_augmented_for_simhand_and_normalized_for_pose_aware():
    projection, samples = batch()
    for loss, unused in (
        (SimilarHandLoss(LINEAR, LINEAR), "crop_keypoints_2d"),
        (PoseAwareLoss(), "keypoints_2d"),
    ):
        needed = {key: value for key, value in samples.items() if key != unused}
        assert loss(*projection.chunk(2), needed)["loss"].isfinite()


def test_weight_functions_by_name_and_by_path():
    projection, samples = batch()
    own = PairDistances(*samples["keypoints_2d"].chunk(2)).positive
    statistics = DistanceStatistics.of(own)
    linear = linear_weights(own, statistics)
    for config, expected in (
        (LINEAR, linear),
        ({"type": "sigmoid", "steepness": 0.1}, sigmoid_weights(own, statistics, 0.1)),
        ({"type": f"{__name__}.square_weights"}, linear**2),
        ({"type": square_weights, "power": 3.0}, linear**3),
    ):
        out = SimilarHandLoss(w_pos=config)(*projection.chunk(2), samples)
        torch.testing.assert_close(out["positive_weight"], expected.mean())
        torch.testing.assert_close(out["positive_distance"], own.mean())


@pytest.mark.parametrize("config", [{"type": "cosine"}, {"steepness": 2.0}])
def test_unknown_weight_function_raises(config):
    with pytest.raises(
        ValueError, match=r"w_neg must have as type one of \['linear', 'proportional', 'sigmoid'"
    ):
        SimilarHandLoss(w_neg=config)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: SimilarHandLoss(denominator="x"), "denominator must be one of .* but got 'x'"),
        (lambda: SimilarHandLoss(poses="x"), "poses must be one of .* but got 'x'"),
        (lambda: PoseAwareLoss(metric="x"), "metric must be one of .* but got 'x'"),
        (lambda: PoseAwareLoss(sigma=0.0), r"sigma must be positive, but got 0\.0"),
        (lambda: PoseAwareLoss(alpha=2.0), r"alpha must be between 0 and 1, but got 2\.0"),
    ],
)
def test_errors_in_a_config_raise_before_training(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rotation", [True, False])
@pytest.mark.parametrize("translation", [True, False])
def test_head_undoes_rotation_and_translation_as_configured(rotation, translation):
    projection, samples = batch()
    head = EquivariantContrastiveHead(WEIGHTED, rotation, translation)
    inverted = invert_augmentation(
        projection,
        samples["rotation_deg"] if rotation else None,
        samples["translation"] if translation else None,
    )
    out = head.loss(projection, samples)
    expected = SimilarHandLoss(LINEAR, LINEAR)(*inverted.chunk(2), samples)
    assert out == expected
    torch.testing.assert_close(head.latest_projection, inverted)
    assert set(out) == {"loss", "positive_distance", "positive_weight"}


class LeastSquares(torch.nn.Module):
    """A custom loss: a module with only a ``forward``."""

    def forward(self, query, positive, samples):
        return {"loss": (query - positive).square().mean()}


def test_custom_loss_is_called():
    projection, samples = batch()
    head = EquivariantContrastiveHead({"type": LeastSquares})
    assert head.loss(projection, samples).keys() == {"loss"}


class Product(torch.nn.Module):
    """A custom loss with a product of matrices, which autocast would round."""

    def forward(self, query, positive, samples):
        return {"loss": (query @ positive.T).square().mean()}


@pytest.mark.parametrize(
    "loss", [WEIGHTED, {"type": "simhand_mm.PoseAwareLoss"}, {"type": Product}]
)
def test_head_computes_in_float32_under_autocast(loss):
    projection, samples = batch()
    head = EquivariantContrastiveHead(loss)
    with torch.autocast("cpu", torch.bfloat16):
        out = head.loss(projection.bfloat16(), samples)
    expected = head.loss(projection.bfloat16().float(), samples)
    assert out["loss"].dtype == torch.float32
    assert out == expected
