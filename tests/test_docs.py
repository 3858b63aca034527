"""The documents agree with the files of the repository."""

import re
from pathlib import Path

import pytest
import yaml

from simhand_mm.cli import COMMANDS
from simhand_mm.pool import detections, predictions, schema
from tests import module_map
from tests.command_lines import options_of

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "simhand_mm"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("configs/*/README.md"),
                    *ROOT.glob("projects/**/README.md")])  # fmt: skip


def test_module_tables_are_up_to_date():
    written = module_map.PAGE.read_text(encoding="utf-8")
    assert written == module_map.page_with_map(), "run: python tests/module_map.py"


def test_modules_with_the_same_name_have_separate_rows():
    text = module_map.module_map()
    for path in (ROOT / "simhand_mm").rglob("*.py"):
        if path.name != "__init__.py":
            row = f"| `{path.relative_to(ROOT / 'simhand_mm')}` | "
            assert text.count(row) == 1, f"{path} needs a separate row, starting with {row}"


def test_paths_in_the_rest_of_the_design_exist():
    text = module_map.PAGE.read_text(encoding="utf-8")
    outside = text.split(module_map.BEGIN)[0] + text.split(module_map.END)[1]
    named = re.findall(r"`((?:[\w]+/)+(?:\w+\.py)?)`", outside)
    missing = [name for name in named if not any((r / name).exists() for r in (ROOT, PACKAGE))]
    assert named and not missing, f"docs/design.md names {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_named_files_exist(document):
    text = document.read_text()
    named = re.findall(r"\b(?:tools|configs|docs|tests|requirements|projects)/[\w./-]+\.\w+", text)
    folders = (ROOT, document.parent)
    missing = {name for name in named if not any((folder / name).exists() for folder in folders)}
    assert not missing, f"{document.name} names files that do not exist: {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_are_valid(document):
    targets = re.findall(r"\]\(([^)#\s]+)\)", document.read_text())
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert not missing, f"{document.name} links to {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_headings_are_valid(document):
    for target, anchor in re.findall(r"\]\(([^)#\s]*\.md)?#([^)\s]+)\)", document.read_text()):
        text = (document.parent / target if target else document).read_text()
        anchors = {anchor_of(title) for title in re.findall(r"^#+ (.*)", text, re.MULTILINE)}
        assert anchor in anchors, f"{document.name} links to {target}#{anchor}"


def anchor_of(title: str) -> str:
    """Return the anchor of a heading, as GitHub and the site name it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_options_in_commands_exist(document):
    """Each ``--option`` after the name of a tool or command is an option of it."""
    text = document.read_text().replace("\\\n", " ")
    found = re.findall(r"(tools/[\w/]+\.py)([^\n`]*)", text)
    for command, rest in re.findall(r"\bsimhand ([a-z][a-z0-9-]+)([^\n`]*)", text):
        if COMMANDS.get(command, ".sh").endswith(".py"):
            found.append((f"tools/{COMMANDS[command]}", rest))
    for tool, rest in found:
        for option in re.findall(r"(?<=\s)--[a-z][a-z0-9-]*", rest):
            assert option in known_options(tool), f"{document.name}: {tool} has no option {option}"


def known_options(tool: str) -> set[str]:
    """Return the options in the help of a tool; those of benchmarks with argparse by their text."""
    is_benchmark = tool.startswith("tools/benchmarks/")
    if not is_benchmark or "run(main, __doc__)" in (ROOT / tool).read_text():
        return set(options_of(tool))
    source = "".join(path.read_text() for path in (ROOT / tool).parent.glob("*.py"))
    return set(re.findall(r'"(--[a-z][a-z0-9-]*)"', source))


def test_messages_name_commands_and_not_files_of_the_clone():
    """``simhand mine``, not ``tools/mine_pairs.py``: users of the wheel have only the commands."""
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tools").glob("*.py")]:
        if path != PACKAGE / "cli.py":
            assert not re.findall(r"tools/\w+\.py", path.read_text()), path.relative_to(ROOT)


def test_hooks_are_local_and_models_are_listed():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [(repo["repo"], {h["language"] for h in repo["hooks"]}) for repo in hooks] == [
        ("local", {"system"})
    ]
    listed = yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]
    assert sorted(listed) == sorted(
        str(path.relative_to(ROOT))
        for folder in ("configs", "projects")
        for path in ROOT.glob(f"{folder}/*/metafile.yml")
    )


def test_every_document_is_in_the_sidebar_of_the_site():
    index = (ROOT / "docs" / "index.md").read_text()
    sidebar = re.findall(r"^(?:[^<\n]*<)?([\w/.]+)>?$", index, re.MULTILINE)
    missing = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index", *sidebar}
    assert not missing, f"add {missing} to a toctree of docs/index.md"


def test_citation_is_a_valid_citation_file():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_images_are_small(document):
    for target in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", document.read_text()):
        assert (document.parent / target).stat().st_size < 300_000


def test_every_column_on_disk_is_documented():
    text = (ROOT / "docs" / "data_format.md").read_text()
    for table in (schema.HANDS, schema.DROPS, schema.POSES, detections.DETECTIONS,
                  predictions.PREDICTIONS):  # fmt: skip
        missing = [name for name in table.names if f"`{name}`" not in text]
        assert not missing, f"docs/data_format.md must explain {missing}"
