"""A loss: no contrast of all pairs, but alignment and uniformity (Wang and Isola, ICML 2020)."""

from mmpretrain.registry import MODELS
from torch import Tensor, nn

from simhand_mm.functional.embeddings import alignment, uniformity


@MODELS.register_module()
class AlignmentUniformityLoss(nn.Module):
    r"""Positives should be near (alignment), all queries spread over the sphere (uniformity).

    :math:`\mathrm{mean}_i |q_i - p_i|^2 + \log \mathrm{mean}_{i \ne j} \exp(-t |q_i - q_j|^2)`.
    In several processes, each one has the loss of its own pairs.

    Args:
        sharpness: :math:`t`.
    """

    def __init__(self, sharpness: float = 2.0) -> None:
        super().__init__()
        self.sharpness = sharpness

    def forward(
        self, query: Tensor, positive: Tensor, samples: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch.

        Args:
            query: ``[N, D]`` projections of unit length.
            positive: ``[N, D]``, the positive of the query in the same row.
            samples: The fields that HandPairPreprocessor records, such as ``keypoints_2d``
                ``[2N, 21, 2]``: queries, then positives. Not used here.

        Returns:
            ``loss``, and values for the log, which must not be named like a loss.
        """
        near, spread = alignment(query, positive), uniformity(query, self.sharpness)
        return {
            "loss": near + spread,
            "alignment": near.detach(),
            "uniformity": spread.detach(),
        }
