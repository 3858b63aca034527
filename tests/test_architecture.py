"""The import rule of docs/design.md: imports point down, and stages share only the pool."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "simhand_mm"
STAGES = {
    "preparation",
    "mining",
    "pretraining",
    "pose",
    "converters",
    "synthetic",
    "visualization",
}
HUBS = {"pool", "registry", "checkpoint", "compat", "engine", "executors", "options", "version"}
# Frameworks that only one stage may import; heavy packages that functions import, not modules.
OWNED = {"mmpose": {"pose"}, "mmpretrain": {"pretraining"}}
LAZY = {"mediapipe", "faiss", "av", "ray", "onnx", "onnxruntime", "mmdet", "mmcv"}
FUNCTIONAL_MAY_IMPORT = {"numpy", "torch", "numba", "triton", "simhand_mm"}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imports(path: Path, top_level_only: bool = False):
    """Return the dotted names that a file imports; ``from a import b`` gives ``a.b``."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def allowed_rooms(room: str) -> set[str]:
    if room == "functional":
        return {"functional"}
    if room in {"version", "checkpoint", "executors", "options"}:
        return {room}
    if room == "compat":
        return {"compat", "checkpoint"}
    if room in {"pool", "registry"}:
        return {room, "functional", "compat", "version"}
    if room == "engine":
        return {room, "registry", "compat"}
    if room in STAGES:
        return {room, "functional"} | HUBS
    if room == "runner_options":
        return {room, "cli"}
    if room == "experiments":  # runs the commands, so it is above them
        return {room, "pool", "cli"}
    if room == "doctor":  # runs the code of all stages, so it is above them
        return {room, "cli", "functional"} | STAGES | HUBS
    return {"compat", "version"}  # simhand_mm/__init__.py, cli.py


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    room = room_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "simhand_mm" and len(parts) > 1:
            assert parts[1] in allowed_rooms(room), f"{room} must not import {name}"
        owners = OWNED.get(parts[0])
        assert owners is None or room in owners, f"{room} must not import {name}"


@pytest.mark.parametrize(
    "path",
    sorted((PACKAGE / "synthetic").rglob("*.py")),
    ids=lambda p: str(p.relative_to(PACKAGE / "synthetic")),
)
def test_scenes_may_import_hands_and_hands_may_import_drawing(path):
    floors = ["drawing", "hand"]  # the scenes are above both
    parts = path.relative_to(PACKAGE / "synthetic").parts
    if len(parts) == 1:
        return
    allowed = floors[: floors.index(parts[0]) + 1]
    for name in imports(path):
        if name.startswith("simhand_mm.synthetic."):
            assert name.split(".")[2] in allowed, f"synthetic/{parts[0]} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_optional_packages_are_imported_inside_functions(path):
    for name in imports(path, top_level_only=True):
        assert name.split(".")[0] not in LAZY, f"import {name} inside the function that needs it"


@pytest.mark.parametrize(
    "path",
    sorted((PACKAGE / "functional").rglob("*.py")),
    ids=lambda p: str(p.relative_to(PACKAGE / "functional")),
)
def test_functional_is_pure(path):
    import sys

    for name in imports(path):
        root = name.split(".")[0]
        assert root in FUNCTIONAL_MAY_IMPORT | sys.stdlib_module_names, f"functional: {name}"
        assert root not in {"os", "logging", "pathlib", "json"}, f"functional: {name}"
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"print", "open"}


def test_only_executors_start_processes():
    for path in modules():
        if path.name != "executors.py":
            names = {name.split(".")[0] for name in imports(path)}
            assert not names & {"multiprocessing", "ray", "tqdm"}, (
                f"{path}: use simhand_mm.executors"
            )
            assert not any(name.endswith("ProcessPoolExecutor") for name in imports(path)), path


def test_every_folder_is_a_known_room():
    folders = {p.parent.relative_to(PACKAGE).parts[0] for p in PACKAGE.rglob("*.py")
               if p.parent != PACKAGE}  # fmt: skip
    assert folders <= STAGES | {"doctor", "engine", "experiments", "functional", "pool"}
