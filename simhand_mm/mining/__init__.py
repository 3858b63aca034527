"""Pool to pairs: pose embedding, exact search in other videos, rules for positives."""

from simhand_mm.mining.embedding import PoseEmbedding, embed_pool
from simhand_mm.mining.groups import group_codes
from simhand_mm.mining.pairs import self_pairs, temporal_pairs
from simhand_mm.mining.report import format_report
from simhand_mm.mining.run import SimilarSettings, mine_similar, write_simple_pairs

__all__ = [
    "PoseEmbedding",
    "SimilarSettings",
    "embed_pool",
    "format_report",
    "group_codes",
    "mine_similar",
    "self_pairs",
    "temporal_pairs",
    "write_simple_pairs",
]
