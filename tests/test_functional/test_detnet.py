import pytest
import torch

from simhand_mm.functional import detnet, detnet_losses
from simhand_mm.functional.keypoints import PARENTS
from tests.references.detnet import (
    heat_loss_reference,
    heatmap_reference,
    masked_map_loss_reference,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_heatmaps_equal_reference():
    point = torch.tensor([[2.3, 4.6]])
    heat = detnet.heatmap_targets(point, (7, 9), sigma=1.5)
    assert heat.shape == (1, 9, 7)
    expected = torch.tensor(heatmap_reference([2.3, 4.6], 7, 9, 1.5))
    torch.testing.assert_close(heat[0], expected)


def test_heatmap_of_unknown_point_is_empty():
    heat = detnet.heatmap_targets(torch.full((1, 2), torch.nan), (4, 4))
    assert heat.abs().max() == 0


def test_locations_and_deltas_are_scale_free_and_invertible(generator):
    hand = torch.randn(3, 21, 3, generator=generator)
    location = detnet.location_targets(hand)
    torch.testing.assert_close(location, detnet.location_targets(7 * hand + 4))
    length = (hand[:, 9] - hand[:, 0]).norm(dim=-1)
    torch.testing.assert_close(location * length[:, None, None] + hand[:, :1], hand)
    delta = detnet.delta_targets(hand)
    torch.testing.assert_close(delta, detnet.delta_targets(7 * hand + 4))
    for child in range(1, 21):
        bone = hand[0, child] - hand[0, PARENTS[child]]
        torch.testing.assert_close(delta[0, child], bone / bone.norm())
    assert delta[:, 0].abs().max() == 0


@pytest.mark.parametrize("over_batch", [False, True])
def test_losses_equal_reference(generator, over_batch):
    heat, target = torch.rand(2, 2, 21, 4, 3, generator=generator, dtype=torch.float64)
    maps = torch.randn(2, 21, 3, 4, 3, generator=generator, dtype=torch.float64)
    vectors = torch.randn(2, 21, 3, generator=generator, dtype=torch.float64)
    weight = (torch.rand(2, 21, generator=generator) > 0.3).double()
    expected = heat_loss_reference(heat.tolist(), target.tolist(), weight.tolist())
    torch.testing.assert_close(detnet_losses.heat_loss(heat, target, weight).item(), expected)
    arguments = (maps, vectors, target, weight)
    expected = masked_map_loss_reference(*(a.tolist() for a in arguments), over_batch)
    loss = detnet_losses.masked_map_loss(*arguments, over_batch)
    torch.testing.assert_close(loss.item(), expected, rtol=1e-9, atol=1e-9)


def test_samples_without_3d_labels_are_ignored(generator):
    maps = torch.randn(2, 21, 3, 4, 4, generator=generator, requires_grad=True)
    vectors = torch.full((2, 21, 3), torch.nan)
    vectors[0] = 1.0
    weight = torch.tensor([[1.0], [0.0]]).expand(2, 21)
    mask = torch.ones(2, 21, 4, 4)
    both = detnet_losses.masked_map_loss(maps, vectors, mask, weight)
    first = detnet_losses.masked_map_loss(maps[:1], vectors[:1], mask[:1], weight[:1])
    torch.testing.assert_close(both, first)
    both.backward()
    assert maps.grad[1].abs().max() == 0
    assert detnet_losses.masked_map_loss(maps, vectors, mask, weight * 0).item() < 1e-5


def test_perfect_maps_give_finite_gradients():
    maps = torch.zeros(1, 21, 3, 2, 2, requires_grad=True)
    mask = torch.ones(1, 21, 2, 2)
    detnet_losses.masked_map_loss(maps, torch.zeros(1, 21, 3), mask, torch.ones(1, 21)).backward()
    assert maps.grad.isfinite().all()


def test_image_and_map_coordinates_are_inverse(generator):
    points = torch.rand(5, 2, generator=generator) * 100
    torch.testing.assert_close(
        detnet.map_to_image(detnet.image_to_map(points, 4.0), 4.0), points, atol=1e-4, rtol=0
    )
    # The centre of the first cell of 4 px lies between pixels 1 and 2.
    torch.testing.assert_close(detnet.image_to_map(torch.tensor([1.5, 1.5]), 4.0), torch.zeros(2))


def test_read_out_at_the_highest_cell(generator):
    points = torch.rand(2, 21, 2, generator=generator) * 10 + 2
    heat = detnet.heatmap_targets(points, (16, 15))
    location = torch.randn(2, 21, 3, 15, 16, generator=generator)
    read, scores, vectors = detnet.read_out(heat, location)
    torch.testing.assert_close(read, points.round())
    for k in (0, 7, 20):
        x, y = read[1, k].long().tolist()
        torch.testing.assert_close(vectors[1, k], location[1, k, :, y, x])
        assert scores[1, k] == heat[1, k, y, x]


def test_subpixel_read_out_is_exact_for_gaussians(generator):
    points = torch.rand(4, 21, 2, generator=generator) * 12 + 1.5
    heat = detnet.heatmap_targets(points, (16, 16))
    plane = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="xy"))
    location = torch.cat([plane, plane[:1] * 2]).expand(4, 21, 3, 16, 16)
    read, _, vectors = detnet.read_out(heat, location, subpixel=True)
    torch.testing.assert_close(read, points, atol=1e-3, rtol=0)
    expected = torch.cat([points, 2 * points[..., :1]], dim=-1)
    torch.testing.assert_close(vectors, expected, atol=5e-3, rtol=0)


def test_subpixel_read_out_at_the_border_stays_inside():
    heat = torch.zeros(1, 21, 8, 8)
    heat[0, :, 0, 7] = 1.0
    read, _, vectors = detnet.read_out(heat, torch.ones(1, 21, 3, 8, 8), subpixel=True)
    assert read[0, 0].tolist() == [7.0, 0.0]
    assert vectors.isfinite().all()
