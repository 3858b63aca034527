"""The workarounds work, and only where they are needed."""

import os
import pickle
import subprocess
import sys

import cv2
import mmcv
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

import simhand_mm  # noqa: F401  (installs the workarounds)
from simhand_mm.compat import images


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class HostileAttribute:
    def __reduce__(self):
        return getattr, (HistoryBuffer, "__init__")


def test_mmengine_checkpoint_loads(tmp_path):
    path = str(tmp_path / "epoch_1.pth")
    content = {
        "state_dict": {"weight": torch.arange(3.0)},
        "message_hub": {"loss": HistoryBuffer([1.0, 2.0], [1, 1])},
        "meta": {"seed": np.int64(3), "sigmas": np.arange(4.0), "raw": b"bytes", "tags": {1, 2}},
        "dtype": torch.bfloat16,
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    torch.save(content, path)
    loaded = CheckpointLoader.load_checkpoint(path, "cpu", logger=None)
    assert loaded["message_hub"]["loss"].mean() == 1.5
    assert loaded["meta"]["raw"] == b"bytes"
    assert loaded["meta"]["tags"] == {1, 2}
    assert loaded["dtype"] is torch.bfloat16
    torch.testing.assert_close(loaded["state_dict"]["weight"], torch.arange(3.0))
    np.testing.assert_array_equal(loaded["meta"]["sigmas"], np.arange(4.0))


@pytest.mark.parametrize("zipped", [True, False])
def test_malicious_checkpoint_is_refused_without_execution(tmp_path, zipped):
    trap = tmp_path / "executed"
    path = str(tmp_path / "hostile.pth")
    content = {"weight": torch.ones(1), "trap": Hostile(str(trap))}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(pickle.UnpicklingError, match="nothing was executed"):
        CheckpointLoader.load_checkpoint(path, "cpu", logger=None)
    assert not trap.exists()


def test_attribute_look_up_and_torchscript_raise(tmp_path):
    torch.save({"trap": HostileAttribute()}, tmp_path / "attribute.pth")
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "script.pth"))
    for name in ("attribute.pth", "script.pth"):
        with pytest.raises(pickle.UnpicklingError, match="nothing was executed"):
            CheckpointLoader.load_checkpoint(str(tmp_path / name), "cpu", logger=None)


def test_missing_checkpoint_is_reported_with_its_path():
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth does not exist"):
        CheckpointLoader.load_checkpoint("nowhere.pth", "cpu", logger=None)


@pytest.mark.parametrize(
    "broken, expected",
    [
        ("nothing", "iter_20.pth"),
        ("last_checkpoint", "iter_20.pth"),  # interrupted during writing
        ("iter_20.pth", "iter_10.pth"),
        ("iter_10.pth", "iter_20.pth"),
        ("both", None),
    ],
)
def test_runs_resume_from_the_newest_complete_checkpoint(broken, expected, tmp_path):
    from mmengine.runner import runner

    for number, time_s in ((10, 1), (20, 2)):
        path = tmp_path / f"iter_{number}.pth"
        torch.save({"iter": number}, path)
        os.utime(path, (time_s, time_s))
    torch.save({}, tmp_path / "backbone.pth")  # newer, but nothing to resume from
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "iter_20.pth"))
    names = ["iter_10.pth", "iter_20.pth"] if broken == "both" else [broken]
    for path in [tmp_path / name for name in names if name != "nothing"]:
        whole = path.read_bytes()
        path.write_bytes(b"" if path.suffix == "" else whole[: len(whole) // 2])
        os.utime(path, (3, 3))
    found = runner.find_latest_checkpoint(str(tmp_path))
    assert found == (expected and str(tmp_path / expected))


@pytest.mark.parametrize(
    "folder", ["it's", 'say "hi"', "back\\slash", "\\n", "a b", "café 手", "{x} %s $HOME", "\\1"]
)
def test_any_folder_name_works_in_configs(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMHAND_DATA", folder)
    config = Config.fromfile("configs/detnet/detnet_resnet50_1xb128-120e_freihand.py")
    expected = f"{folder}/FreiHAND_pub_v2"
    assert config.train_dataloader.dataset.data_root == expected
    config.dump(tmp_path / "dumped.py")  # as in each run
    assert Config.fromfile(tmp_path / "dumped.py").data_root == expected


def test_defaults_and_other_types_of_environment_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("CLASSES", "7")
    (tmp_path / "a.py").write_text("a = {{'$CLASSES:80'}}\nb = '{{$NOWHERE:data}}/x'\n")
    config = Config.fromfile(tmp_path / "a.py")
    assert (config.a, config.b) == (7, "data/x")


def test_configs_of_this_package_are_bases_of_configs_anywhere(tmp_path):
    name = "simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
    (tmp_path / "own.py").write_text(f"_base_ = 'simhand_mm::{name}'\nmine = 1\n")
    (tmp_path / "wrong.py").write_text("_base_ = 'simhand_mm::simhand/nowhere.py'\n")
    config = Config.fromfile(tmp_path / "own.py")
    assert config.pop("mine") == 1
    assert config.to_dict() == Config.fromfile(f"configs/{name}").to_dict()
    with pytest.raises(FileNotFoundError, match=r"configs/simhand/nowhere\.py must be a file"):
        Config.fromfile(tmp_path / "wrong.py")


@pytest.mark.parametrize("factor", [-0.5, -0.04, 0.0, 0.04, 0.5])
@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_hues_turn_both_ways(factor, backend):
    """NumPy 2 refuses to make a uint8 of a negative number; NumPy 1 adds 256 to it."""
    pixels = np.random.default_rng(0).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    module = sys.modules["mmcv.image.photometric"]
    found = mmcv.adjust_hue(pixels, factor, backend)
    hue = cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV_FULL)
    hue[..., 0] += np.uint8(int(factor * 255) % 256)
    if backend == "cv2":
        np.testing.assert_array_equal(found, cv2.cvtColor(hue, cv2.COLOR_HSV2BGR_FULL))
    assert module.adjust_hue is mmcv.adjust_hue
    product = images._Turn(factor) * 255
    assert isinstance(product, int)
    assert product in range(256)


def test_import_is_fast_and_imports_no_framework():
    code = (
        "import sys, simhand_mm;"
        "heavy = {'torch', 'mmengine', 'mmpose', 'mmpretrain', 'mediapipe', 'faiss', 'cv2'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.slow
def test_frameworks_import_under_mmcv_lite():
    code = (
        "import simhand_mm, mmpretrain.models, mmpose.models, mmpose.apis, mmpose.visualization;"
        "import mmpose.datasets, mmpose.evaluation;"
        "from mmcv.utils import ext_loader"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
