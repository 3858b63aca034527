"""Pages of the site for the modules of the package; Sphinx reads their docstrings."""

import ast
import re
from pathlib import Path

from simhand_mm.experiments.tables import markdown_table
from tools.site.markdown import escaped, toctree

PACKAGE = Path(__file__).parents[2] / "simhand_mm"
SKIPPED = ("__init__", "version")
INTRODUCTION = """# Python API

Every module of `simhand_mm`, with its public classes and functions. Shapes are written
`[N, 21, 2]`; each argument states its unit and its coordinate frame.
[Data format](../../data_format.md) defines the frames, and [design](../../design.md) explains what
imports what.
"""


def pages() -> dict[str, str]:
    """Return file name and text of each page: an index, and one page per package and module."""
    found = {"api/index.md": f"{INTRODUCTION}\n{_contents(PACKAGE)}"}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "__init__.py" and path.parent != PACKAGE:
            found[f"api/{_name(path.parent)}.md"] = _package_page(path)
        elif path.stem not in SKIPPED:
            found[f"api/{_name(path)}.md"] = _module_page(path)
    return found


def public_names(init: Path) -> dict[str, str]:
    """Return the names that a package imports from its modules, and where each is defined.

    Args:
        init: The ``__init__.py`` of the package.
    """
    names: dict[str, str] = {}
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("simhand_mm."):
            names |= {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return dict(sorted(names.items()))


def _module_page(path: Path) -> str:
    """Return the page of a module. 200 of them would fill the sidebar; the tables link to them."""
    above = "index" if path.parent == PACKAGE else _name(path.parent)
    link = f"[{'Python API' if above == 'index' else above}]({above}.md)"
    return f"---\norphan: true\n---\n{_title(path)}In {link}.\n\n{_automodule(path, members=True)}"


def _package_page(init: Path) -> str:
    text = _title(init.parent) + _automodule(init.parent, members=False)
    if names := public_names(init):
        listed = ", ".join(f"{{py:obj}}`{name} <{where}>`" for name, where in names.items())
        text += f"\n`from simhand_mm.{_name(init.parent)} import` {listed}.\n"
    return f"{text}\n{_contents(init.parent)}"


def _contents(package: Path) -> str:
    """Return a table of the packages and modules in a package."""
    packages = sorted(path.parent for path in package.glob("*/__init__.py"))
    modules = sorted(path for path in package.glob("*.py") if path.stem not in SKIPPED)
    rows = [(f"[{_name(path)}]({_name(path)}.md)", _summary(path)) for path in packages + modules]
    return f"{markdown_table(('module', 'what it is'), rows)}\n\n{toctree(map(_name, packages))}"


def _name(path: Path) -> str:
    """Return ``pool.reader`` for simhand_mm/pool/reader.py, and ``pool`` for its folder."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def _title(path: Path) -> str:
    return f"# {_name(path)}\n\n"


def _automodule(path: Path, members: bool) -> str:
    options = "   :members:\n   :show-inheritance:\n" if members else ""
    return f"```{{eval-rst}}\n.. automodule:: simhand_mm.{_name(path)}\n{options}```\n"


def _summary(path: Path) -> str:
    source = path / "__init__.py" if path.is_dir() else path
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    line = re.sub(r":\w+:`[^`]*?(\w+)`", r"``\1``", docstring.partition("\n")[0])
    return escaped(line.removesuffix("."))
