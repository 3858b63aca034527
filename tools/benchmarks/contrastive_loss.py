"""Time and memory of the weighted contrastive loss, forward and backward, beside its peers.

Peers on the same data in the same process: the released formula (all differences of keypoints in
one tensor, exponentials without log-sum-exp; skipped where that tensor would not fit) and lightly's
unweighted NTXentLoss (``pip install lightly``; the same computation written out where it is not
installed).
"""

import argparse
import ctypes
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from simhand_mm.functional.contrastive import similar_hand_loss

_PAGE = 4096


def released_formula(query: Tensor, positive: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Linear weights for positives and negatives as the released code makes them."""
    keypoints = torch.cat([a, b])
    distance = (keypoints[:, None] - keypoints[None]).square().sum(-1).sqrt().mean(-1)
    own = (a - b).square().sum(-1).sqrt().mean(-1)
    negative_weight = (distance.max() - distance) / (distance.max() - distance.min())
    positive_weight = (own.max() - own) / (own.max() - own.min())
    z = normalize(torch.cat([query, positive]), dim=1)
    terms = torch.exp(negative_weight * (z @ z.T) / 0.5)
    terms = terms.masked_select(~torch.eye(len(z), dtype=torch.bool, device=z.device))
    similarity = (z[: len(query)] * z[len(query) :]).sum(1)
    numerator = torch.exp(positive_weight * similarity / 0.5).repeat(2)
    return -torch.log(numerator / terms.view(len(z), -1).sum(1)).mean()


def written_out_nt_xent(query: Tensor, positive: Tensor) -> Tensor:
    """What lightly computes: four blocks of similarities, diagonals cut out, cross-entropy."""
    q, p = normalize(query, dim=1), normalize(positive, dim=1)
    count, others = len(q), ~torch.eye(len(q), dtype=torch.bool, device=q.device)
    same = [(z @ z.T / 0.5)[others].view(count, -1) for z in (q, p)]
    rows = [torch.cat([q @ p.T / 0.5, same[0]], 1), torch.cat([p @ q.T / 0.5, same[1]], 1)]
    return cross_entropy(torch.cat(rows), torch.arange(count, device=q.device).repeat(2))


def unweighted_peer() -> tuple[str, Callable]:
    """lightly's loss if it is installed."""
    try:
        from lightly.loss import NTXentLoss
    except ImportError:
        return "NT-Xent as in lightly", written_out_nt_xent
    return "lightly NTXentLoss", NTXentLoss(temperature=0.5)


def make_batch(pairs: int, device: str) -> list[Tensor]:
    """Random projections, and hands between sixty random poses."""
    generator = torch.Generator().manual_seed(0)
    projections = torch.randn(2, pairs, 128, generator=generator)
    poses = torch.rand(60, 42, generator=generator) * 128
    mixing = (2 * torch.randn(2, pairs, 60, generator=generator)).softmax(2)
    keypoints = (mixing @ poses).view(2, pairs, 21, 2)
    return [tensor.to(device) for tensor in (*projections, *keypoints)]


def peak_memory(step: Callable[[], None], device: str) -> float:
    """Most MB in use during a step, above what was in use before it."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    resident, running, peak = Path("/proc/self/statm"), True, 0

    def watch() -> None:
        nonlocal peak
        while running:
            peak = max(peak, int(resident.read_text().split()[1]))
            time.sleep(0.0005)

    before = int(resident.read_text().split()[1])
    watcher = threading.Thread(target=watch)
    watcher.start()
    step()
    running = False
    watcher.join()
    return (peak - before) * _PAGE / 2**20


def measure(loss: Callable[[], Tensor], device: str, repeats: int) -> tuple[float, float]:
    """Milliseconds of the fastest step, and peak MB of the first."""

    def step() -> None:
        loss().backward()
        if device == "cuda":
            torch.cuda.synchronize()

    memory, times = peak_memory(step, device), []
    for _ in range(repeats):
        begun = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - begun))
    return min(times), memory


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[2048, 8192])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit-gb", type=float, default=4.0, help="of the released tensor")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}, float32")
    name, peer = unweighted_peer()
    for pairs in args.pairs:
        query, positive, *keypoints = make_batch(pairs, device)
        query.requires_grad_()
        positive.requires_grad_()
        losses = {
            "ours, weighted": lambda q=query, p=positive, k=keypoints: similar_hand_loss(q, p, *k),
            "ours, unweighted": lambda q=query, p=positive: similar_hand_loss(
                q, p, weighting="none"
            ),
            name: lambda q=query, p=positive: peer(q, p),
        }
        if (2 * pairs) ** 2 * 42 * 4 / 2**30 <= args.limit_gb:
            losses["released formula"] = lambda q=query, p=positive, k=keypoints: released_formula(
                q, p, *k
            )
        results = {key: measure(loss, device, args.repeats) for key, loss in losses.items()}
        own_time, own_memory = results["ours, weighted"]
        print(f"\n2N = {2 * pairs:<18} {'ms':>9} {'of ours':>8} {'peak MB':>9} {'of ours':>8}")
        for key, (duration, memory) in results.items():
            ratios = duration / own_time, memory / own_memory
            print(f"{key:<23} {duration:9.0f} {ratios[0]:8.2f} {memory:9.0f} {ratios[1]:8.1f}")


if __name__ == "__main__":
    main()
