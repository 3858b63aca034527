"""3D hand pose in mmpose: data sets, transforms, DetNet codec, head and loss, metric, inference."""

from simhand_mm.pose.augmentation import CameraEffects
from simhand_mm.pose.codec import DetNetCodec
from simhand_mm.pose.colors import ColorJitter
from simhand_mm.pose.dataset import HandPoseDataset, Keypoints2DDataset
from simhand_mm.pose.head import DetNetHead
from simhand_mm.pose.loss import DetNetLoss
from simhand_mm.pose.metric import HandPoseMetric
from simhand_mm.pose.pseudo_labels import PseudoLabelDataset
from simhand_mm.pose.publishing import PublishModelHook
from simhand_mm.pose.transforms import HandCrop, PackTargets

__all__ = [
    "CameraEffects",
    "ColorJitter",
    "DetNetCodec",
    "DetNetHead",
    "DetNetLoss",
    "HandCrop",
    "HandPoseDataset",
    "HandPoseMetric",
    "Keypoints2DDataset",
    "PackTargets",
    "PseudoLabelDataset",
    "PublishModelHook",
]
