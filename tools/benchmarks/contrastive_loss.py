"""Time and memory of the weighted contrastive loss, forward and backward, compared with peers.

    pip install --no-deps lightly==1.6.0
    python tools/benchmarks/contrastive_loss.py --write docs/performance.md

Peers on the same data in the same process, in turn: the released formula (all differences of
keypoints in one tensor, exponentials without log-sum-exp; skipped if that tensor does not fit) and
the unweighted NTXentLoss of lightly. The unit is core-milliseconds of all threads on a CPU, and
milliseconds on a GPU.
"""

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from parts import gpu_name, parts_parser, resident_kib, run_parts, take_turns
from torch import Tensor
from torch.nn.functional import normalize

from simhand_mm.functional.contrastive import Contrast, contrast_pairs
from simhand_mm.functional.contrasts import SoftTargets, WeightedNTXent
from simhand_mm.functional.pair_weights import PairDistances, linear_weights

TEMPERATURE = 0.5
OURS, RELEASED = "**ours**, weighted", "released formula, weighted"


def released_formula(query: Tensor, positive: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Compute the loss with linear weights as in the released code."""
    keypoints = torch.cat([a, b])
    distance = (keypoints[:, None] - keypoints[None]).square().sum(-1).sqrt().mean(-1)
    own = (a - b).square().sum(-1).sqrt().mean(-1)
    negative_weight = (distance.max() - distance) / (distance.max() - distance.min())
    positive_weight = (own.max() - own) / (own.max() - own.min())
    z = normalize(torch.cat([query, positive]), dim=1)
    terms = torch.exp(negative_weight * (z @ z.T) / TEMPERATURE)
    terms = terms.masked_select(~torch.eye(len(z), dtype=torch.bool, device=z.device))
    similarity = (z[: len(query)] * z[len(query) :]).sum(1)
    numerator = torch.exp(positive_weight * similarity / TEMPERATURE).repeat(2)
    return -torch.log(numerator / terms.view(len(z), -1).sum(1)).mean()


def unweighted_peer() -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of lightly."""
    try:
        from lightly.loss import NTXentLoss
    except ImportError as error:
        raise SystemExit(
            "lightly must be installed to compare with its loss. Run: "
            "pip install --no-deps lightly==1.6.0"
        ) from error
    return NTXentLoss(temperature=TEMPERATURE)


def make_batch(pairs: int, device: str) -> list[Tensor]:
    """Make random projections ``[N, 128]`` of queries and positives, and hands of sixty poses."""
    generator = torch.Generator().manual_seed(0)
    projections = torch.randn(2, pairs, 128, generator=generator)
    poses = torch.rand(60, 42, generator=generator) * 128
    mixing = (2 * torch.randn(2, pairs, 60, generator=generator)).softmax(2)
    keypoints = (mixing @ poses).view(2, pairs, 21, 2)
    leaves = [projection.to(device).requires_grad_() for projection in projections]
    return [*leaves, *keypoints.to(device)]


def losses(batch: list[Tensor], limit_gb: float) -> dict[str, Callable[[], Tensor]]:
    """Return the losses to compare, bound to one batch."""
    query, positive, a, b = batch
    peer = unweighted_peer()

    def ours(make: Callable[[PairDistances], Contrast]) -> Callable[[], Tensor]:
        return lambda: contrast_pairs(query, positive, make(PairDistances(a, b)), TEMPERATURE)

    compared = {
        OURS: ours(lambda d: WeightedNTXent(d, linear_weights, linear_weights)),
        "**ours**, pose-aware": ours(SoftTargets),
        "**ours**, unweighted": ours(WeightedNTXent),
        "lightly `NTXentLoss`, unweighted": lambda: peer(query, positive),
    }
    if 4 * (2 * len(query)) ** 2 * a[0].numel() / 2**30 <= limit_gb:
        compared[RELEASED] = lambda: released_formula(query, positive, a, b)
    return compared


def peak_memory(step: Callable[[], object], device: str) -> float:
    """Return the peak memory of a step in MiB, above the memory in use before it."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # otherwise a step could reuse memory freed by another
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # resets the peak
    before = resident_kib("VmRSS")
    step()
    return (resident_kib("VmHWM") - before) / 2**10


def differences(loss: Callable[[], Tensor], peer: Callable[[], Tensor], leaf: Tensor) -> str:
    """Return the relative differences of value and gradient of two losses."""
    values, gradients = [], []
    for compute in (loss, peer):
        value = compute()
        values.append(value.item())
        gradients.append(torch.autograd.grad(value, leaf)[0])
    of_gradient = ((gradients[0] - gradients[1]).norm() / gradients[1].norm()).item()
    return f"{abs(values[0] / values[1] - 1):.0e} in value, {of_gradient:.0e} in gradient"


def compare(device: str, batch_sizes: list[int], turns: int, limit_gb: float) -> Iterator[str]:
    """Yield a table for each number of pairs."""
    name = gpu_name() if device == "cuda" else f"{torch.get_num_threads()} threads"
    yield f"{name}, torch {torch.__version__}, float32, 128 dimensions, 21 keypoints."
    unit = "ms" if device == "cuda" else "core-ms"
    for pairs in batch_sizes:
        batch = make_batch(pairs, device)
        compared = losses(batch, limit_gb)
        steps = {key: _step(loss, device) for key, loss in compared.items()}
        memory = {key: peak_memory(step, device) for key, step in steps.items()}
        seconds = {
            key: wall if device == "cuda" else core
            for key, (wall, core) in take_turns(steps, turns).items()
        }
        yield ""
        yield f"| 2N = {2 * pairs:,} | {unit} | times ours | peak MiB | times ours |"
        yield "| --- " * 5 + "|"
        for key in compared:
            ratios = seconds[key] / seconds[OURS], memory[key] / memory[OURS]
            yield (f"| {key} | {1e3 * seconds[key]:,.0f} | {ratios[0]:.2f} "
                   f"| {memory[key]:,.0f} | {ratios[1]:.1f} |")  # fmt: skip
        if RELEASED in compared:
            yield ""
            yield (
                "* ours differs from the released formula by "
                f"{differences(compared[OURS], compared[RELEASED], batch[0])}"
            )


def _step(loss: Callable[[], Tensor], device: str) -> Callable[[], None]:
    def step() -> None:
        loss().backward()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


PARTS = {
    device: lambda args, device=device: compare(device, args.pairs, args.turns, args.limit_gb)
    for device in ("cpu", "cuda")
}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--pairs", type=int, nargs="+", default=[2048, 8192])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument(
        "--limit-gb",
        type=float,
        default=4,
        help="largest size of the tensor of the released formula in GB",
    )
    run_parts("contrastive loss", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
