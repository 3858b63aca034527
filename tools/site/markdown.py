"""Markdown of generated pages: escaped text, tables and lists of pages."""

import re
from collections.abc import Iterable, Sequence


def escaped(text: str) -> str:
    """Return plain text as Markdown; ``code`` stays code, and ``--options`` become code.

    Args:
        text: One line of a docstring.
    """
    text = re.sub(r"(?<![\w`-])(--[a-z][\w-]*)", r"`\1`", text)
    parts = re.split(r"(``[^`]+``|`[^`]+`)", text)
    return "".join(
        f"`{part.strip('`')}`" if part.startswith("`") else re.sub(r"([<*\[\]\\])", r"\\\1", part)
        for part in parts
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; ``|`` in cells is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def toctree(pages: Iterable[str]) -> str:
    """Return a directive that puts pages below this one in the sidebar."""
    return "\n".join(["```{toctree}", ":hidden:", "", *pages, "```", ""])
