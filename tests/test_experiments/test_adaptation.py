"""``simhand adapt``: its commands are valid, run once, and belong to the settings of the folder."""

import json

import pytest

from simhand_mm.cli import COMMANDS
from simhand_mm.experiments import adaptation
from simhand_mm.experiments.adaptation import Adaptation, adapt, adaptation_jobs
from simhand_mm.experiments.jobs import Job
from tests.command_lines import ROOT, options_of

STEPS = ["pool", "labels", "drawn", "training", "held_out", "drawn_test"]
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
    settings = Adaptation(frame_size=(640, 480), start=tmp_path / "start.pth", iterations=50)
    jobs = adaptation_jobs(tmp_path / "videos", tmp_path / "out", settings)
    assert [job.folder.name for job in jobs] == STEPS
    for job in jobs:
        program, command, *arguments = job.arguments
        known = options_of(f"tools/{COMMANDS[command]}")
        assert program == "simhand"
        assert {word for word in arguments if word.startswith("--")} <= set(known)
    training = dict(zip(STEPS, jobs, strict=True))["training"]
    assert (ROOT / training.arguments[2]).is_file()
    assert "train_cfg.max_iters=50" in training.arguments
    assert f"model.init_cfg.checkpoint={tmp_path / 'start.pth'}" in training.arguments


def test_finished_steps_are_kept(videos, tmp_path, ran, capsys):
    output = tmp_path / "out"
    assert adapt(videos, output, Adaptation()).read_bytes() == b"weights"
    assert ran == STEPS
    (output / "steps/held_out/job.done").unlink()
    adapt(videos, output, Adaptation(workers=7))
    assert ran == [*STEPS, "held_out"]
    printed = capsys.readouterr().out
    assert printed.count("is done") == 4 + 1 and "root_scale 12.5 mm" in printed


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


def test_a_failed_step_stops_with_its_log(videos, tmp_path, monkeypatch):
    failing = Job(
        tmp_path / "steps/bad", ("python", "-c", "raise SystemExit('no hands')"), tmp_path
    )
    monkeypatch.setattr(adaptation, "adaptation_jobs", lambda *_: [failing])
    with pytest.raises(RuntimeError, match="no hands"):
        adapt(videos, tmp_path / "out", Adaptation())
