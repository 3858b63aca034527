"""A CUDA device without a GPU: fake tensors of torch, with a list of synchronising copies.

Shapes, types and devices are those of a GPU, but there are no values. Operations that need a value
on the host (``.item()``, boolean indices) raise ``DataDependentOutputException`` or
``DynamicOutputShapeException``.
"""

from collections import Counter
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


# Operators that only create a view or allocate memory.
_NO_KERNEL = {
    "_record_function_enter_new", "_record_function_exit", "_reshape_alias", "_unsafe_view",
    "alias", "as_strided", "chunk", "detach", "device", "empty", "empty_like", "empty_strided",
    "expand", "lift_fresh", "new_empty", "new_empty_strided", "permute", "select", "slice",
    "split", "split_with_sizes", "squeeze", "t", "transpose", "unbind", "unsqueeze", "view",
}  # fmt: skip


class Launches(TorchDispatchMode):
    """Counts operators that launch a kernel, and values that the host waits for.

    Attributes:
        kernels: Operator -> number of calls. An operator on a list of tensors counts once.
        waits: Number of values read by the host (``.item()``, ``bool()``).
        value: What such a read gives, because fake tensors have no values.
    """

    def __init__(self, value: float = 1.0) -> None:
        super().__init__()
        self.kernels: Counter[str] = Counter()
        self.waits, self.value = 0, value

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.split("::")[1]
        if name == "_local_scalar_dense":
            self.waits += 1
            return self.value
        if name not in _NO_KERNEL:
            self.kernels[name] += 1
        return func(*args, **(kwargs or {}))


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
