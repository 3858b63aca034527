"""Fine-tuning end to end: the model must overfit a small set to a few mm."""

import time

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from simhand_mm.synthetic import Contents, synthesize
from tests.test_pose.test_stock_mmpose import CONFIG


@pytest.mark.slow
def test_32_stills_are_fitted_to_3_mm(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMHAND_DATA", str(tmp_path))
    synthesize(tmp_path / "synthetic", Contents(0, 1, num_train_stills=32, num_test_stills=0))
    config = Config.fromfile(CONFIG)
    pipeline = list(config.test_pipeline)
    pipeline.insert(2, {"type": "GenerateTarget", "encoder": config.codec})
    config.merge_from_dict(
        {
            "work_dir": str(tmp_path / "work"),
            "train_dataloader.batch_size": 32,
            "train_dataloader.dataset.pipeline": pipeline,
            "test_dataloader.dataset.ann_file": "poses/train.parquet",
            "train_cfg.max_epochs": 150,  # of one step each
            "param_scheduler.1.T_max": 150,
            "optim_wrapper.optimizer.lr": 1e-3,
            "default_hooks.checkpoint.interval": 150,
        }
    )
    start = time.monotonic()
    runner = Runner.from_cfg(config)
    runner.train()
    metrics = runner.test()
    assert time.monotonic() - start < 300
    assert metrics["root_scale/mpjpe_mm"] < 3
    assert metrics["root_scale/pck_auc_0_50"] > 0.9
