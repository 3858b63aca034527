"""LARS around Adam (You et al., 2017)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from simhand_mm.registry import OPTIMIZERS


@OPTIMIZERS.register_module()
class LARSAdam(torch.optim.Adam):
    r"""Adam on gradients that are scaled by LARS, as in the released code of SiMHand and PeCLR.

    Before the step of Adam, each gradient becomes :math:`r (g + \lambda p)` with the trust ratio
    :math:`r = \min(\eta |p| / (|g| + \lambda |p| + \epsilon) / lr, 1)`. A ratio that is constant
    over steps has almost no effect, because Adam is nearly invariant to the scale of the gradient.

    Weight decay is set per parameter group. Exclude biases and norm layers with
    ``paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0)``, which selects them by type. The
    released code selects them by name and so decays some norm layers.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate.
        betas: As in Adam.
        eps: As in Adam.
        weight_decay: :math:`\lambda`.
        trust_coefficient: :math:`\eta`.
        lars_eps: :math:`\epsilon`.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        trust_coefficient: float = 0.02,
        lars_eps: float = 1e-8,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=(betas[0], betas[1]),
            eps=eps,
            weight_decay=weight_decay,
            foreach=True,
        )
        for group in self.param_groups:
            group.setdefault("trust_coefficient", trust_coefficient)
            group.setdefault("lars_eps", lars_eps)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Perform one step. Gradients are replaced by their scaled form."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        decays = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            _clip_gradients(group)
            group["weight_decay"] = 0.0  # already added to the gradients
        try:
            super().step()
        finally:
            for group, decay in zip(self.param_groups, decays, strict=True):
                group["weight_decay"] = decay
        return loss


def _clip_gradients(group: dict[str, Any]) -> None:
    """Apply LARS to the gradients of a group, in place and without synchronising the device."""
    parameters = [p for p in group["params"] if p.grad is not None]
    if not parameters:
        return
    gradients = [p.grad for p in parameters]
    decay = group["weight_decay"]
    parameter_norm = torch.stack(torch._foreach_norm(parameters))
    gradient_norm = torch.stack(torch._foreach_norm(gradients))
    if decay:
        torch._foreach_add_(gradients, parameters, alpha=decay)
    if group["lr"] == 0:
        return  # the ratio would be infinite, which is clipped to 1
    local_rate = (
        group["trust_coefficient"]
        * parameter_norm
        / (gradient_norm + decay * parameter_norm + group["lars_eps"])
    )
    ratio = (local_rate / group["lr"]).clamp(max=1)
    is_defined = (parameter_norm > 0) & (gradient_norm > 0)
    torch._foreach_mul_(gradients, list(torch.where(is_defined, ratio, 1).unbind()))
