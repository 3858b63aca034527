"""The compiled views of CPUs have the values of torch's operators, which GPUs use."""

import importlib

import cv2
import numba
import numpy as np
import pytest
import torch

from simhand_mm.functional import view_kernel
from simhand_mm.pretraining import HandPairPreprocessor, preprocessor

EVERYTHING = {
    "rotation_deg": (-180, 180),
    "scale": (0.3, 3),
    "translation": (-0.7, 0.7),  # far beyond the border
    "hue": (0, 5),  # beyond a turn
    "saturation": (0, 2),
    "value": (0.3, 2),
    "brightness": (-40, 40),
}


def crops(count, size, seed=0):
    """Smooth noise; also grey, black and white crops, whose hue is undefined."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, size, size, 3)).astype(np.uint8)
    images = np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in images])
    images[0], images[1] = 0, 255
    images[2] = images[2, ..., :1]
    images[3, : size // 2] = (255, 0, 0)
    keypoints = rng.uniform(-0.3, 1.3, (2, count, 21, 2)) * size
    query, positive = torch.from_numpy(keypoints).float()
    return {
        "query": torch.from_numpy(images),
        "query_keypoints_2d": query,
        "positive_keypoints_2d": positive,
    }


def both_ways(data, monkeypatch, training=True, **options):
    """Inputs by the kernel and by torch's operators."""
    preprocess = HandPairPreprocessor(**options)
    compiled = preprocess(data, training)["inputs"]
    monkeypatch.setattr(preprocessor, "view_kernel", None)
    return compiled, preprocess(data, training)["inputs"]


@pytest.mark.parametrize(
    "augmentation",
    [EVERYTHING, {"rotation_deg": (-45, 45), "scale": (0.9, 1.5)}, {"hue": (0.01, 1)}],
    ids=["everything", "geometry", "colours"],
)
@pytest.mark.parametrize("size, crop_size", [(64, 112), (31, 47), (1, 9)])
def test_bits_are_those_of_torch(augmentation, size, crop_size, monkeypatch):
    data = crops(9, crop_size)
    compiled, expected = both_ways(data, monkeypatch, input_size=size, augmentation=augmentation)
    assert torch.equal(compiled, expected)
    assert compiled.std() > 0.1


def test_bits_are_those_of_torch_without_augmentation(monkeypatch):
    compiled, expected = both_ways(crops(5, 48), monkeypatch, training=False, input_size=32)
    assert torch.equal(compiled, expected)


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_threads_change_nothing(threads, monkeypatch):
    preprocess = HandPairPreprocessor(32, EVERYTHING)
    data = crops(7, 48)
    expected = preprocess(data, training=True)["inputs"]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert torch.equal(preprocess(data, training=True)["inputs"], expected)


def test_broken_keypoints_read_no_memory_outside_the_crop(monkeypatch):
    data = crops(4, 48)
    for row, broken in enumerate((float("nan"), float("inf"), -float("inf"), 1e30)):
        data["query_keypoints_2d"][row, 0] = broken
    compiled, expected = both_ways(data, monkeypatch, input_size=32)
    assert torch.equal(compiled, expected)


def test_kernel_is_refused_if_numba_does_not_compile(monkeypatch):
    """The preprocessor then uses torch's operators, as without numba."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    with pytest.raises(ImportError, match="NUMBA_DISABLE_JIT"):
        importlib.reload(view_kernel)


@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_other_paddings_are_left_to_torch(padding, monkeypatch):
    monkeypatch.setattr(preprocessor.HandPairPreprocessor, "_render_compiled", None)
    preprocess = HandPairPreprocessor(32, EVERYTHING, padding=padding)
    assert preprocess(crops(4, 48), training=True)["inputs"].isfinite().all()
