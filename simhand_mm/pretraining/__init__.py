"""Contrastive pre-training of hand backbones, plugged into mmpretrain."""

from simhand_mm.pretraining.dataset import HandPairDataset, collate_pairs
from simhand_mm.pretraining.head import EquivariantContrastiveHead
from simhand_mm.pretraining.loss import PairLoss, PoseAwareLoss, SimilarHandLoss
from simhand_mm.pretraining.model import HandContrastive
from simhand_mm.pretraining.monitors import CollapseHook, NonFiniteLossHook, PoseRetrievalHook
from simhand_mm.pretraining.optimizer import LARSAdam
from simhand_mm.pretraining.preprocessor import HandPairPreprocessor
from simhand_mm.pretraining.publishing import PublishBackboneHook
from simhand_mm.pretraining.regression import KeypointHeatmapHead, KeypointRegressionHead
from simhand_mm.pretraining.sampler import ResumeEpochHook, VideoBalancedSampler

__all__ = [
    "CollapseHook",
    "EquivariantContrastiveHead",
    "HandContrastive",
    "HandPairDataset",
    "HandPairPreprocessor",
    "KeypointHeatmapHead",
    "KeypointRegressionHead",
    "LARSAdam",
    "NonFiniteLossHook",
    "PairLoss",
    "PoseAwareLoss",
    "PoseRetrievalHook",
    "PublishBackboneHook",
    "ResumeEpochHook",
    "SimilarHandLoss",
    "VideoBalancedSampler",
    "collate_pairs",
]
