"""A CUDA device without a GPU: fake tensors of torch, with a list of synchronising copies.

Shapes, types and devices are those of a GPU, but there are no values. Operations that need a value
on the host (``.item()``, boolean indices) raise ``DataDependentOutputException`` or
``DynamicOutputShapeException``.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Copies(TorchDispatchMode):
    """Records copies between host and device.

    Attributes:
        blocking: Shapes of copies that block the host.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocking: list[tuple[int, ...]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func._schema.name in ("aten::_to_copy", "aten::copy_"):
            tensors = [t for t in tree_leaves((args, kwargs, result)) if torch.is_tensor(t)]
            position = args[2] if func._schema.name == "aten::copy_" and len(args) > 2 else False
            is_blocking = not kwargs.get("non_blocking", position)
            if {t.device.type for t in tensors} == {"cpu", "cuda"} and is_blocking:
                self.blocking.append(tuple(result.shape))
        return result


@contextmanager
def fake_cuda() -> Iterator[Copies]:
    """Context in which tensors on ``cuda`` can be created and used, without gradients."""
    with ExitStack() as stack:
        stack.enter_context(
            mock.patch("torch.cuda.amp.common.amp_definitely_not_available", return_value=False)
        )
        stack.enter_context(mock.patch("torch.cuda.is_bf16_supported", return_value=True))
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        stack.enter_context(torch.no_grad())
        yield stack.enter_context(Copies())
