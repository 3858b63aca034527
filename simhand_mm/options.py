"""Types of command line options that need more than a Python type: how they are written and read.

An option is a field of the settings that its stage uses, or an argument of the stage's function;
the docstring there is the help. ``run`` of :mod:`simhand_mm.cli` makes the command line of them.
"""

import re
from pathlib import Path
from typing import Annotated, TypeAlias

from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec


def parse_ranks(text: str) -> tuple[int, ...]:
    """``"1,2,50"`` -> ranks.

    Raises:
        ValueError: If it is not a list of numbers.
    """
    numbers = text.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise ValueError(f"ranks must be numbers separated by commas, but got {text!r}.")
    return tuple(int(number) for number in numbers)


def parse_shard(text: str) -> tuple[int, int]:
    """``"2/7"`` -> shard 2 of 7, counted from 0.

    Raises:
        ValueError: If it is not one of the shards 0/n ... n-1/n.
    """
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if not match or int(match[1]) >= int(match[2]):
        raise ValueError(
            f"shard must be I/N with 0 <= I < N, but got {text!r}. Of 4 shards the first is 0/4 "
            "and the last 3/4."
        )
    return int(match[1]), int(match[2])


Out: TypeAlias = Annotated[Path, arg(aliases=("-o",))]
"""A file or folder to write: ``-o`` or ``--out``."""

Pool: TypeAlias = Annotated[Path, arg(metavar="POOL")]
"""The folder of a hand pool."""

Ranks: TypeAlias = Annotated[
    tuple[int, ...],
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="N,N,...",
        instance_from_str=lambda texts: parse_ranks(texts[0]),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda ranks: [",".join(map(str, ranks))],
    ),
]
"""Neighbour ranks, written ``1,2,50``."""

Shard: TypeAlias = Annotated[
    tuple[int, int],
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="I/N",
        instance_from_str=lambda texts: parse_shard(texts[0]),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda shard: ["/".join(map(str, shard))],
    ),
]
"""One of several parts of a run, written ``I/N`` and counted from 0."""
