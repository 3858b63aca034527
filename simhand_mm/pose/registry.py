"""The codec registry. Its parent is in mmpose, which only this stage imports."""

from mmengine.registry import Registry
from mmpose.registry import KEYPOINT_CODECS as MMPOSE_CODECS

KEYPOINT_CODECS = Registry(
    "keypoint codec", parent=MMPOSE_CODECS, scope="simhand_mm", locations=["simhand_mm.pose"]
)
