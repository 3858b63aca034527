"""The built-in default data: hands rendered from a CC0 mesh, as videos and labelled stills."""

from simhand_mm.synthetic.dataset import Contents, synthesize
from simhand_mm.synthetic.ground_truth import GroundTruth

__all__ = ["Contents", "GroundTruth", "synthesize"]
