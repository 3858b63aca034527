"""Learning rates that follow the batch."""

import math

import pytest
from mmengine.config import Config

from simhand_mm.engine import scale_learning_rate


def make_config(**auto_scale):
    return Config(
        {
            "train_dataloader": {"batch_size": 64},
            "optim_wrapper": {"optimizer": {"lr": 0.8}},
            "auto_scale_lr": auto_scale,
        }
    )


def test_learning_rate_follows_the_batch():
    cfg = make_config(base_batch_size=512)
    assert scale_learning_rate(cfg, 2, "linear") == pytest.approx(0.2)
    cfg = make_config(base_batch_size=512)
    assert scale_learning_rate(cfg, 2, "sqrt") == pytest.approx(0.8 * math.sqrt(0.25))
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(0.4)


def test_learning_rate_needs_a_base():
    with pytest.raises(ValueError, match=r"auto_scale_lr\.base_batch_size must be in the config"):
        scale_learning_rate(make_config(), 2, "linear")
