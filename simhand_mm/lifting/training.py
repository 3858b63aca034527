"""Training the lifter on poses alone: new views, cameras and errors for every batch."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.functional.lifting import lifting_loss, look_at_hand, to_hand_unit
from simhand_mm.lifting.network import LiftingNetwork
from simhand_mm.lifting.noise import NoiseBank
from simhand_mm.lifting.settings import LiftingTraining

_FOCAL_PX = 500.0


def train_lifter(
    poses: Tensor,
    bank: NoiseBank,
    settings: LiftingTraining,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> LiftingNetwork:
    """Train a lifter.

    Args:
        poses: ``[P, 21, 3]``, right hands, hand frame (y to the fingers, z out of the palm).
        bank: Errors of the estimator whose keypoints will be lifted.
        settings: How.
        report: Called every 200 steps with the step and the mean loss since the last call.
    """
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    network = LiftingNetwork(settings.width, settings.depth)
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, settings.steps, pct_start=0.05, cycle_momentum=False
    )
    total = 0.0
    for step in range(1, settings.steps + 1):
        rows = torch.randint(len(poses), (settings.batch_size,), generator=generator)
        inputs, target = sample_batch(poses[rows], bank, settings, generator)
        with torch.autocast("cpu", torch.bfloat16):
            pose, log_error = network(*inputs)
        loss = lifting_loss(pose, log_error, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 200 == 0:
            report(step, total / 200)
            total = 0.0
    return network


def sample_batch(
    poses: Tensor, bank: NoiseBank, settings: LiftingTraining, generator: torch.Generator
) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Project poses ``[N, 21, 3]`` into random cameras and add the errors of an estimator.

    Returns:
        The inputs of the network, and the true poses ``[N, 21, 3]`` in the frame of these inputs.
    """
    count = len(poses)
    camera = torch.tensor([[_FOCAL_PX, 0, 0], [0, _FOCAL_PX, 0], [0, 0, 1.0]]).expand(count, 3, 3)
    seen = to_hand_unit(poses) @ sample_views(count, settings.any_view, generator).mT
    seen = seen - seen.mean(1, keepdim=True)
    distance = torch.exp(_uniform(count, generator) * math.log(25 / 3) + math.log(3))
    seen = seen + distance[:, None, None] * torch.tensor([0, 0, 1.0])
    every = torch.ones(count, NUM_KEYPOINTS, dtype=torch.bool)
    flat, to_true_frame = look_at_hand(seen[..., :2] / seen[..., 2:] * _FOCAL_PX, camera, every)
    true_3d = to_hand_unit(seen @ to_true_frame.mT)
    error_2d, error_3d = bank.draw(true_3d, generator)
    gain = torch.exp(0.3 * torch.randn(count, 1, 1, generator=generator))
    # As in use, the frame of the lifter follows from the keypoints with errors.
    found = (flat + gain * error_2d) * (_FOCAL_PX * 1e-3)
    valid = every & ~_missing(count, settings.missing, generator)
    inputs_2d, rotation = look_at_hand(found, camera, valid)
    has_other = _uniform(count, generator) < settings.other_3d
    other = to_hand_unit((true_3d + gain * error_3d) @ rotation.mT)
    return (inputs_2d, valid, other, has_other), true_3d @ rotation.mT


def sample_views(count: int, any_view: float, generator: torch.Generator) -> Tensor:
    """Sample rotations ``[N, 3, 3]`` from the hand frame to the axes of a camera."""
    quaternion = torch.nn.functional.normalize(torch.randn(count, 4, generator=generator), dim=-1)
    anywhere = _rotation(quaternion)
    back = (_uniform(count, generator) < 0.5) * math.pi
    yaw = back + torch.randn(count, generator=generator) * math.radians(38)
    pitch = torch.randn(count, generator=generator) * math.radians(26)
    roll = _uniform(count, generator) * (2 * math.pi)
    to_camera = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    facing = _about(roll, 2) @ _about(pitch, 0) @ to_camera @ _about(yaw, 1)
    return torch.where((_uniform(count, generator) < any_view)[:, None, None], anywhere, facing)


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator)


def _about(angle: Tensor, axis: int) -> Tensor:
    """Rotations ``[N, 3, 3]`` about a coordinate axis, angles in radians."""
    half = torch.zeros(len(angle), 4)
    half[:, 0], half[:, 1 + axis] = torch.cos(angle / 2), torch.sin(angle / 2)
    return _rotation(half)


def _rotation(quaternion: Tensor) -> Tensor:
    w, x, y, z = quaternion.unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def _missing(count: int, share: float, generator: torch.Generator) -> Tensor:
    """Sample which keypoints ``[N, 21]`` are missing: in some hands, up to half of them."""
    rate = 0.5 * torch.rand(count, 1, generator=generator)
    rate = rate * (torch.rand(count, 1, generator=generator) < share)
    return torch.rand(count, NUM_KEYPOINTS, generator=generator) < rate
