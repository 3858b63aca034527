"""What the documents say is true of the tree."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("configs/*/README.md"),
                    *ROOT.glob("projects/**/README.md")])  # fmt: skip


def test_every_module_is_on_the_map():
    text = (ROOT / "docs" / "design.md").read_text()
    modules = [p for p in (ROOT / "simhand_mm").rglob("*.py") if p.name != "__init__.py"]
    missing = [str(p.relative_to(ROOT / "simhand_mm")) for p in modules if p.name not in text]
    assert not missing, f"docs/design.md must name {missing}"


def test_the_map_names_no_module_that_is_gone():
    text = (ROOT / "docs" / "design.md").read_text()
    rooms = text.split("## The rooms")[1].split("## Where the paper is")[0]
    present = {p.name for p in (ROOT / "simhand_mm").rglob("*.py")}
    present |= {p.name for room in ("tools", "tests") for p in (ROOT / room).rglob("*.*")}
    assert set(re.findall(r"\b\w+\.(?:py|sh)\b", rooms)) <= present


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_named_files_exist(document):
    text = document.read_text()
    named = re.findall(r"\b(?:tools|configs|docs|tests|requirements|projects)/[\w./-]+\.\w+", text)
    missing = sorted({name for name in named if not (ROOT / name).exists()})
    assert not missing, f"{document.name} names files that do not exist: {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#\s]+)\)", document.read_text())
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert not missing, f"{document.name} links to {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_options_in_commands_exist(document):
    """Each ``--option`` shown after a tool's name is one that the tool knows."""
    text = document.read_text().replace("\\\n", " ")
    for tool, rest in re.findall(r"(tools/[\w/]+\.py)([^\n`]*)", text):
        source = (ROOT / tool).read_text()
        for option in re.findall(r"(?<=\s)--[a-z][a-z0-9-]*", rest):
            known = f'"{option}"' in source or option == "--help"
            assert known, f"{document.name}: {tool} has no option {option}"
