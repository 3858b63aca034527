import numpy as np
import pytest
import torch

from simhand_mm.functional.pose_metrics import (
    PROTOCOLS,
    align,
    keypoint_errors_mm,
    mean_of_column_means,
    mpjpe_mm,
    pck_auc,
    pck_curve,
)
from tests.references.pose_metrics import align_reference, auc_reference, errors_reference


@pytest.fixture
def hands():
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(6, 21, 3, generator=generator, dtype=torch.float64) * 40
    pred = target + torch.randn(6, 21, 3, generator=generator, dtype=torch.float64) * 15
    valid = torch.rand(6, 21, generator=generator) > 0.2
    valid[:, [0, 9]] = True
    return pred + 300, target + torch.tensor([10.0, -20.0, 400.0]), valid


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_errors_equal_reference(hands, protocol):
    pred, target, valid = hands
    expected = errors_reference(pred.numpy(), target.numpy(), protocol, valid.numpy())
    errors = keypoint_errors_mm(pred, target, protocol, valid)
    np.testing.assert_allclose(errors[valid].numpy(), expected, rtol=0, atol=1e-9)
    assert errors[~valid].isnan().all()
    mean = mpjpe_mm(align(pred, target, protocol, valid), target, valid)
    assert abs(float(mean) - np.mean(expected)) < 1e-9
    for low, high, steps in ((20, 50, 15), (0, 50, 100)):
        auc = float(pck_auc(errors, low, high, steps))
        assert abs(auc - auc_reference(expected, low, high, steps)) < 1e-9


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_perfect_prediction_has_no_error(hands, protocol):
    _, target, _ = hands
    errors = keypoint_errors_mm(target, target, protocol)
    assert errors.max() < 1e-9
    assert float(pck_auc(errors)) == 1.0


def test_zero_predictor(hands):
    _, target, _ = hands
    zero = torch.zeros_like(target)
    distances = target.norm(dim=-1)
    to_wrist = (target - target[:, :1]).norm(dim=-1)
    to_mean = (target - target.mean(1, keepdim=True)).norm(dim=-1)
    expectations = (distances, to_wrist, to_wrist, to_mean, to_mean)
    for protocol, expected in zip(PROTOCOLS, expectations, strict=True):
        torch.testing.assert_close(keypoint_errors_mm(zero, target, protocol), expected)


def test_mirrored_predictor_by_hand():
    # A hand in the plane x = 0, except for one keypoint 3 mm away from it.
    target = torch.zeros(1, 21, 3, dtype=torch.float64)
    target[0, :, 1] = torch.arange(21)
    target[0, 5, 0] = 3.0
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0])
    for protocol in ("none", "root", "root_scale"):
        errors = keypoint_errors_mm(mirrored, target, protocol)
        assert float(errors[0, 5]) == 6.0
        assert float(errors.sum()) == 6.0
    # Procrustes may rotate but not reflect; half a turn about y undoes the mirror of a planar hand.
    assert float(keypoint_errors_mm(mirrored, target, "procrustes").max()) < 1e-9


def test_only_the_official_procrustes_reflects(hands):
    _, target, _ = hands
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0])
    assert float(keypoint_errors_mm(mirrored, target, "procrustes").mean()) > 5
    assert float(keypoint_errors_mm(mirrored, target, "procrustes_official").max()) < 1e-9


def test_mean_of_column_means(hands):
    """Compute the 42 columns in a loop, each over the hands that have this label."""
    pred, target, valid = hands
    is_left = torch.tensor([True, False, True, True, False, False])
    valid[is_left, 7] = False  # a column without any label
    errors = keypoint_errors_mm(pred, target, "root", valid)
    columns = []
    for side in (False, True):
        for k in range(21):
            column = [float(errors[n, k]) for n in range(6) if is_left[n] == side and valid[n, k]]
            columns += [sum(column) / len(column)] if column else []
    assert len(columns) == 41
    assert abs(float(mean_of_column_means(errors, is_left)) - np.mean(columns)) < 1e-9
    everything = keypoint_errors_mm(pred, target, "root")[:4]
    halves = torch.tensor([True, True, False, False])  # nothing missing: the mean of all
    assert abs(float(mean_of_column_means(everything, halves) - everything.mean())) < 1e-9


def test_scaled_predictor(hands):
    _, target, _ = hands
    scaled = target * 1.1
    assert float(keypoint_errors_mm(scaled, target, "root_scale").max()) < 1e-9
    assert float(keypoint_errors_mm(scaled, target, "procrustes").max()) < 1e-9
    assert float(keypoint_errors_mm(scaled, target, "procrustes_official").max()) < 1e-9
    expected = 0.1 * (target - target[:, :1]).norm(dim=-1)
    torch.testing.assert_close(keypoint_errors_mm(scaled, target, "root"), expected)


def test_hand_with_invalid_wrist_is_ignored_by_root_protocols(hands):
    pred, target, valid = hands
    valid[0, 0] = False
    assert keypoint_errors_mm(pred, target, "root", valid)[0].isnan().all()
    assert keypoint_errors_mm(pred, target, "procrustes", valid)[0, valid[0]].isfinite().all()


def test_align_does_not_change_its_arguments(hands):
    pred, target, valid = hands
    before = pred.clone(), target.clone(), valid.clone()
    for protocol in PROTOCOLS:
        align(pred, target, protocol, valid)
    for now, then in zip(hands, before, strict=True):
        torch.testing.assert_close(now, then)


def test_reference_alignment_of_a_rotated_hand(hands):
    """Check the reference itself: it must undo a known similarity."""
    _, target, _ = hands
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    moved = 2 * target[0].numpy() @ turn.T + 5
    aligned = align_reference(moved, target[0].numpy(), "procrustes", [True] * 21)
    np.testing.assert_allclose(aligned, target[0].numpy(), atol=1e-9)


def test_pck_counts_errors_on_the_threshold():
    errors = torch.tensor([10.0, 20.0, float("nan"), 30.0, 40.0])
    curve = pck_curve(errors, torch.tensor([9.0, 10.0, 25.0, 40.0]))
    assert curve.tolist() == [0.0, 0.25, 0.5, 1.0]


def test_unknown_protocol_and_wrong_shape_raise():
    hand = torch.zeros(1, 21, 3)
    with pytest.raises(ValueError, match="protocol must be one of"):
        align(hand, hand, "pa")
    with pytest.raises(ValueError, match=r"\[N, 21, 3\], but got \(1, 20, 3\)"):
        align(hand[:, 1:], hand[:, 1:], "root")
