"""LARS around Adam, compared with a loop over parameters."""

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from simhand_mm.pretraining import LARSAdam


def reference_step(parameter, gradient, state, lr, decay, eta=0.02, eps=1e-8):
    """Steps in the order of the released code: norms, weight decay, clipped ratio, Adam."""
    p_norm, g_norm = parameter.norm().item(), gradient.norm().item()
    if p_norm and g_norm:
        ratio = eta * p_norm / (g_norm + decay * p_norm + eps)
        gradient = (gradient + decay * parameter) * (min(ratio / lr, 1) if lr else 1)
    state["step"] += 1
    state["m"] = 0.9 * state["m"] + 0.1 * gradient
    state["v"] = 0.999 * state["v"] + 0.001 * gradient**2
    m = state["m"] / (1 - 0.9 ** state["step"])
    v = state["v"] / (1 - 0.999 ** state["step"])
    return parameter - lr * m / (v.sqrt() + 1e-8)


@pytest.mark.parametrize("lr", [0.0, 1e-4, 0.1, 10.0])
def test_matches_the_reference(lr):
    torch.manual_seed(0)
    parameters = [torch.randn(3, 4), torch.zeros(5), torch.randn(2)]
    tensors = [nn.Parameter(p.clone().double()) for p in parameters]
    expected = [p.clone().double() for p in parameters]
    states = [{"step": 0, "m": p * 0.0, "v": p * 0.0} for p in expected]
    optimizer = LARSAdam(tensors, lr=lr, weight_decay=0.1)
    for _ in range(3):
        gradients = [torch.randn_like(p) * 10 for p in expected]
        for tensor, gradient in zip(tensors, gradients, strict=True):
            tensor.grad = gradient.clone()
        optimizer.step()
        expected = [
            reference_step(p, g, s, lr, 0.1)
            for p, g, s in zip(expected, gradients, states, strict=True)
        ]
    for tensor, value in zip(tensors, expected, strict=True):
        torch.testing.assert_close(tensor.detach(), value)
    assert optimizer.param_groups[0]["weight_decay"] == 0.1


def test_parameters_without_gradient_and_closures():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = LARSAdam([used, unused], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = used.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2.0
    assert torch.equal(unused, torch.ones(2))
    assert (used < 1).all()


def test_state_can_be_saved_and_loaded():
    def run(steps, state=None):
        torch.manual_seed(0)
        parameter = nn.Parameter(torch.ones(3))
        optimizer = LARSAdam([parameter], lr=0.1, weight_decay=0.01)
        if state is not None:
            optimizer.load_state_dict(state[0])
            parameter.data.copy_(state[1])
        for _ in range(steps):
            parameter.grad = parameter.detach().square()
            optimizer.step()
        return copy.deepcopy(optimizer.state_dict()), parameter.detach().clone()

    assert torch.equal(run(5)[1], run(3, run(2))[1])


def test_norm_layers_and_biases_are_excluded_by_type():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    wrapper = build_optim_wrapper(
        model,
        {
            "type": "OptimWrapper",
            "optimizer": {"type": "simhand_mm.LARSAdam", "lr": 0.1, "weight_decay": 1e-6},
            "paramwise_cfg": {"norm_decay_mult": 0.0, "bias_decay_mult": 0.0},
        },
    )
    decays = {id(p): g["weight_decay"] for g in wrapper.param_groups for p in g["params"]}
    by_name = {name: decays[id(parameter)] for name, parameter in model.named_parameters()}
    assert by_name == {"0.weight": 1e-6, "0.bias": 0, "1.weight": 0, "1.bias": 0}
