"""Options that `simhand train` and `simhand test` share, and the config that results from them.

These two commands use argparse, not tyro: ``--resume [FILE]`` and ``--auto-scale-lr [RULE]`` have
optional values, and ``--cfg-options KEY=VALUE`` uses mmengine's parser.
"""

import argparse
import ast
import os
import re
from pathlib import Path
from typing import Any


def runner_parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """Build a parser of the arguments of every run of mmengine's Runner.

    Args:
        program: Name of the command.
        description: Docstring of the tool.
    """
    from mmengine.config import DictAction

    class KeyValueAction(DictAction):
        def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
            wrong = [value for value in values if "=" not in value]
            if wrong:
                parser.error(f"{option} must be KEY=VALUE, but got {', '.join(wrong)}")
            # mmengine removes quotes and spaces and splits at commas, also in quoted values.
            pairs = dict(value.split("=", 1) for value in values)
            quoted = {
                key: ast.literal_eval(text) for key, text in pairs.items() if _is_quoted(text)
            }
            others = [f"{key}={text}" for key, text in pairs.items() if key not in quoted]
            super().__call__(parser, namespace, others, option)
            getattr(namespace, self.dest).update(quoted)

    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("--work-dir", help="folder of the results (default: work_dirs/<config>)")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=KeyValueAction,
        metavar="KEY=VALUE",
        help="entries of the config to override; a value that is quoted as in Python is a text, "
        "with its commas and spaces",
    )
    parser.add_argument(
        "--launcher",
        choices=["none", "pytorch", "slurm", "mpi"],
        default="none",
        help="launcher that started the processes of a distributed run",
    )
    parser.add_argument(
        "--local-rank", "--local_rank", type=int, default=0, help="set by some launchers"
    )
    return parser


def text_option(key: str, text: str | Path) -> str:
    """Return ``KEY=VALUE`` of ``--cfg-options`` for a value that is a text, such as a path.

    Args:
        key: Key.
        text: Value. It is quoted, unless it is a path of plain names, which mmengine keeps.
    """
    is_plain = re.fullmatch(r"[\w.-]*(/[\w.-]*)+", str(text))
    return f"{key}={text if is_plain else repr(str(text))}"


def _is_quoted(text: str) -> bool:
    """Whether a value is a string as Python writes it."""
    if text[:1] not in ("'", '"'):
        return False
    try:
        return isinstance(ast.literal_eval(text), str)
    except (SyntaxError, ValueError):
        return False


def read_config(args: argparse.Namespace) -> Any:
    """Return the mmengine ``Config`` of a command line."""
    from mmengine.config import Config

    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{Path(args.config).stem}"
    return cfg
