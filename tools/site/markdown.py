"""Markdown of generated pages: escaped text and lists of pages."""

import re
from collections.abc import Iterable


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


def toctree(pages: Iterable[str]) -> str:
    """Return a directive that puts pages below this one in the sidebar."""
    return "\n".join(["```{toctree}", ":hidden:", "", *pages, "```", ""])
