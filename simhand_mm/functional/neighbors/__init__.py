"""Search for the nearest rows of *other groups*, used to mine hands (SiMHand, Sec. 3.2, Eq. 1).

``contract`` defines the answer. ``index`` computes it on CPUs (with ``tree`` and ``kernels``),
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
