"""Budgets: kernels that a step launches on a GPU, and values for which the host waits.

Counted on fake tensors, which have shapes but no values, with the sizes of tiles and chunks that a
GPU gets. A launch costs the host about 6 us, so 1,000 of them cost 6 ms of a step; twice as many
would be a regression that no other test sees. They are fake tensors of a CPU, because torch
cannot compute gradients of a GPU's without one; ``test_gpu.py`` checks the copies between both.
"""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch._subclasses.fake_tensor import FakeTensorMode

from simhand_mm.functional import contrastive, pair_weights, pose_distances
from simhand_mm.functional.distance_kernel import fused_distance
from simhand_mm.pretraining import LARSAdam, preprocessor
from tests.fake_cuda import Launches, fake_cuda

PRETRAINING = "configs/simhand/simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py"
FINE_TUNING = "configs/detnet/detnet_resnet50_1xb128-120e_freihand.py"


@contextmanager
def counting(found, part):
    with Launches() as counter:
        yield
    found[part] = counter.kernels.total(), counter.waits


def build(path, scope, **options):
    init_default_scope(scope)
    with Launches(value=0.0):  # some models read numbers while they are built
        return MODELS.build(dict(Config.fromfile(path).model, **options))


def check(found, budgets):
    """The numbers may shrink to half of the budget, which must then be lowered."""
    assert found.keys() == budgets.keys()
    for part, (launches, waits) in found.items():
        most, most_waits = budgets[part]
        assert most / 2 < launches <= most, f"{part}: {launches} launches, budget {most}"
        assert waits <= most_waits, f"{part}: the host waits {waits} times, budget {most_waits}"


@pytest.fixture
def gpu_sizes(monkeypatch):
    for sizes in (preprocessor._CHUNK, contrastive._BLOCK_ELEMENTS, pair_weights._COLUMN_TILE):
        monkeypatch.setitem(sizes, "cpu", sizes["cuda"])
    monkeypatch.setattr(pose_distances, "_fused_distance", lambda device: fused_distance)
    monkeypatch.setattr(preprocessor, "view_kernel", None)  # the compiled kernel of CPUs


def test_a_step_of_pretraining(gpu_sizes):
    """1,024 pairs of the paper's recipe, ResNet-50, ``--amp``."""
    found = {}
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = build(PRETRAINING, "mmpretrain", channels_last=False)
        optimizer = LARSAdam(model.parameters(), lr=1e-3, weight_decay=1e-6)
        batch = {}
        for name in ("query", "positive"):
            batch[name] = torch.zeros(1024, 224, 224, 3, dtype=torch.uint8)
            batch[f"{name}_keypoints_2d"] = torch.rand(1024, 21, 2)
        with torch.autocast("cpu", torch.bfloat16):
            with counting(found, "augmentation"):
                data = model.data_preprocessor(batch, training=True)
            with counting(found, "encoder"):
                encoded = model.encode(data["inputs"])
            with counting(found, "head"):  # with T^-1, weights and loss
                loss = model.head.loss(encoded[0], data["data_samples"])["loss"]
        with counting(found, "backward"):
            loss.backward()
        optimizer.step()  # makes its moments
        with counting(found, "optimiser"):
            optimizer.step()
    found["optimiser"] = found["optimiser"][0], 0  # it reads step counts, which are on the CPU
    check(
        found,
        {
            # About 50 for the geometry of each view, 80 for each chunk of 1,024 crops.
            "augmentation": (280, 0),
            # 53 convolutions with norm, activation and the cast of their weights.
            "encoder": (320, 0),
            # Finite keypoints? The largest distance: radii of the tiles, and one tile.
            "head": (120, 2),
            "backward": (320, 0),
            # Lists of tensors. On a GPU, each such call launches a kernel per 30 to 110 tensors.
            "optimiser": (32, 0),
        },
    )


def test_a_step_of_fine_tuning():
    """128 hands, ResNet-50, ``--amp``."""
    found = {}
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = build(FINE_TUNING, "mmpose")
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), foreach=True)  # torch's choice on a GPU
        batch = batch_of_hands(128)
        with torch.autocast("cpu", torch.bfloat16):
            with counting(found, "preprocessor"):
                data = model.data_preprocessor(batch, training=True)
            with counting(found, "forward"):
                losses = model(**data, mode="loss")
        with counting(found, "backward"):
            sum(losses.values()).backward()
        optimizer.step()
        with counting(found, "optimiser"):
            optimizer.step()
    found["optimiser"] = found["optimiser"][0], 0
    check(
        found,
        {
            "preprocessor": (6, 0),  # whole batch, not crop by crop
            "forward": (450, 0),
            "backward": (330, 0),
            "optimiser": (12, 0),
        },
    )


def test_a_batch_of_inference():
    """128 hands in float32."""
    found = {}
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        model = build(FINE_TUNING, "mmpose")
        model.eval()
        batch = batch_of_hands(128)
        with counting(found, "preprocessor"):
            data = model.data_preprocessor(batch, training=False)
        with counting(found, "network"):
            heat, _, location = model.head(model.backbone(data["inputs"]))
        with counting(found, "read-out"):
            model.head.decoder.batch_decode(heat, location)
    check(found, {"preprocessor": (6, 0), "network": (220, 0), "read-out": (12, 0)})


def test_a_batch_of_hands_is_copied_as_one_tensor():
    """The host waits for the order of the colour channels only, which mmengine has in a list."""
    with fake_cuda() as copies:
        model = build(FINE_TUNING, "mmpose").data_preprocessor.to("cuda")
        copies.blocking.clear()
        data = model(batch_of_hands(16), training=False)
    assert data["inputs"].device.type == "cuda"
    assert copies.blocking == [(3,)]


def batch_of_hands(count):
    """What the loaders of fine-tuning, validation and testing give."""
    samples = []
    for _ in range(count):
        sample = PoseDataSample(metainfo={"img_shape": (128, 128)})
        sample.gt_instances = InstanceData(hand_targets=np.zeros((1, 21, 12), np.float32))
        crop = torch.zeros(3, 128, 128, dtype=torch.uint8)
        samples.append({"inputs": crop, "data_samples": sample})
    return default_collate(samples)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_loaders_send_a_batch_as_one_tensor(part):
    loader = Config.fromfile(FINE_TUNING)[f"{part}_dataloader"]
    assert loader.collate_fn.type == "default_collate"
