"""Sphinx extension: writes the generated pages, and adapts docstrings and types for autodoc."""

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from docutils import nodes
from sphinx.application import Sphinx

import simhand_mm
from tools.site import commands, configs, modules

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
ATTRIBUTES = ("attribute", "data", "property")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers; Sphinx calls this."""
    app.connect("builder-inited", lambda app: write_pages())
    app.connect("builder-inited", lambda app: remove_options_from_types())
    app.connect("doctree-read", set_dashes)
    text = _AttributeText()
    app.connect("autodoc-process-docstring", text.keep, priority=400)
    app.connect("autodoc-process-docstring", text.restore, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages() -> None:
    """Write the pages of docs/reference that have changed, and delete those of removed modules."""
    pages = commands.pages() | configs.pages() | modules.pages()
    for path in {*FOLDER.rglob("*.md")} - {FOLDER / name for name in pages}:
        path.unlink()
    for name, text in pages.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def remove_options_from_types() -> None:
    """Replace ``Annotated[T, ...]`` by T: the metadata of command line options say nothing here."""
    for found in pkgutil.walk_packages(simhand_mm.__path__, "simhand_mm."):
        module = importlib.import_module(found.name)
        aliases = {name: _plain(item) for name, item in vars(module).items()}
        vars(module).update(aliases)
        for item in aliases.values():
            if getattr(item, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(item) or inspect.isfunction(item):
                types = item.__annotations__
                types |= {name: _plain(type_) for name, type_ in types.items()}


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def set_dashes(app: Sphinx, doctree: nodes.document) -> None:
    """Set a dash between an argument and its text, where Sphinx writes two hyphens."""
    for text in list(doctree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))


class _AttributeText:
    """Keeps the text of attributes as it is: napoleon takes what precedes a colon for a type."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}

    def keep(self, app, what, name, obj, options, lines) -> None:
        if what in ATTRIBUTES:
            self.texts[name] = list(lines)

    def restore(self, app, what, name, obj, options, lines) -> None:
        if what in ATTRIBUTES:
            lines[:] = self.texts[name]
