"""Sphinx extension: writes the generated pages, and adapts docstrings and types for autodoc."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

import simhand_mm
from simhand_mm.cli import COMMANDS
from tools.site import commands, configs, modules, notebook

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
TUTORIAL = "docs/tutorial"
CODE = ("simhand_mm", "tools", "configs")  # what the tutorial runs
ATTRIBUTES = ("attribute", "data", "property")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers; Sphinx calls this."""
    app.connect("builder-inited", lambda app: write_pages())
    app.connect("builder-inited", lambda app: remove_options_from_types())
    app.connect("env-get-outdated", find_stale_tutorial)
    app.connect("source-read", execute_tutorial)
    app.connect("missing-reference", find_definition)
    app.connect("doctree-read", set_dashes)
    app.connect("doctree-resolved", link_commands)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_equation, None))
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


def find_stale_tutorial(app: Sphinx, *changes: Any) -> list[str]:
    """Return the tutorial if the code that it runs has changed since it was executed."""
    page = app.doctreedir / f"{TUTORIAL}.doctree"
    code = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    newest = max(path.stat().st_mtime for path in code)
    return [TUTORIAL] if not page.exists() or page.stat().st_mtime < newest else []


def execute_tutorial(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the stored outputs of the tutorial by those of the current code."""
    if page == TUTORIAL:
        source[0] = notebook.executed(source[0])


def find_definition(app: Sphinx, env: Any, node: Any, code: nodes.Element) -> Any:
    """Resolve a reference to ``simhand_mm.pool.HandPool`` by the module that defines the name."""
    package, _, name = node["reftarget"].rpartition(".")
    init = modules.PACKAGE.parent / package.replace(".", "/") / "__init__.py"
    defined = modules.public_names(init).get(name) if package and init.is_file() else None
    if defined is None:
        return None
    python = env.get_domain("py")
    return python.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], defined, node, code
    )


def write_formula(writer: Any, node: nodes.math) -> None:
    """Write a formula as MathML, which browsers draw without a script from the network."""
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def write_equation(writer: Any, node: nodes.math_block) -> None:
    """Write an equation on its own line, as MathML."""
    writer.body.append(f"<div>{tex2mathml(node.astext(), as_block=True)}</div>")
    raise nodes.SkipNode


def set_dashes(app: Sphinx, doctree: nodes.document) -> None:
    """Set a dash between an argument and its text, where Sphinx writes two hyphens."""
    for text in list(doctree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))


def link_commands(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link ``simhand mine ...`` in the text to the page of the command."""
    for code in list(doctree.findall(nodes.literal)):
        found = re.match(r"simhand ([a-z0-9-]+)", code.astext())
        if found and found[1] in COMMANDS and not isinstance(code.parent, nodes.reference):
            address = app.builder.get_relative_uri(page, f"docs/reference/commands/{found[1]}")
            code.parent.replace(code, nodes.reference("", "", code, refuri=address, internal=True))


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
