"""Nearest rows of *other groups*: the search behind similar hands (SiMHand, Sec. 3.2, Eq. 1).

``contract`` says what the answer is, ``index`` finds it on CPUs (``tree``, ``kernels``) and
``tiles`` on GPUs.
"""

from simhand_mm.functional.neighbors.contract import (
    CONTRACT_VERSION,
    brute_force_in_other_groups,
    check_pool,
    check_ranks,
    power_of_two_scale,
)
from simhand_mm.functional.neighbors.index import NeighborIndex, nearest_in_other_groups

__all__ = [
    "CONTRACT_VERSION",
    "NeighborIndex",
    "brute_force_in_other_groups",
    "check_pool",
    "check_ranks",
    "nearest_in_other_groups",
    "power_of_two_scale",
]
