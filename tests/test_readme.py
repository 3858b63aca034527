"""Every command in the documents is run on tiny data or has a reason why not; options parse."""

import argparse
import functools
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import tyro
from torchvision.models import resnet50

from simhand_mm import cli
from simhand_mm.pool import read_poses, write_predictions
from simhand_mm.synthetic import Contents, synthesize
from tests.documented_commands import (
    BY_ANOTHER_TEST,
    DOCUMENTS,
    NEEDS,
    OWN_LABELS,
    OWN_VIDEOS,
    OWN_VIDEOS_TRAINING,
    PAPER,
    ROOT,
    commands_of,
    is_named,
)
from tests.test_converters.official_layouts import write_freihand

RUN = {**OWN_VIDEOS, **OWN_VIDEOS_TRAINING, **PAPER, **OWN_LABELS}
ALL = sorted({command for document in DOCUMENTS for command in commands_of(document)})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_command_is_run_or_has_a_reason(document):
    unknown = [c for c in commands_of(document) if c not in RUN and not is_named(c)]
    assert not unknown, (
        f"{document.name} contains {unknown}. Run them in tests/test_readme.py or give a reason "
        "in tests/documented_commands.py."
    )


def test_listed_commands_are_in_the_documents():
    assert not set(RUN) - set(ALL)


class _Parsed(Exception):
    """Stops a tool after it has parsed its command line."""


def tool_and_arguments(command):
    """Return the Python tool that a command runs and its arguments; None for other programs."""
    program, *arguments = shlex.split(command.replace("[", "").replace("]", ""))
    if program == "simhand":
        if arguments[0] not in cli.COMMANDS:
            return None
        tool = ROOT / "tools" / cli.COMMANDS[arguments.pop(0)]
    elif arguments and arguments[0].startswith("tools/"):
        tool = ROOT / arguments.pop(0)
    else:
        return None
    if tool.name in ("dist_train.sh", "dist_test.sh"):
        positionals = 2 if tool.name == "dist_train.sh" else 3
        del arguments[positionals - 1]  # the number of processes
        tool = tool.with_name("train.py" if tool.name == "dist_train.sh" else "test.py")
    return (tool, arguments) if tool.suffix == ".py" else None


@pytest.mark.parametrize("command", [command for command in ALL if tool_and_arguments(command)])
def test_the_tool_accepts_the_documented_command(command, monkeypatch):
    tool, arguments = tool_and_arguments(command)
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(parser, *_):
        parse(parser, arguments)
        raise _Parsed

    def parse_for_a_stub(function, **style):
        @functools.wraps(function)
        def stop(*_, **__):
            raise _Parsed

        tyro_cli(stop, args=arguments, **style)

    tyro_cli = tyro.cli
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
    monkeypatch.setattr(tyro, "cli", parse_for_a_stub)
    monkeypatch.setattr(sys, "argv", [str(tool)])
    monkeypatch.setattr(sys, "path", [str(tool.parent), *sys.path])
    with pytest.raises(_Parsed):
        runpy.run_path(str(tool), run_name="__main__")


def test_reasons_are_given():
    assert all({**BY_ANOTHER_TEST, **NEEDS}.values())


# ------------------------------------------------------------------------------- running


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Two videos and some stills."""
    folder = tmp_path_factory.mktemp("synthetic")
    synthesize(folder, Contents(2, 10, 24, 8))
    return folder


def type_in(folder, command, small=""):
    """Run a command as a user in ``folder``, with the programs of the environment on the path."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment.pop("SIMHAND_DATA", None)
    done = subprocess.run(
        ["bash", "-c", command + small],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}{small}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


@pytest.fixture(scope="module")
def own_videos(synthetic, tmp_path_factory):
    """The folder after the first four of the five commands in README.md."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_videos").symlink_to(synthetic / "videos")
    for command, small in OWN_VIDEOS.items():
        type_in(folder, command, small)
    return folder


def test_own_videos_to_pairs(own_videos):
    assert (own_videos / "pool.html").is_file()
    assert (own_videos / "pairs.html").is_file()
    assert (own_videos / "data/pool/pairs/similar.npz").is_file()


@pytest.mark.slow
def test_pairs_to_a_backbone(own_videos):
    *trainings, export = OWN_VIDEOS_TRAINING
    for command in trainings:
        type_in(own_videos, command, OWN_VIDEOS_TRAINING[command])
    made = own_videos / "work_dirs" / Path(re.search(r"simhand_resnet50\S+", trainings[-1])[0]).stem
    (own_videos / "backbone.pth").symlink_to(made / "backbone.pth")
    type_in(own_videos, export)
    assert (own_videos / "resnet50.pth").is_file()


def with_best_checkpoint(command, folder):
    """Put the file that a training has written in place of ``BEST_CHECKPOINT``."""
    if "BEST_CHECKPOINT" not in command:
        return command
    work_dir = f"work_dirs/{Path(command.split()[2]).stem}"
    (best,) = folder.glob(f"{work_dir}/best_*.pth")
    return command.replace("BEST_CHECKPOINT", f"{work_dir}/{best.name}")


def write_some_predictions(folder):
    """Write the ground truth as predictions: after one epoch those of a model are too small."""
    poses = read_poses(folder / "data/FreiHAND_pub_v2/poses/test.parquet")
    predictions = {
        **{key: poses[key] for key in ("sample_id", "keypoints_2d", "keypoints_3d")},
        "keypoint_score": poses["keypoints_valid"],
        "error_mm": [0.0] * len(poses["sample_id"]),
    }
    for name in ("predictions.parquet", "A/predictions.parquet", "B/predictions.parquet"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_predictions(folder / name, predictions)


@pytest.mark.slow
def test_the_experiment_of_the_paper_with_tiny_data(synthetic, tmp_path):
    (tmp_path / "ego4d").mkdir()
    (tmp_path / "ego4d/full_scale").symlink_to(synthetic / "videos")
    (tmp_path / "tools").symlink_to(ROOT / "tools")
    poses = read_poses(synthetic / "poses/train.parquet")
    hands = [{key: column[row] for key, column in poses.items()} for row in range(8)]
    write_freihand(tmp_path / "data/FreiHAND_pub_v2", hands, synthetic)
    for command, small in PAPER.items():
        command = with_best_checkpoint(command, tmp_path)
        if command.startswith("simhand evaluate"):
            write_some_predictions(tmp_path)
        type_in(tmp_path, command.replace(".py 8 ", ".py 2 "), small)


@pytest.mark.slow
def test_fine_tuning_on_own_labels(synthetic, tmp_path):
    (tmp_path / "my_hands").mkdir()
    (tmp_path / "my_hands/images").symlink_to(synthetic / "images")
    poses = read_poses(synthetic / "poses/train.parquet")
    hands = [
        {
            "image": str(poses["image_path"][row]),
            "handedness": str(poses["handedness"][row]),
            "keypoints_3d": poses["keypoints_3d"][row].tolist(),
            "camera_matrix": poses["camera_matrix"][row].tolist(),
        }
        for row in range(8)
    ]
    for split in ("train", "val", "test"):
        labels = {"unit": "mm", "hands": hands}
        (tmp_path / f"my_hands/{split}.json").write_text(json.dumps(labels))
    backbone = resnet50(weights=None)
    weights = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    torch.save({"state_dict": weights}, tmp_path / "FILE")
    for command, small in OWN_LABELS.items():
        type_in(tmp_path, with_best_checkpoint(command, tmp_path), small)
    assert (tmp_path / "work_dirs/comparison.html").is_file()
