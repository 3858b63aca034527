"""Options that `simhand train` and `simhand test` share, and the config that results from them.

These two commands use argparse, not tyro: ``--resume [FILE]`` and ``--auto-scale-lr [RULE]`` have
optional values, and ``--cfg-options KEY=VALUE`` uses mmengine's parser.
"""

import argparse
import ast
import difflib
import inspect
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# Entries of a config that mmengine's Runner reads, besides its arguments.
_READ_BY_RUNNER = (
    *("activation_checkpointing", "compile", "efficient_conv_bn_eval", "find_unused_parameters"),
    *("model_wrapper_cfg", "sync_bn"),
)


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
    """Return the mmengine ``Config`` of a command line.

    Raises:
        ValueError: If an option overrides nothing that a run reads.
    """
    from mmengine.config import Config

    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    cfg = Config.fromfile(args.config)
    _check_options(args.cfg_options or {}, cfg.to_dict())
    cfg.merge_from_dict(args.cfg_options or {})
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{Path(args.config).stem}"
    return cfg


def _check_options(options: Iterable[str], config: dict[str, Any]) -> None:
    """Refuse options that mmengine would accept, and that would change nothing."""
    from mmengine.runner import Runner

    known = {*inspect.signature(Runner.__init__).parameters, *_READ_BY_RUNNER} - {"self", "cfg"}
    for option in options:
        name = option.partition(".")[0]
        if name in known:
            continue
        places = [path for path in _paths(config) if path.endswith(f".{name}")]
        close = difflib.get_close_matches(name, known, n=1)
        problem = f"begins with {name!r}"
        if name in config:
            problem = "is a variable of the config file, whose value has already been used"
            places = places or ["the entries that depend on it"]
        if places:
            advice = f"Override {', '.join(places)}."
        else:
            advice = f"Did you mean {close[0]}?" if close else "Correct the name."
        raise ValueError(
            f"--cfg-options {option} must be an entry that a run reads, but {problem}. {advice}"
        )


def _paths(config: Any, parent: str = "") -> Iterator[str]:
    """Yield the paths of all entries below the first level, as ``--cfg-options`` writes them."""
    is_list = isinstance(config, (list, tuple))
    for key, value in enumerate(config) if is_list else config.items():
        path = f"{parent}{key}"
        if parent:
            yield path
        if isinstance(value, (dict, list, tuple)):
            yield from _paths(value, f"{path}.")
