"""Whole runs with mmengine's Runner: published backbone, exact resume, monitors, NaN."""

import copy
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from simhand_mm.pose.head import DetNetHead
from simhand_mm.pretraining import HandContrastive
from simhand_mm.pretraining.encoders import load_frozen


class Killed(Exception):
    """Simulates kill -9."""


class KillHook(Hook):
    priority = "LOWEST"

    def __init__(self, after):
        self.after = after

    def after_train_iter(self, runner, *_, **__):
        if runner.iter + 1 == self.after:
            raise Killed


@pytest.fixture
def make_runner(data_root, model_config, tmp_path):
    def make(
        name,
        hooks=(),
        amp=False,
        channels_last=False,
        micro_batch_size=None,
        model=(),
        **options,
    ):
        cfg = Config(
            dict(
                default_scope="mmpretrain",
                work_dir=str(tmp_path / name),
                experiment_name=f"{tmp_path.name}-{name}-{len(list(tmp_path.iterdir()))}",
                model=copy.deepcopy(model_config)
                | {"channels_last": channels_last, "micro_batch_size": micro_batch_size}
                | dict(model),
                train_dataloader={
                    "batch_size": 4,
                    "num_workers": 0,
                    "drop_last": True,
                    "collate_fn": {"type": "simhand_mm.pretraining.collate_pairs"},
                    "sampler": {"type": "simhand_mm.VideoBalancedSampler"},
                    "dataset": {
                        "type": "simhand_mm.HandPairDataset",
                        "data_root": str(data_root),
                        "pairs": "similar",
                    },
                },
                train_cfg={"type": "EpochBasedTrainLoop", "max_epochs": 2},
                optim_wrapper={
                    "type": "simhand_mm.BFloat16OptimWrapper" if amp else "OptimWrapper",
                    "optimizer": {"type": "simhand_mm.LARSAdam", "lr": 0.01, "weight_decay": 1e-6},
                },
                param_scheduler={
                    "type": "LinearLR",
                    "start_factor": 0.1,
                    "by_epoch": False,
                    "end": 10,
                },
                default_hooks={
                    "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 2},
                    "logger": {"type": "LoggerHook", "interval": 1},
                },
                custom_hooks=[
                    {"type": "simhand_mm.ResumeEpochHook"},
                    {"type": "simhand_mm.NonFiniteLossHook"},
                    {"type": "simhand_mm.PublishBackboneHook"},
                    *hooks,
                ],
                randomness={"seed": 7},
                **options,
            )
        )
        return Runner.from_cfg(cfg)

    return make


def test_published_file_is_plain_and_has_only_the_backbone(make_runner, tmp_path):
    runner = make_runner("run")
    runner.train()
    path = tmp_path / "run" / "backbone.pth"
    loaded = torch.load(path, weights_only=True)
    expected = runner.model.backbone.state_dict()
    assert loaded["state_dict"].keys() == {f"backbone.{key}" for key in expected}
    for key, value in expected.items():
        assert torch.equal(loaded["state_dict"][f"backbone.{key}"], value)
    assert loaded["meta"]["iter"] == 14
    frozen = load_frozen(path)
    assert frozen.build_preprocessor().input_size == 32
    assert frozen.build().state_dict().keys() == expected.keys()
    scalars = next((tmp_path / "run").glob("*/vis_data/scalars.json")).read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in scalars]
    assert len(losses) == 14


def test_averaged_weights_are_published(make_runner, tmp_path):
    runner = make_runner("run", hooks=[{"type": "EMAHook", "momentum": 0.1}])
    runner.train()
    saved = torch.load(tmp_path / "run" / "iter_14.pth", weights_only=False)["state_dict"]
    loaded = torch.load(tmp_path / "run" / "backbone.pth", weights_only=True)["state_dict"]
    for key, value in loaded.items():
        torch.testing.assert_close(value, saved[key], rtol=0, atol=0, msg=key)
    last = runner.model.state_dict()
    assert not torch.equal(last["backbone.conv1.weight"], loaded["backbone.conv1.weight"])


@pytest.mark.parametrize("stop", [3, 9])  # in the first and in the second epoch of 7 iterations
def test_killed_and_resumed_run_is_bit_identical(make_runner, stop):
    whole = make_runner("whole")
    whole.train()
    broken = make_runner("broken")
    broken.register_hook(KillHook(stop))
    with pytest.raises(Killed):
        broken.train()
    resumed = make_runner("broken", resume=True)
    resumed.train()
    assert resumed.iter == whole.iter == 14
    for (name, value), expected in zip(
        resumed.model.state_dict().items(), whole.model.state_dict().values(), strict=True
    ):
        assert torch.equal(value, expected), name


@pytest.mark.parametrize("micro_batch_size", [None, 2])
def test_trains_in_bfloat16_and_channels_last_on_a_cpu(make_runner, micro_batch_size, monkeypatch):
    seen = set()
    original = HandContrastive.encode

    def encode(self, inputs):
        (projection,) = original(self, inputs)
        seen.add((inputs.dtype, projection.dtype))
        return (projection,)

    monkeypatch.setattr(HandContrastive, "encode", encode)
    runner = make_runner("run", amp=True, channels_last=True, micro_batch_size=micro_batch_size)
    before = copy.deepcopy(runner.model.state_dict())
    runner.train()
    assert seen == {(torch.float32, torch.bfloat16)}
    after = runner.model.state_dict()
    assert all(value.dtype != torch.bfloat16 for value in after.values())
    weight = after["backbone.conv1.weight"]
    assert weight.isfinite().all()
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(weight, before["backbone.conv1.weight"])


