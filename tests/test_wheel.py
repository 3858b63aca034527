"""The wheel: its contents, the time to import it, and the whole pipeline outside the clone.

The environment uses the installed packages and gets the wheel with ``--no-deps``. This tests that
the wheel is complete, not that its extras can be downloaded; they are compared with requirements/.
"""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from simhand_mm.failures import WITHOUT_REQUIREMENTS
from tests.environments import make_environment, stranger

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    tomllib = None

ROOT = Path(__file__).parents[1]
PRETRAINING = "configs/simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
FINETUNING = "configs/detnet/detnet_resnet18_synthetic-pre_1xb16-30e_synthetic-64px.py"
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
PLANS = ["simhand_paper", "synthhands", "example_project"]
NOT_NEEDED = ["mmpose", "mmpretrain", "mmdet", "mediapipe", "faiss", "av", "ray", "onnx", "numba"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*PIP, *build], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The ``simhand`` program of an environment with the wheel, and an empty folder."""
    folder = tmp_path_factory.mktemp("stranger")
    python = make_environment(folder / "env")
    install = ["--python", str(python), "install", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run([*PIP, *install], check=True, capture_output=True)
    (folder / "empty").mkdir()
    return python.parent / "simhand", folder / "empty"


def test_configs_tools_and_mesh_are_inside(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("configs", "tools"):
        files = [p for p in (ROOT / folder).rglob("*") if p.suffix in (".py", ".sh", ".yml")]
        expected = {f"simhand_mm/.mim/{p.relative_to(ROOT)}" for p in files}
        assert not expected - names
    assert "simhand_mm/.mim/model-index.yml" in names
    assert {f"simhand_mm/.mim/projects/{name}/plan.py" for name in PLANS} <= names
    assert {"simhand_mm/py.typed", "simhand_mm/lifting/lifter.pth"} <= names
    assert "simhand_mm/synthetic/hand/hand_mpfb.npz" in names
    page = ROOT / "simhand_mm" / "explorer" / "page"
    assert {f"simhand_mm/explorer/page/{file.name}" for file in page.iterdir()} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_import_is_fast_and_needs_no_framework():
    """Under a second of CPU time (wall time varies on a shared machine), even without torch."""
    code = f"""
import sys, time
for name in {[*NOT_NEEDED, "torch", "mmengine"]}:
    sys.modules[name] = None
start = time.process_time()
import simhand_mm
from simhand_mm import cli
print(time.process_time() - start)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert float(done.stdout) < 1.0


def names_of(lines):
    names = (re.match(r"[A-Za-z0-9._-]+", line.strip()) for line in lines)
    return {match[0].lower().replace("_", "-") for match in names if match}


@pytest.mark.skipif(tomllib is None, reason="tomllib needs Python 3.11")
def test_extras_match_the_tested_environment():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pulled = names_of(project["dependencies"])
    for extra in ("prepare", "mine", "pose", "report", "faiss", "explore"):
        pulled |= names_of(extras[extra])
    pinned = names_of((ROOT / "requirements" / "runtime.txt").read_text().splitlines())
    pinned |= {"torch", "torchvision"}
    assert pulled - pinned == set()
    assert pinned - pulled - names_of(extras["onnx"]) == set()
    without = names_of((ROOT / "requirements" / "no_deps.txt").read_text().splitlines())
    assert without == names_of(WITHOUT_REQUIREMENTS.values())
    assert not without & pulled


def test_pins_in_the_command_match_the_tested_environment():
    lines = (ROOT / "requirements" / "no_deps.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert sorted(WITHOUT_REQUIREMENTS.values()) == sorted(pins)


@pytest.mark.skipif(tomllib is None, reason="tomllib needs Python 3.11")
def test_extras_in_error_messages_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for path in [*ROOT.glob("simhand_mm/**/*.py"), *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for extras in re.findall(r"simhand-mm\[([\w,]+)\]", path.read_text()):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]) | {"extra"}, path


def run(simhand, folder, command):
    """Run a command and return its output; arguments must not contain spaces."""
    done = subprocess.run(
        [simhand, *command.split()],
        cwd=folder,
        env=stranger(folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"simhand {command}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.slow
def test_from_two_videos_to_a_demo_in_an_empty_folder(installed):
    """About 40 s of CPU time."""
    simhand, folder = installed
    where = [simhand.parent / "python", "-c", "import simhand_mm; print(simhand_mm.__file__)"]
    found = subprocess.check_output(where, cwd=folder, env=stranger(folder), text=True)
    assert str(ROOT) not in found

    for plan in PLANS:
        assert "simhand test" in run(simhand, folder, f"reproduce {plan} --print")

    size = "--videos 2 --frames 12 --stills-train 16 --stills-test 8"
    run(simhand, folder, f"synthesize data/synthetic {size}")
    run(simhand, folder, "prepare data/synthetic/videos data/pool --fps 10")
    assert "recall 1.0000" in run(simhand, folder, "mine data/pool")
    options = "--cfg-options train_cfg.max_epochs=2 train_dataloader.batch_size=8"
    run(simhand, folder, f"train {PRETRAINING} {options}")
    backbone = f"work_dirs/{Path(PRETRAINING).stem}/backbone.pth"
    weights = f"model.backbone.init_cfg.checkpoint={backbone}"
    log = run(simhand, folder, f"train {FINETUNING} {options} {weights}")
    assert "0 missing, 0 unexpected" in log
    work_dir = Path("work_dirs") / Path(FINETUNING).stem
    run(simhand, folder, f"test {FINETUNING} {work_dir}/epoch_2.pth --dump")
    assert json.loads((folder / work_dir / "metrics.json").read_text())["num_hands"] == 8
    model = f"--config {FINETUNING} --checkpoint {work_dir}/epoch_2.pth"
    demo = f"demo data/synthetic/images/test {model} --max-frames 2"
    assert "images: 2 " in run(simhand, folder, demo)
    assert len(list((folder / "work_dirs/demo").glob("*.png"))) == 2
