"""The inverse augmentation on projections."""

import cv2
import numpy as np
import pytest
import torch

from simhand_mm.functional.equivariance import invert_augmentation
from tests.references import contrastive as reference


def draw(count=5, dims=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    projection = torch.randn(count, dims, generator=generator, dtype=torch.float64)
    rotation = torch.rand(count, generator=generator, dtype=torch.float64) * 90 - 45
    translation = torch.rand(count, 2, generator=generator, dtype=torch.float64) - 0.5
    return projection, rotation, translation


def test_matches_the_reference():
    projection, rotation, translation = draw()
    expected = [
        reference.invert_augmentation(*sample)
        for sample in zip(projection.numpy(), rotation.tolist(), translation.numpy(), strict=True)
    ]
    np.testing.assert_allclose(
        invert_augmentation(projection, rotation, translation), expected, rtol=1e-12, atol=1e-15
    )


def test_undoes_a_rotation_by_opencv():
    """Points rotated about their mean, as cv2 rotates images, return to their positions."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(8, 2))
    points -= points.mean(0)
    matrix = cv2.getRotationMatrix2D((0.0, 0.0), 30.0, 1.0)
    turned = points @ matrix[:, :2].T
    inverted = invert_augmentation(
        torch.tensor(turned).reshape(1, -1), torch.tensor([30.0]).double()
    )
    expected = points.ravel() / np.linalg.norm(points)
    np.testing.assert_allclose(inverted[0], expected, rtol=1e-10)


def test_undoes_a_translation_up_to_the_norm_of_the_vector():
    """Before the second normalisation, a shift by a fraction of the extent is undone exactly."""
    projection, _, translation = draw()
    points = torch.nn.functional.normalize(projection, dim=1).reshape(5, 8, 2)
    extent = points.amax(1) - points.amin(1)
    moved = (points + (translation * extent)[:, None]).reshape(5, 16)
    norm = moved.norm(dim=1, keepdim=True)
    inverted = invert_augmentation(moved, None, translation)
    # The first normalisation divides points and extent alike, so the fraction does not change.
    assert torch.allclose(inverted, torch.nn.functional.normalize(projection, dim=1))
    assert not torch.allclose(norm, torch.ones_like(norm))


def test_without_parameters_only_normalises():
    projection, rotation, translation = draw()
    unit = torch.nn.functional.normalize(projection, dim=1)
    torch.testing.assert_close(invert_augmentation(projection), unit)
    torch.testing.assert_close(invert_augmentation(projection, rotation * 0, translation * 0), unit)


def test_rows_are_unit_and_scale_does_not_matter():
    projection, rotation, translation = draw()
    inverted = invert_augmentation(projection, rotation, translation)
    torch.testing.assert_close(inverted.norm(dim=1), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(invert_augmentation(projection * 7, rotation, translation), inverted)


def test_gradient_does_not_flow_through_mean_and_extent():
    projection, rotation, translation = draw(count=1, dims=4)
    projection.requires_grad_()
    inverted = invert_augmentation(projection, rotation, translation)
    inverted[0, 0].backward()
    # Expected: finite differences with fixed mean and extent.
    frozen = projection.detach()
    unit = torch.nn.functional.normalize(frozen, dim=1).reshape(2, 2)
    extent = unit.amax(0) - unit.amin(0)
    shift = translation[0] * extent
    center = (unit - shift).mean(0)
    angle = torch.deg2rad(rotation[0])
    turn = torch.tensor([[angle.cos(), angle.sin()], [-angle.sin(), angle.cos()]]).double()

    def frozen_value(vector):
        points = torch.nn.functional.normalize(vector, dim=1).reshape(2, 2) - shift
        moved = (points - center) @ turn + center
        return torch.nn.functional.normalize(moved.reshape(1, 4), dim=1)[0, 0]

    for k in range(4):
        step = torch.zeros(1, 4, dtype=torch.float64)
        step[0, k] = 1e-6
        slope = (frozen_value(frozen + step) - frozen_value(frozen - step)) / 2e-6
        assert projection.grad[0, k].item() == pytest.approx(slope.item(), abs=1e-8)


def test_argument_is_unchanged():
    projection, rotation, translation = draw()
    before = projection.clone()
    invert_augmentation(projection, rotation, translation)
    assert torch.equal(projection, before)


def test_bad_shapes_raise():
    projection, rotation, translation = draw()
    with pytest.raises(ValueError, match=r"even number of columns.*but got 15"):
        invert_augmentation(projection[:, :15])
    with pytest.raises(ValueError, match=r"rotation_deg must have shape \(5,\), but got \(4,\)"):
        invert_augmentation(projection, rotation[:4])
    with pytest.raises(ValueError, match=r"translation must have shape \(5, 2\)"):
        invert_augmentation(projection, rotation, translation[:, :1])
