"""Types of command line options that need more than a Python type.

An option is a field of the settings of its stage, or an argument of the stage's function; the
docstring there is the help. ``run`` of :mod:`simhand_mm.cli` builds the command line from them.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args

from tyro.conf import arg
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

Value = TypeVar("Value")


def parse_ranks(text: str) -> tuple[int, ...]:
    """Parse ranks such as ``"1,2,50"``.

    Raises:
        ValueError: If it is not a list of numbers.
    """
    numbers = text.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise ValueError(f"ranks must be numbers separated by commas, but got {text!r}.")
    return tuple(int(number) for number in numbers)


def parse_shard(text: str) -> tuple[int, int]:
    """Parse a shard such as ``"2/7"``: shard 2 of 7, counted from 0.

    Raises:
        ValueError: If it is not one of the shards 0/n ... n-1/n.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or int(match[1]) >= int(match[2]):
        raise ValueError(f"shard must be I/N with 0 <= I < N, but got {text!r}.")
    return int(match[1]), int(match[2])


def parse_key_values(texts: Sequence[str]) -> dict[str, int | str]:
    """Parse options such as ``["num_threads=4", "device=cuda:1"]``; digits become int.

    Raises:
        ValueError: If one of them is not KEY=VALUE.
    """
    options: dict[str, int | str] = {}
    for text in texts:
        key, is_pair, value = text.partition("=")
        if not is_pair:
            raise ValueError(f"options must be KEY=VALUE, but got {text!r}.")
        options[key] = int(value) if value.isdecimal() else value
    return options


def one_word(
    metavar: str, parse: Callable[[str], Value], write: Callable[[Value], str]
) -> PrimitiveConstructorSpec[Any]:
    """Build the tyro type of a tuple that is one word on the command line.

    Args:
        metavar: Format of the word, e.g. ``I/N``.
        parse: Parses the word; raises ValueError.
        write: Formats a value as a word, for the default in the help.
    """
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: parse(words[0]),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda value: [write(value)],
    )


def parse_file_to_write(text: str, suffixes: Sequence[str]) -> Path:
    """Check the name of a file to write before the work begins.

    Raises:
        ValueError: If it does not end in one of the suffixes, is a folder, or its folder is not
            writable.
    """
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"the file to write must end in {' or '.join(suffixes)}, but got {text}.")
    if path.is_dir():
        raise ValueError(f"the file to write must be a file, but {text} is a folder.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK):
        raise ValueError(
            f"the file to write must be in a folder in which you have write permission, but got "
            f"{text}."
        )
    return path


def file_to_write(*suffixes: str) -> PrimitiveConstructorSpec[Any]:
    """Build the tyro type of a file to write.

    Args:
        suffixes: The allowed ones, in lower case, e.g. ``.parquet``.
    """
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"FILE{suffixes[0]}",
        instance_from_str=lambda words: parse_file_to_write(words[0], suffixes),
        is_instance=lambda value: value is None or isinstance(value, Path),
        str_from_instance=lambda value: ["unset" if value is None else str(value)],
    )


def without_none(type_info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Have the help say ``unset`` where the default of an option is None.

    None stands for what the docstring of the option says, and cannot be given.

    Args:
        type_info: Type of an option; only unions with None are changed.
    """
    members = get_args(type_info.type)
    if type_info.type_origin not in (Union, UnionType) or NoneType not in members:
        return None
    others: Any = Union[tuple(member for member in members if member is not NoneType)]  # noqa: UP007
    made = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(others, type_info.markers))
    if not isinstance(made, PrimitiveConstructorSpec):
        return None
    return replace(
        made,
        is_instance=lambda value: value is None or made.is_instance(value),
        str_from_instance=lambda value: (
            ["unset"] if value is None else made.str_from_instance(value)
        ),
    )


Pool: TypeAlias = Annotated[Path, arg(metavar="POOL")]
"""The folder of a hand pool."""

PairsName: TypeAlias = Annotated[str, arg(name="pairs")]
"""Name of mined pairs: ``--pairs``."""

Out: TypeAlias = Annotated[Path, arg(aliases=("-o",))]
"""A file or folder to write: ``-o`` or ``--out``."""

OptionalOut: TypeAlias = Annotated[Path | None, arg(aliases=("-o",))]
"""The same, if its default depends on other arguments."""

Table: TypeAlias = Annotated[Path, file_to_write(".parquet")]
"""A parquet file to write."""

Weights: TypeAlias = Annotated[Path, file_to_write(".pth", ".pt", ".bin")]
"""A file of torch to write."""

Html = file_to_write(".html", ".htm")
"""Marks a page to write, as in ``Annotated[Out, Html]``."""

Json = file_to_write(".json")
"""Marks a JSON file to write."""

Csv = file_to_write(".csv")
"""Marks a CSV table to write."""

Onnx = file_to_write(".onnx")
"""Marks an ONNX file to write."""

Ranks: TypeAlias = Annotated[
    tuple[int, ...],
    one_word("N,N,...", parse_ranks, lambda ranks: ",".join(map(str, ranks))),
]
"""Neighbour ranks, written ``1,2,50``."""

Shard: TypeAlias = Annotated[
    tuple[int, int], one_word("I/N", parse_shard, lambda shard: "/".join(map(str, shard)))
]
"""One of several parts of a run, written ``I/N`` and counted from 0."""

KeyValues: TypeAlias = Annotated[
    dict[str, Any],
    PrimitiveConstructorSpec(
        nargs="*",
        metavar="KEY=VALUE",
        instance_from_str=parse_key_values,
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda options: (
            [f"{key}={value}" for key, value in options.items()] or ["none"]
        ),
    ),
]
"""Options of an engine, written ``key=value``."""
