"""Precision of matrix products, for which torch has two interfaces."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def true_float32() -> Iterator[None]:
    """Context manager for matrix products and convolutions without TF32 or bfloat16."""
    import torch

    backends: Any = torch.backends
    if hasattr(
        backends.cuda.matmul, "fp32_precision"
    ):  # torch >= 2.9 refuses to mix it with others
        parts = (backends.cuda.matmul, backends.mkldnn.matmul, backends.cudnn.conv)
        wanted = [(part, "fp32_precision", "ieee") for part in parts]
    else:
        wanted = [(part, "allow_tf32", False) for part in (backends.cuda.matmul, backends.cudnn)]
    before = [getattr(part, name) for part, name, _ in wanted]
    try:
        for part, name, value in wanted:
            setattr(part, name, value)
        yield
    finally:
        for (part, name, _), value in zip(wanted, before, strict=True):
            setattr(part, name, value)
