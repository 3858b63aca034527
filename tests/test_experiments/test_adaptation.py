"""``simhand adapt``: its commands are valid, run once, and belong to the settings of the folder."""

import json
from dataclasses import replace

import pytest
import torch
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner

from simhand_mm.cli import COMMANDS
from simhand_mm.experiments import adaptation
from simhand_mm.experiments.adaptation import adapt
from simhand_mm.experiments.adaptation_plan import (
    Adaptation,
    preparation_jobs,
    training_jobs,
)
from simhand_mm.experiments.jobs import Job
from simhand_mm.pool import HandPool, write_poses
from simhand_mm.pretraining.publishing import save_backbone
from simhand_mm.registry import DATASETS
from tests.command_lines import ROOT, options_of, read_config
from tests.pools import make_hand, make_pose, write_pool

PREPARATION = ["pool", "labels", "synthetic"]
TRAINING = ["pretraining", "training", "held_out", "synthetic_test"]
STEPS = [*PREPARATION, *TRAINING]
HELD_OUT = {0: 3}  # held-out hands of the stub


@pytest.fixture
def videos(tmp_path):
    (tmp_path / "videos").mkdir()
    return tmp_path / "videos"


@pytest.fixture
def ran(monkeypatch):
    """Names of the steps that ran; nothing is computed."""
    names = []

    def run(self, lock=None):
        names.append(self.folder.name)
        (self.folder / "job.log").write_text("first\nroot_scale   12.5\nlast\n")
        (self.folder / "job.done").write_text(f"{self.command}\n1\n")
        if names[-1] == "labels":
            (self.data / "labels").mkdir()
            text = json.dumps({"num_hands": 9, "num_held_out": HELD_OUT[0], "num_dropped": {}})
            (self.data / "labels/pseudo_labels.json").write_text(text)
        if names[-1] == "training":
            (self.data / "training").mkdir()
            (self.data / "training/model.pth").write_bytes(b"weights")

    monkeypatch.setattr(adaptation.Job, "run", run)
    return names


def test_commands_exist_with_these_options(tmp_path):
    settings, output = Adaptation(frame_size=(640, 480), iterations=50), tmp_path / "out"
    jobs = [
        *preparation_jobs(tmp_path / "videos", output, settings),
        *training_jobs(output, settings, 1),
    ]
    assert [job.folder.name for job in jobs] == STEPS
    for job in jobs:
        program, command, *arguments = job.arguments
        known = options_of(f"tools/{COMMANDS[command]}")
        assert program == "simhand"
        assert {word for word in arguments if word.startswith("--")} <= set(known)
        assert command != "train" or (ROOT / job.arguments[2]).is_file()


def test_what_is_pretrained_is_part_of_the_model(tmp_path):
    """The training loads every weight of it, with the options that the commands have."""
    settings = Adaptation(iterations=50, pretraining_iterations=30)
    first, second = map(read_config, training_jobs(tmp_path, settings, 1)[:2])
    assert first.train_cfg.max_iters == 30 and second.train_cfg.max_iters == 50
    init_default_scope("mmpretrain")
    pretrained = {
        part: MODELS.build(first.model[part]).state_dict() for part in ("backbone", "head")
    }
    path = tmp_path / "pretraining/backbone.pth"
    save_backbone(path, pretrained["backbone"], {}, pretrained["head"])
    init_default_scope("mmpose")
    model = MODELS.build(second.model)
    model.init_weights()
    for part, weights in pretrained.items():
        loaded = model.get_submodule(part).state_dict()
        assert set(loaded) == set(weights) if part == "backbone" else set(loaded) > set(weights)
        for name, value in weights.items():
            torch.testing.assert_close(loaded[name], value)


def test_held_out_hands_are_not_pretrained_on(tmp_path):
    write_pool(tmp_path / "pool", {"a": [make_hand("a", n) for n in range(4)]})
    chosen = HandPool(tmp_path / "pool").hand_id(2)
    write_poses(tmp_path / "labels/poses/train.parquet", [make_pose(chosen)])
    cfg = read_config(training_jobs(tmp_path, Adaptation(), 1)[0])
    dataset = DATASETS.build({**cfg.train_dataloader.dataset, "data_root": str(tmp_path)})
    assert [dataset.hand_id(row) for row in dataset.query_row] == [chosen]
    assert [dataset.hand_id(row) for row in dataset.watched().query_row] == [chosen]
    loader = Runner.build_dataloader({**cfg.train_dataloader, "dataset": dataset}, seed=0)
    assert len(loader)  # else the training is refused
    assert next(iter(loader.batch_sampler)) == [0] * 128


