"""The type of functions that take and return NumPy arrays or torch tensors."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:  # the pool reads keypoints without torch
    from torch import Tensor

Array = TypeVar("Array", np.ndarray, "Tensor")
