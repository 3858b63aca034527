"""Findings of the checks. An error inside a check becomes a finding, too."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "differs", "fails", "untested"]


class CannotTell(Exception):
    """Raised by a check that this machine cannot answer; the message says why."""


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes:
        name: The question.
        status: ``ok``; ``differs`` (beyond the bound); ``fails`` (an error, or a fact that stops
            a run); ``untested`` (not possible on this machine).
        text: What was found, with what to do where something is wrong.
        seconds: How long it took.
    """

    name: str
    status: Status
    text: str
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.status:8} {self.name}: {self.text}"


def examine(name: str, ask: Callable[..., tuple[Status, str]], *args: Any) -> Finding:
    """Answer one question; an error is an answer, too.

    Args:
        name: The question.
        ask: Gives status and text.
        args: Of ``ask``.
    """
    start = time.monotonic()
    try:
        status, text = ask(*args)
    except CannotTell as reason:
        status, text = "untested", str(reason)
    except Exception as error:
        status, text = "fails", f"{type(error).__name__}: {error}"
    return Finding(name, status, text, round(time.monotonic() - start, 2))
