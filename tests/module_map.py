"""Write the tables of modules in docs/design.md: ``python tests/module_map.py``."""

import ast
import re
from pathlib import Path

from simhand_mm.experiments.tables import markdown_table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "design.md"
BEGIN, END = "<!-- module map: written by tests/module_map.py -->\n", "<!-- end of module map -->\n"


def module_map() -> str:
    """Return the tables: one heading per package, one row per module, named by its path."""
    package = ROOT / "simhand_mm"
    rooms = [p.parent for p in sorted(package.glob("*/__init__.py"))]
    tools = [p for p in sorted((ROOT / "tools").rglob("*")) if p.suffix in (".py", ".sh")]
    return "\n".join(
        [
            _table("`simhand_mm/`", sorted(package.glob("*.py")), package),
            *(_table(f"`{r.name}/`", sorted(r.rglob("*.py")), package, _summary(r / "__init__.py"))
              for r in rooms),
            _table("`tools/`", tools, ROOT),
        ]
    )  # fmt: skip


def _table(name: str, files: list[Path], root: Path, summary: str = "") -> str:
    rows = [
        (f"`{path.relative_to(root)}`", _summary(path))
        for path in files
        if path.name != "__init__.py"
    ]
    title = f"### {name}: {summary[0].lower()}{summary[1:]}" if summary else f"### {name}"
    return "\n".join([title, "", markdown_table(("module", "what it is"), rows), ""])


def _summary(path: Path) -> str:
    """Return the first line of a docstring, or the first sentence of the comment of a script."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sh":
        line = text.split("\n# ", 1)[1].partition("\n")[0].split(". ")[0]
    else:
        line = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    line = re.sub(r":\w+:`[^`]*?(\w+)`", r"`\1`", line)  # roles of Sphinx
    return line.removesuffix(":").removesuffix(".").replace("``", "`").replace("|", r"\|")


def page_with_map() -> str:
    """Return docs/design.md with up-to-date tables."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n" + module_map() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page_with_map(), encoding="utf-8")
