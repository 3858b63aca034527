"""Type variable for functions that accept and return NumPy arrays or torch tensors."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:  # pools must be readable without torch
    from torch import Tensor

Array = TypeVar("Array", np.ndarray, "Tensor")
