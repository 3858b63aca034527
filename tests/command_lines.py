"""Reads the options of a tool from its ``--help``, and the config that a command would use."""

import contextlib
import io
import re
import runpy
import sys
from functools import cache
from pathlib import Path
from unittest import mock

from simhand_mm import runner_options

ROOT = Path(__file__).parents[1]


@cache
def help_of(tool: str) -> str:
    """Return the help of a tool, e.g. ``tools/mine_pairs.py``."""
    printed = io.StringIO()
    with (
        mock.patch.object(sys, "argv", [str(ROOT / tool), "--help"]),
        mock.patch.dict("os.environ", {"COLUMNS": "120"}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        runpy.run_path(str(ROOT / tool), run_name="__main__")
    return printed.getvalue()


@cache
def options_of(tool: str) -> dict[str, str]:
    """Return option name or positional argument -> help, for a tool."""
    entry = re.compile(r"  (--?[a-z].*?|[\w\[\]][\w\[\]-]*)(?:  +(.*?))? *")
    more = re.compile(r" {8,}(\S.*?) *")
    options: dict[str, str] = {}
    names: list[str] = []
    for line in help_of(tool).splitlines():
        if (found := more.fullmatch(line)) and names:
            options.update({name: f"{options[name]} {found[1]}".strip() for name in names})
        elif found := entry.fullmatch(line):
            names = re.findall(r"(?<![\w-])--?[a-z][\w-]*", found[1]) or [found[1]]
            options.update(dict.fromkeys(names, found[2] or ""))
        else:
            names = []
    return options


def numeric_option_of(tool: str) -> str | None:
    """Return an option of a tool with a single number, or None."""
    found = re.search(r"^  (--[\w-]+) (?:INT|FLOAT)\b", help_of(tool), re.MULTILINE)
    return found[1] if found else None


def read_config(job):
    """Read the config of a training or a test, as the command does."""
    _, command, *arguments = job.arguments
    parser = runner_options.runner_parser(command, None)
    args, _ = parser.parse_known_args(arguments)
    args.config = str(ROOT / args.config)
    return runner_options.read_config(args)
