"""The import rule of docs/design.md: imports point down, and stages share only the pool."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "simhand_mm"
STAGES = {
    "preparation",
    "mining",
    "lifting",
    "pretraining",
    "pose",
    "converters",
    "synthetic",
    "visualization",
}
# Who imports whom, in full: a new arrow between rooms is a decision, to be written down here.
ARROWS = {
    "__init__": {"compat", "version"},
    "version": set(),
    "checkpoint": set(),
    "executors": set(),
    "options": set(),
    "probe_options": set(),
    "registry": set(),
    "runner_options": set(),
    "functional": set(),
    "cli": {"failures", "options"},
    "failures": set(),
    "compat": {"checkpoint", "cli"},
    "pool": {"functional"},
    "engine": {"compat", "registry", "version"},
    "preparation": {"executors", "functional", "pool"},
    "mining": {"compat", "executors", "functional", "options", "pool"},
    "lifting": {"functional", "pool"},
    "pretraining": {
        "checkpoint",
        "engine",
        "functional",
        "pool",
        "probe_options",
        "registry",
    },
    "pose": {"checkpoint", "engine", "functional", "pool", "registry"},
    "converters": {"executors", "functional", "options", "pool"},
    "synthetic": {"executors", "functional", "pool"},
    "visualization": {"functional", "options", "pool"},
    "experiments": {
        "cli",
        "lifting",
        "pool",
        "runner_options",
    },  # runs the commands, so it is above them
    # Shows what stages have made; computes embeddings and features that are missing.
    "explorer": {"mining", "pool", "pretraining"},
    # For users of images, so it is above the stages.
    "inference": {"functional", "lifting", "pool", "pose", "preparation"},
    # Examines the code of stages.
    "doctor": {"cli", "compat", "engine", "functional", "mining", "pool", "pretraining"},
}
# Frameworks that only one stage may import; heavy packages that functions import, not modules.
OWNED = {"mmpose": {"pose"}, "mmpretrain": {"pretraining"}}
LAZY = {"mediapipe", "faiss", "av", "ray", "onnx", "onnxruntime", "mmdet", "mmcv", "umap"}
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


def rooms_imported_by(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports(path)]
    return {p[1] for p in parts if p[0] == "simhand_mm" and len(p) > 1} - {room_of(path)}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_frameworks_have_one_owner(path):
    room = room_of(path)
    for name in imports(path):
        owners = OWNED.get(name.split(".")[0])
        assert owners is None or room in owners, f"{room} must not import {name}"


def test_rooms_import_what_is_written_down():
    found = {room: set() for room in map(room_of, modules())}
    for path in modules():
        found[room_of(path)] |= rooms_imported_by(path)
    assert found == ARROWS


def test_imports_point_down():
    """The stages meet in the pool only, and no room imports one that imports it."""
    assert not [(room, ARROWS[room] & STAGES) for room in STAGES if ARROWS[room] & STAGES]
    assert list(TopologicalSorter(ARROWS).static_order())  # raises where there is a circle


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
        if room_of(path) != "executors":
            names = {name.split(".")[0] for name in imports(path)}
            assert not names & {"multiprocessing", "ray", "tqdm"}, (
                f"{path}: use simhand_mm.executors"
            )
            assert not any(name.endswith("ProcessPoolExecutor") for name in imports(path)), path