def test_other_starts(tmp_path):
    jobs = training_jobs(tmp_path, Adaptation(start=tmp_path / "start.pth"), 1)
    assert [job.folder.name for job in jobs] == TRAINING[1:]
    cfg = read_config(jobs[0])
    assert cfg.model.init_cfg.checkpoint == str(tmp_path / "start.pth")
    cfg = read_config(training_jobs(tmp_path, Adaptation(start="random"), 1)[0])
    parts = (cfg.model, cfg.model.backbone, cfg.model.head)
    assert not any("init_cfg" in part for part in parts)


def test_folders_may_have_any_name(tmp_path):
    output = tmp_path / "my 'videos', 2"
    _, training, held_out, _ = training_jobs(output, Adaptation(), 1)
    checkpoint = read_config(training).model.backbone.init_cfg.checkpoint
    assert checkpoint == str(output / "pretraining/backbone.pth")
    assert read_config(held_out).test_dataloader.dataset.data_root == str(output / "labels")
    started = training_jobs(output, Adaptation(start=output / "a (1).pth"), 1)[0]
    assert read_config(started).model.init_cfg.checkpoint == str(output / "a (1).pth")


def test_pictures_that_are_left_alone_are_named(videos, tmp_path, capsys):
    for name in ("clip.mp4", "hand.png"):
        (videos / name).write_bytes(b"")
    output = tmp_path / "out"
    for take, is_named in (("auto", True), ("both", False)):
        pool = preparation_jobs(videos, output, Adaptation(take=take))[0]
        dry = replace(pool, arguments=(*pool.arguments, "--dry-run"))
        adaptation._run_step(dry, output)
        line = "left alone: 1 images, because there are videos too. --take images or --take both"
        assert (line in capsys.readouterr().out) == is_named


@pytest.mark.parametrize(("stills", "times"), [(27, 3), (22, 2), (3, 1)])
def test_few_hands_of_videos_are_repeated(videos, tmp_path, ran, stills, times):
    """The stub has 9 hands to train on: they become about half of what is trained on."""
    adapt(videos, tmp_path / "out", Adaptation(stills=stills))
    command = (tmp_path / "out/steps/training/job.done").read_text()
    assert f"train_dataloader.dataset.datasets.0.times={times} " in command


def test_finished_steps_are_kept(videos, tmp_path, ran, capsys):
    output = tmp_path / "out"
    assert adapt(videos, output, Adaptation()).read_bytes() == b"weights"
    assert ran == STEPS
    (output / "steps/held_out/job.done").unlink()
    adapt(videos, output, Adaptation(workers=7))
    assert ran == [*STEPS, "held_out"]
    printed = capsys.readouterr().out
    assert printed.count("is done") == len(STEPS) - 1 and "root_scale 12.5 mm" in printed


def test_other_settings_need_another_folder(videos, tmp_path, ran):
    adapt(videos, tmp_path / "out", Adaptation())
    with pytest.raises(ValueError, match=r"'fps': \(2.0, 5.0\)"):
        adapt(videos, tmp_path / "out", Adaptation(fps=5.0))


def test_too_few_hands_stop_before_the_training(videos, tmp_path, ran, monkeypatch):
    monkeypatch.setitem(HELD_OUT, 0, 0)
    with pytest.raises(RuntimeError, match=r"VIDEOS must show hands .*'num_held_out': 0"):
        adapt(videos, tmp_path / "out", Adaptation())
    with pytest.raises(RuntimeError, match="VIDEOS must show hands"):
        adapt(videos, tmp_path / "out", Adaptation())
    assert ran == ["pool", "labels"]


def test_missing_videos_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="VIDEOS must exist"):
        adapt(tmp_path / "nowhere", tmp_path / "out", Adaptation())


def test_a_failed_step_stops_with_its_log(videos, tmp_path, monkeypatch, capsys):
    failing = Job(
        tmp_path / "steps/bad", ("python", "-c", "raise SystemExit('no hands')"), tmp_path
    )
    monkeypatch.setattr(adaptation, "preparation_jobs", lambda *_: [failing])
    with pytest.raises(RuntimeError, match="no hands"):
        adapt(videos, tmp_path / "out", Adaptation())
    assert capsys.readouterr().out.split() == ["bad", "failed"]
