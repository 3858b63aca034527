"""Value and gradient of the loss on 1, 2 and 4 gloo processes equal those of one large batch."""

import os
import socket
from itertools import product

import pytest
import torch
from mmengine.dist import get_dist_info
from torch import distributed, multiprocessing

from simhand_mm.functional.contrasts import DENOMINATORS, RANGES
from simhand_mm.pretraining.distributed import gather_with_gradient
from simhand_mm.pretraining.loss import PoseAwareLoss, SimilarHandLoss

TOTAL, DIMS = 8, 6
LINEAR = {"type": "linear"}
SIGMOID = {"type": "sigmoid", "steepness": 0.05}
BOTH = {"w_pos": LINEAR, "w_neg": LINEAR}
WEIGHTED = ({}, {"w_pos": LINEAR}, {"w_neg": LINEAR}, BOTH)
LOSSES = [
    *((SimilarHandLoss, w | {"denominator": d}) for w, d in product(WEIGHTED, DENOMINATORS)),
    *((SimilarHandLoss, BOTH | {"positive_range": r, "metric": "l2"}) for r in RANGES),
    (SimilarHandLoss, {"w_pos": SIGMOID, "w_neg": SIGMOID}),
    (SimilarHandLoss, {"w_neg": {"type": "proportional"}, "act_on": "probability"}),
    (PoseAwareLoss, {"sigma": 0.2, "alpha": 0.5}),
    (PoseAwareLoss, {"sigma": 0.1, "alpha": 1.0, "poses": "augmented", "metric": "l2"}),
]


def make_batch(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(DIMS, DIMS, generator=generator, dtype=dtype)
    inputs = torch.randn(2, TOTAL, DIMS, generator=generator, dtype=dtype)
    keypoints = torch.rand(2, TOTAL, 21, 2, generator=generator, dtype=dtype) * 64
    return shared, inputs, keypoints


def shared_gradient(loss, dtype, rows):
    """Return the output of a loss, and the gradient of shared weights, averaged as in DDP."""
    make, options = loss
    shared, inputs, keypoints = make_batch(dtype)
    shared.requires_grad_()
    poses = torch.cat([*keypoints[:, rows]])
    samples = {"keypoints_2d": poses, "crop_keypoints_2d": poses}
    out = make(**options, temperature=0.3)(*(inputs[:, rows] @ shared), samples)
    out["loss"].backward()
    gradient = shared.grad
    if get_dist_info()[1] > 1:
        distributed.all_reduce(gradient)
        gradient /= get_dist_info()[1]
    return {name: value.detach() for name, value in out.items()} | {"gradient": gradient}


def run_rank(rank, world_size, port, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=world_size)
    rows = slice(rank, None, world_size)
    try:
        found = [shared_gradient(loss, d, rows) for d in DTYPES for loss in LOSSES]
        found += [shared_gradient((make, o | ALONE), torch.float64, rows) for make, o in LOSSES]
        leaf = torch.full((2, 3), float(rank), requires_grad=True)
        gathered = gather_with_gradient(leaf)
        (gathered * torch.arange(len(gathered))[:, None] * (rank + 1)).sum().backward()
        found = [{name: value.tolist() for name, value in out.items()} for out in found]
        results.put((rank, found, gathered.tolist(), leaf.grad.tolist()))
    finally:
        distributed.destroy_process_group()


ALONE = {"gather": False}
DTYPES = (torch.float64, torch.float32)
TOLERANCE = {
    torch.float64: {"rtol": 1e-10, "atol": 1e-14},
    torch.float32: {"rtol": 1e-5, "atol": 1e-7},
}


@pytest.fixture(scope="module", params=[2, 4])
def ranks(request):
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = [
        context.Process(target=run_rank, args=(rank, request.param, port, results))
        for rank in range(request.param)
    ]
    for process in processes:
        process.start()
    found = sorted((results.get() for _ in processes), key=lambda entry: entry[0])
    for process in processes:
        process.join()
    return found


def assert_same(actual, expected, dtype, loss):
    assert actual.keys() == expected.keys()
    for name, want in expected.items():
        got = torch.tensor(actual[name], dtype=dtype)
        torch.testing.assert_close(got, want, **TOLERANCE[dtype], msg=f"{name} of {loss}")


def test_every_process_has_loss_log_and_gradient_of_the_global_batch(ranks):
    """The log has the weights and targets of the global batch, not those of one process."""
    for k, (dtype, loss) in enumerate(product(DTYPES, LOSSES)):
        expected = shared_gradient(loss, dtype, slice(None))
        for _, found, *_ in ranks:
            assert_same(found[k], expected, dtype, loss)


def test_without_gather_every_process_has_its_own_loss_and_log(ranks):
    for k, loss in enumerate(LOSSES, len(DTYPES) * len(LOSSES)):
        own = [
            shared_gradient(loss, torch.float64, slice(rank, None, len(ranks)))
            for rank in range(len(ranks))
        ]
        gradient = sum(out["gradient"] for out in own) / len(ranks)
        for (_, found, *_), expected in zip(ranks, own, strict=True):
            assert_same(found[k], expected | {"gradient": gradient}, torch.float64, loss)


def test_gather_keeps_rank_order_and_sums_gradients(ranks):
    world_size = len(ranks)
    factor = sum(range(1, world_size + 1))
    for rank, _, gathered, gradient in ranks:
        assert gathered == [[float(row // 2)] * 3 for row in range(2 * world_size)]
        assert gradient == [[2.0 * rank * factor] * 3, [(2.0 * rank + 1) * factor] * 3]


def test_gather_of_one_process_is_the_tensor():
    tensor = torch.ones(2)
    assert gather_with_gradient(tensor) is tensor
