import pytest
import torch
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import BaseLoop

from simhand_mm.engine import CheckpointReportHook, checkpoint_report


class _Loop(BaseLoop):
    def __init__(self):
        pass

    def run(self):
        """Nothing to run."""


class _Runner:
    def __init__(self, model, training=True, resume=False):
        self.model, self._train_loop = model, _Loop() if training else None
        self._resume, self._load_from = resume, "a.pth"


def build(checkpoint, prefix="backbone."):
    init_default_scope("mmpose")
    checkpoint = checkpoint and str(checkpoint)
    init_cfg = {"type": "Pretrained", "checkpoint": checkpoint, "prefix": prefix}
    return torch.nn.Sequential(
        MODELS.build({"type": "ResNet", "depth": 18, "init_cfg": init_cfg}),
    )


@pytest.fixture
def weights():
    init_default_scope("mmpose")
    return MODELS.build({"type": "ResNet", "depth": 18}).state_dict()


def test_matching_checkpoint_is_reported(tmp_path, weights, monkeypatch):
    published = {f"backbone.{name}": value for name, value in weights.items()}
    del published["backbone.conv1.weight"]
    published["backbone.fc.weight"] = torch.zeros(2, 2)
    torch.save({"state_dict": published}, tmp_path / "a.pth")
    reports = []
    monkeypatch.setattr(checkpoint_report, "print_log", lambda text, *_: reports.append(text))
    CheckpointReportHook().before_run(_Runner(build(tmp_path / "a.pth")))
    num_weights = sum(value.is_floating_point() for value in weights.values())
    assert reports == [
        f"0 is initialised from {tmp_path / 'a.pth'}: {num_weights - 1} matched, 0 reshaped, "
        "1 missing (conv1.weight), 1 unexpected (fc.weight)"
    ]


@pytest.mark.parametrize("prefix", ["backbone.", None])
def test_no_matching_weight_stops_the_run(tmp_path, prefix):
    torch.save({"encoder.features.0.weight": torch.zeros(1)}, tmp_path / "a.pth")
    model = build(tmp_path / "a.pth", prefix)
    with pytest.raises(ValueError, match=r"conv1\.weight.*encoder\.features\.0\.weight.*prefix"):
        CheckpointReportHook().before_run(_Runner(model))


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth"):
        CheckpointReportHook().before_run(_Runner(build(tmp_path / "none.pth")))


def test_testing_does_not_look_for_the_checkpoint(tmp_path):
    CheckpointReportHook().before_run(_Runner(build(tmp_path / "none.pth"), training=False))


def test_backbone_of_another_width_stops_the_run(tmp_path, weights):
    """Only the batch counters fit, which say nothing."""
    halved = {
        f"backbone.{name}": value[: len(value) // 2] if value.dim() else value
        for name, value in weights.items()
    }
    torch.save(halved, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="the depth and width of 0"):
        CheckpointReportHook().before_run(_Runner(build(tmp_path / "a.pth")))


def test_names_are_sorted_into_four_kinds():
    report = checkpoint_report.compare_weights(
        {"a": torch.zeros(2), "b": torch.zeros(4), "d": torch.zeros(1), "n": torch.tensor(3)},
        {"a": torch.zeros(2), "b": torch.zeros(3), "c": torch.zeros(1)},
    )
    assert report == checkpoint_report.WeightReport(["a"], ["b"], ["c"], ["d"])
    assert str(report) == "1 matched, 1 reshaped (b), 1 missing (c), 1 unexpected (d)"
    assert not report.is_exact


@pytest.mark.parametrize("checkpoint", [None, ""])
def test_a_checkpoint_that_is_not_given_is_asked_for(checkpoint):
    message = r"init_cfg\.checkpoint must be the path of .*--cfg-options model\.backbone\.init_cfg"
    with pytest.raises(ValueError, match=message):
        CheckpointReportHook().before_run(_Runner(build(checkpoint)))


def network(*widths):
    return torch.nn.Sequential(*(torch.nn.Linear(4, width) for width in widths))


@pytest.mark.parametrize("testing", [True, False])
def test_checkpoints_of_tests_and_resumed_runs_must_be_complete(testing):
    """Else the head would stay random, and a table of errors would look like one of a model."""
    runner = _Runner(network(2, 3), training=not testing, resume=not testing)
    load = CheckpointReportHook().after_load_checkpoint
    good = network(2, 3).state_dict()
    load(runner, {"state_dict": good, "meta": {}})
    load(runner, {f"module.{name}": value for name, value in good.items()})
    load(runner, {"state_dict": {**good, "more": torch.ones(2)}})
    for wrong, message in (
        (network(2), r"2 of 4 are missing and 0 have another shape \(1\.weight, 1\.bias\)"),
        (network(2, 5), "0 of 4 are missing and 2 have another shape"),
    ):
        with pytest.raises(ValueError, match=message):
            load(runner, {"state_dict": wrong.state_dict()})


def test_training_may_start_from_a_part_but_not_from_nothing():
    runner, load = _Runner(network(2, 3)), CheckpointReportHook().after_load_checkpoint
    load(runner, {"state_dict": network(2).state_dict()})
    with pytest.raises(ValueError, match=r"load_from must .* 0\.weight.*but a\.pth has other"):
        load(runner, {"state_dict": {"other": torch.ones(2)}})
