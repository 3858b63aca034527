"""The registered loss and head."""

import pytest
import torch

from simhand_mm.functional.contrastive import nt_xent, similar_hand_loss
from simhand_mm.functional.equivariance import invert_augmentation
from simhand_mm.functional.weights import keypoint_distance, linear_weights, sigmoid_weights
from simhand_mm.pretraining import EquivariantContrastiveHead, SimilarHandLoss


def batch(count=4, dims=8):
    generator = torch.Generator().manual_seed(0)
    projection = torch.randn(2 * count, dims, generator=generator)
    samples = {
        "keypoints_2d": torch.rand(2 * count, 21, 2, generator=generator) * 64,
        "rotation_deg": torch.rand(2 * count, generator=generator) * 90 - 45,
        "translation": torch.rand(2 * count, 2, generator=generator) * 0.2,
    }
    return projection, samples


def square_weighting(distance, statistics, power=2.0):
    """What a user may write."""
    return linear_weights(distance, statistics.minimum, statistics.maximum) ** power


def test_module_is_the_function():
    projection, samples = batch()
    arguments = *projection.chunk(2), *samples["keypoints_2d"].chunk(2)
    options = {"metric": "l2", "positive_range": "all", "denominator": "w_pos"}
    loss = SimilarHandLoss(0.2, "both", **options)(*arguments)
    assert loss == similar_hand_loss(*arguments, 0.2, "both", **options)
    torch.testing.assert_close(SimilarHandLoss(0.2)(*arguments), nt_xent(*arguments[:2], 0.2))


def test_weight_functions_by_name_and_by_path():
    projection, samples = batch()
    keypoints = samples["keypoints_2d"].chunk(2)
    own = keypoint_distance(*keypoints)
    linear = linear_weights(own)
    for weight_fn, expected in (
        ({"type": "linear"}, linear),
        ({"type": "sigmoid", "steepness": 0.1}, sigmoid_weights(own, 0.1)),
        ({"type": f"{__name__}.square_weighting"}, linear**2),
        ({"type": square_weighting, "power": 3.0}, linear**3),
    ):
        module = SimilarHandLoss(weighting="positive", weight_fn=weight_fn)
        loss = module(*projection.chunk(2), *keypoints)
        torch.testing.assert_close(loss, nt_xent(*projection.chunk(2), 0.5, expected))
        statistics = module.weight_statistics(*keypoints)
        torch.testing.assert_close(statistics["positive_weight"], expected.mean())
        torch.testing.assert_close(statistics["positive_distance"], own.mean())


@pytest.mark.parametrize("weight_fn", [{"type": "cosine"}, {"steepness": 2.0}])
def test_unknown_weight_function_is_refused(weight_fn):
    with pytest.raises(
        ValueError, match=r"weight_fn must have a type out of \['linear', 'sigmoid'"
    ):
        SimilarHandLoss(weighting="both", weight_fn=weight_fn)


@pytest.mark.parametrize("rotation", [True, False])
@pytest.mark.parametrize("translation", [True, False])
def test_head_undoes_what_it_is_told_to(rotation, translation):
    projection, samples = batch()
    head = EquivariantContrastiveHead(
        {"type": "simhand_mm.SimilarHandLoss", "weighting": "both"}, rotation, translation
    )
    inverted = invert_augmentation(
        projection,
        samples["rotation_deg"] if rotation else None,
        samples["translation"] if translation else None,
    )
    out = head.loss(projection, samples)
    expected = similar_hand_loss(*inverted.chunk(2), *samples["keypoints_2d"].chunk(2))
    torch.testing.assert_close(out["loss"], expected)
    torch.testing.assert_close(head.latest_projection, inverted)
    assert set(out) == {"loss", "positive_distance", "positive_weight"}


def test_head_computes_in_single_precision_under_autocast():
    projection, samples = batch()
    head = EquivariantContrastiveHead({"type": "simhand_mm.SimilarHandLoss", "weighting": "both"})
    with torch.autocast("cpu", torch.bfloat16):
        out = head.loss(projection.bfloat16(), samples)
    expected = head.loss(projection.bfloat16().float(), samples)
    assert out["loss"].dtype == torch.float32
    torch.testing.assert_close(out["loss"], expected["loss"])
