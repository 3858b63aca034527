"""The head: from projections to the contrastive loss."""

from typing import Any

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS as ANY_MODELS
from torch import Tensor

from simhand_mm.functional.equivariance import invert_augmentation
from simhand_mm.registry import MODELS


@MODELS.register_module()
class EquivariantContrastiveHead(BaseModule):
    """Undoes the recorded augmentation on the projections and computes the loss.

    SimCLR undoes nothing; PeCLR, TempCLR and SiMHand undo rotation and translation.

    Args:
        loss: Config of the loss: a module that is called with queries, positives and
            ``data_samples``, and returns a dict with ``loss`` and scalars to log.
        invert_rotation: Whether to undo the rotation.
        invert_translation: Whether to undo the translation.
        init_cfg: As in mmengine.
    """

    def __init__(
        self,
        loss: dict[str, Any],
        invert_rotation: bool = True,
        invert_translation: bool = True,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.loss_module = ANY_MODELS.build(loss)
        self.invert_rotation = invert_rotation
        self.invert_translation = invert_translation
        self.latest_projection: Tensor | None = None  # for monitors

    def loss(self, projection: Tensor, data_samples: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the loss of a batch of pairs, in float32 also under autocast.

        Args:
            projection: ``[2N, 2P]``, all queries, then all positives.
            data_samples: ``rotation_deg`` ``[2N]``, ``translation`` ``[2N, 2]`` and the fields that
                the loss needs, ``[2N, ...]`` each, as HandPairPreprocessor records them.

        Returns:
            ``loss``, and scalars to log.
        """
        with torch.autocast(projection.device.type, enabled=False):
            inverted = invert_augmentation(
                projection.float(),
                data_samples["rotation_deg"] if self.invert_rotation else None,
                data_samples["translation"] if self.invert_translation else None,
            )
            self.latest_projection = inverted.detach()
            return self.loss_module(*inverted.chunk(2), data_samples)