def test_trains_with_pose_aware_targets(make_runner, tmp_path):
    loss = {"type": "simhand_mm.PoseAwareLoss"}
    head = {"type": "simhand_mm.EquivariantContrastiveHead", "loss": loss}
    runner = make_runner("run", model={"head": head})
    runner.train()
    lines = next((tmp_path / "run").glob("*/vis_data/scalars.json")).read_text().splitlines()
    assert all(0.5 < json.loads(line)["positive_target"] < 1 for line in lines)


def test_detnet_starts_from_the_upsampling_of_a_heatmap_run(make_runner, tmp_path):
    widths = {"in_channels": 64, "deconv_channels": (8, 8, 8), "head_channels": 8}
    head = {"type": "simhand_mm.KeypointHeatmapHead", "input_size": 32, **widths}
    runner = make_runner("run", model={"neck": None, "head": head})
    runner.train()
    path = str(tmp_path / "run" / "backbone.pth")
    weights = torch.load(path, weights_only=True)["state_dict"]
    decoder = {"type": "DetNetCodec", "input_size": (32, 32), "heatmap_size": (8, 8)}
    detnet = DetNetHead(
        **widths,
        decoder=decoder,
        init_cfg={"type": "Pretrained", "checkpoint": path, "prefix": "head."},
    )
    detnet.init_weights()
    expected = runner.model.head.state_dict()
    assert {k for k in weights if k.startswith("head.")} == {f"head.{k}" for k in expected}
    for name, value in expected.items():
        assert torch.equal(detnet.state_dict()[name], value), name


def test_monitors_write_to_the_log(make_runner, data_root, tmp_path):
    dataset = {"type": "simhand_mm.HandPairDataset", "data_root": str(data_root)}
    hooks = [
        {"type": "simhand_mm.CollapseHook", "interval": 1},
        {
            "type": "simhand_mm.PoseRetrievalHook",
            "dataset": dataset,
            "batch_size": 5,
            "max_samples": 20,
        },
    ]
    runner = make_runner("run", hooks=hooks)
    runner.train()
    assert runner.model.training
    last = json.loads(
        next((tmp_path / "run").glob("*/vis_data/scalars.json")).read_text().splitlines()[-1]
    )
    assert 0 < last["collapse/std"] <= 1.5
    assert 1 <= last["collapse/effective_rank"] <= 8
    assert {"collapse/alignment", "collapse/uniformity", "positive_weight"} <= last.keys()
    # Frame f shows pose f in every video, so the nearest hands are nearer than random ones.
    assert last["retrieval/nearest"] < last["retrieval/random"]
    assert last["retrieval/score"] <= 1


def test_retrieval_watches_the_held_out_videos(make_runner):
    runner = make_runner("run", hooks=[{"type": "simhand_mm.PoseRetrievalHook"}])
    dataset = runner.train_dataloader.dataset
    assert len(dataset.watched()) == 32
    dataset._held_out = 0.4
    watched = dataset.watched()
    assert 0 < len(watched) < 32
    assert watched.metainfo["pairs"] is None


def test_retrieval_of_one_video_is_skipped(make_runner, data_root):
    dataset = {"type": "simhand_mm.HandPairDataset", "data_root": str(data_root), "pool": "other"}
    hook = {"type": "simhand_mm.PoseRetrievalHook", "dataset": dataset, "max_samples": 1}
    runner = make_runner("run", hooks=[hook])
    runner.train()
    (log,) = Path(runner.work_dir).rglob("*.log")
    assert (
        "Pose retrieval is not monitored: it needs hands of at least two videos." in log.read_text()
    )
    scalars = runner.message_hub.log_scalars
    assert "train/loss" in scalars
    assert not [name for name in scalars if "retrieval" in name]


def test_nan_stops_training_and_names_the_hands(make_runner, tmp_path, monkeypatch):
    original = HandContrastive.encode

    def encode(self, inputs):
        broken = float("nan") if torch.is_grad_enabled() and encode.calls == 3 else 1.0
        encode.calls += 1
        return tuple(part * broken for part in original(self, inputs))

    encode.calls = 0
    monkeypatch.setattr(HandContrastive, "encode", encode)
    runner = make_runner("run")
    with pytest.raises(FloatingPointError, match=r"got nan at iteration 4.*nonfinite_loss_rank0"):
        runner.train()
    record = json.loads((tmp_path / "run" / "nonfinite_loss_rank0.json").read_text())
    assert len(record["pairs"]) == 4
    assert all(query[0] in "abcdefgh" for query, _ in record["pairs"])
    assert (tmp_path / "run" / "last_checkpoint").read_text().endswith("iter_2.pth")


def test_batch_size_of_sampler_and_loader_must_agree(make_runner):
    runner = make_runner("run")
    runner.train_dataloader.sampler.max_per_video = 1
    runner.train_dataloader.sampler.batch_size = 2
    with pytest.raises(ValueError, match=r"sampler\.batch_size must be that of .* 4, but got 2"):
        runner.train()
