"""The loss of DetNet (SiMHand, Eq. 4)."""

from torch import Tensor, nn

from simhand_mm.functional.detnet_losses import heat_loss, masked_map_loss
from simhand_mm.registry import MODELS


@MODELS.register_module()
class DetNetLoss(nn.Module):
    """Weighted sum of the errors of heatmaps, location maps and delta maps.

    The L2 term of Eq. 4 is the weight decay of the optimiser; the released code has no such term.
    The weights are those of the released training script; the paper gives the sum without weights.

    Args:
        heat_weight: Weight of the heatmap loss.
        delta_weight: Weight of the loss of the bone directions.
        location_weight: Weight of the loss of the root-relative locations.
        over_batch: Use the 3D losses of the released code, with one norm over the whole batch.
    """

    def __init__(
        self,
        heat_weight: float = 100.0,
        delta_weight: float = 1.0,
        location_weight: float = 10.0,
        over_batch: bool = False,
    ) -> None:
        super().__init__()
        self.heat_weight, self.over_batch = heat_weight, over_batch
        self.delta_weight, self.location_weight = delta_weight, location_weight

    def forward(
        self, maps: tuple[Tensor, Tensor, Tensor], heatmaps: Tensor, labels: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Compute the three terms.

        Args:
            maps: Predicted heatmaps ``[B, 21, h, w]``, delta and location maps
                ``[B, 21, 3, h, w]``.
            heatmaps: ``[B, 21, h, w]``, target.
            labels: The labels of :meth:`~simhand_mm.pose.codec.DetNetCodec.unpack`, ``[B, 21]``
                and ``[B, 21, 3]``.

        Returns:
            The weighted terms ``loss_heat``, ``loss_delta`` and ``loss_location``.
        """
        heat, delta, location = maps
        terms = {
            "loss_heat": self.heat_weight * heat_loss(heat, heatmaps, labels["keypoint_weights"])
        }
        for name, predicted, weight in (
            ("delta", delta, self.delta_weight),
            ("location", location, self.location_weight),
        ):
            terms[f"loss_{name}"] = weight * masked_map_loss(
                predicted,
                labels[f"{name}_labels"],
                heatmaps,
                labels[f"{name}_weights"],
                self.over_batch,
            )
        return terms
