"""Value and gradient of the loss on 1, 2 and 4 gloo processes are those of one big batch."""

import itertools
import os
import socket

import pytest
import torch
from mmengine.dist import get_dist_info
from torch import distributed, multiprocessing

from simhand_mm.functional.contrastive import DENOMINATORS, WEIGHTINGS
from simhand_mm.functional.pair_weights import RANGES
from simhand_mm.pretraining.distributed import gather_with_gradient
from simhand_mm.pretraining.loss import SimilarHandLoss

TOTAL, DIMS = 8, 6
OPTIONS = [
    *({"weighting": w, "denominator": d} for w, d in itertools.product(WEIGHTINGS, DENOMINATORS)),
    *({"weighting": "both", "positive_range": r, "metric": "l2"} for r in RANGES),
    {"weighting": "both", "weight_fn": {"type": "sigmoid", "steepness": 0.05}},
]


def make_batch(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(DIMS, DIMS, generator=generator, dtype=dtype)
    inputs = torch.randn(2, TOTAL, DIMS, generator=generator, dtype=dtype)
    keypoints = torch.rand(2, TOTAL, 21, 2, generator=generator, dtype=dtype) * 64
    return shared, inputs, keypoints


def shared_gradient(options, dtype, rows):
    """Value, and gradient of weights shared by all pairs, averaged over processes as by DDP."""
    shared, inputs, keypoints = make_batch(dtype)
    shared.requires_grad_()
    loss = SimilarHandLoss(0.3, **options)(*(inputs[:, rows] @ shared), *keypoints[:, rows])
    loss.backward()
    gradient = shared.grad
    if get_dist_info()[1] > 1:
        distributed.all_reduce(gradient)
        gradient /= get_dist_info()[1]
    return loss.detach(), gradient


def run_rank(rank, world_size, port, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=world_size)
    rows = slice(rank, None, world_size)
    try:
        found = [shared_gradient(o, d, rows) for d in DTYPES for o in OPTIONS]
        leaf = torch.full((2, 3), float(rank), requires_grad=True)
        gathered = gather_with_gradient(leaf)
        (gathered * torch.arange(len(gathered))[:, None] * (rank + 1)).sum().backward()
        found = [(loss.item(), gradient.tolist()) for loss, gradient in found]
        results.put((rank, found, gathered.tolist(), leaf.grad.tolist()))
    finally:
        distributed.destroy_process_group()


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


def test_every_process_gets_the_loss_of_the_global_batch_and_its_gradient(ranks):
    for dtype_index, dtype in enumerate(DTYPES):
        for k, options in enumerate(OPTIONS):
            expected = shared_gradient(options, dtype, slice(None))
            for _, found, *_ in ranks:
                actual = found[dtype_index * len(OPTIONS) + k]
                for got, want in zip(actual, expected, strict=True):
                    torch.testing.assert_close(
                        torch.tensor(got, dtype=dtype), want, **TOLERANCE[dtype], msg=str(options)
                    )


def test_gather_keeps_rank_order_and_sums_gradients(ranks):
    world_size = len(ranks)
    factor = sum(range(1, world_size + 1))
    for rank, _, gathered, gradient in ranks:
        assert gathered == [[float(row // 2)] * 3 for row in range(2 * world_size)]
        assert gradient == [[2.0 * rank * factor] * 3, [(2.0 * rank + 1) * factor] * 3]


def test_gather_of_one_process_is_the_tensor():
    tensor = torch.ones(2)
    assert gather_with_gradient(tensor) is tensor
