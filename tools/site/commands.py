"""Pages of the site for the commands: usage, description and options, read from the parsers."""

import argparse
import ast
import contextlib
import re
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import tyro

from simhand_mm.cli import STAGES, summary_of
from simhand_mm.experiments.tables import markdown_table
from tools.site.markdown import escaped, toctree

TOOLS = Path(__file__).parents[1]
INTRODUCTION = """# Commands

`simhand COMMAND --help` prints the same text in a terminal. The exit code is 2 if the command line
is wrong, and 1 if the command fails; it then prints a message, and with `SIMHAND_TRACEBACK=1` also
the traceback.
"""
END_OF_HELP = re.compile(
    r"\s*\((?:default: (?P<default>(?:(?! \(default: ).)*)|required)\)$", re.DOTALL
)


class _StopReading(Exception):
    """Raised in place of running a tool; its argument is the parser."""


def pages() -> dict[str, str]:
    """Return file name and text of each page: an index, and one page per command."""
    commands = {name: TOOLS / file for stage in STAGES.values() for name, file in stage.items()}
    pages = {f"commands/{name}.md": command_page(name, tool) for name, tool in commands.items()}
    return {"commands/index.md": _index()} | pages


def _index() -> str:
    text = [INTRODUCTION]
    for stage, files in STAGES.items():
        rows = [(f"[simhand {name}]({name}.md)", _summary(TOOLS / files[name])) for name in files]
        text += [
            f"## {stage[0].upper()}{stage[1:]}",
            "",
            markdown_table(("command", "what it does"), rows),
        ]
        text += [""]
    return "\n".join([*text, toctree([name for files in STAGES.values() for name in files])])


def command_page(name: str, tool: Path) -> str:
    """Return the page of a command.

    Args:
        name: As in ``simhand NAME``.
        tool: File of the command.
    """
    if tool.suffix == ".sh":
        return f"# simhand {name}\n\n{_summary(tool)}.\n\n```text\n{_comment(tool)}\n```\n"
    parser = parser_of(tool)
    positional = [a for a in parser._actions if not a.option_strings]
    words = " ".join([*(_values(action) for action in positional), "[OPTIONS]"])
    return "\n".join(
        [
            f"# simhand {name}",
            "",
            description_of(tool),
            "",
            f"```text\nsimhand {name} {words}\n```",
            *_groups(parser),
            "",
        ]
    )


def parser_of(tool: Path) -> argparse.ArgumentParser:
    """Return the parser of a tool, without running the tool.

    Args:
        tool: A Python file that calls ``simhand_mm.cli.run`` or ``ArgumentParser.parse_args``.
    """
    with _stopping_at_the_parser(), mock.patch.object(sys, "argv", [str(tool)]):
        try:
            runpy.run_path(str(tool), run_name="__main__")
        except _StopReading as stopped:
            return stopped.args[0]
    raise ValueError(f"tool must parse arguments, but {tool} does not. Call simhand_mm.cli.run.")


@contextlib.contextmanager
def _stopping_at_the_parser() -> Iterator[None]:
    def stop_at_tyro(function: Callable[..., Any], **settings: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            raise _StopReading(tyro.extras.get_parser(function, **settings))

    def stop_at_argparse(parser: argparse.ArgumentParser, *_: Any) -> None:
        raise _StopReading(parser)

    with (
        mock.patch.object(tyro, "cli", stop_at_tyro),
        mock.patch.object(argparse.ArgumentParser, "parse_args", stop_at_argparse),
    ):
        yield


def description_of(tool: Path) -> str:
    """Return the docstring of a tool as Markdown; indented lines stay code."""
    text = ast.get_docstring(ast.parse(tool.read_text(encoding="utf-8"))) or ""
    return "\n".join(
        line if line.startswith("    ") else escaped(line) for line in text.splitlines()
    )


def _groups(parser: argparse.ArgumentParser) -> Iterator[str]:
    for group in parser._action_groups:
        actions = [a for a in group._group_actions if "--help" not in a.option_strings]
        if not actions:
            continue
        yield f"\n## {_title(group)}\n"
        if any(action.option_strings for action in actions):
            yield markdown_table(
                ("option", "default", "meaning"), [_row(action) for action in actions]
            )
        else:
            yield markdown_table(("argument", "meaning"), [_row(action)[::2] for action in actions])


def _title(group: argparse._ArgumentGroup) -> str:
    """Return ``Options`` or the description of a group of settings, e.g. ``Quality limits``."""
    title = (group.description or group.title or "").strip().splitlines()[0].removesuffix(".")
    return escaped(title[0].upper() + title[1:])


def _row(action: argparse.Action) -> tuple[str, str, str]:
    text = " ".join((action.help or "").split())
    found = END_OF_HELP.search(text)
    default = found["default"] if found else None
    if not found and action.default not in (None, False, argparse.SUPPRESS):
        default = str(action.default)
    names = ", ".join(f"`{name}`" for name in action.option_strings if "_" not in name)
    values = _values(action)
    option = f"{names} `{values}`" if names and values else names or f"`{values}`"
    written = "" if default in (None, "False", "unset", "''") else f"`{default}`"
    return option, written, escaped(END_OF_HELP.sub("", text))


def _values(action: argparse.Action) -> str:
    """Return what follows the name of an option: a metavar, or the choices."""
    if action.nargs == 0:
        return ""
    if action.metavar is not None:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _summary(tool: Path) -> str:
    return escaped(summary_of(tool))


def _comment(script: Path) -> str:
    """Return the comment at the top of a shell script."""
    lines = script.read_text(encoding="utf-8").splitlines()[1:]
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[:end])
