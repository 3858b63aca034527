"""Inference throughput of DetNet and of InterNet in mmpose: same crops, same ResNet-50.

    python tools/benchmarks/pose_inference.py --write docs/performance.md

Both are the stock ``TopdownPoseEstimator`` of mmpose, called by ``test_step`` on the same 128 px
uint8 crops, with 32 x 32 maps. Measured: *backbone* alone; *network*, from normalised crops to
maps; *all*, from a batch of uint8 crops to keypoints in the image, including normalisation and
decoding. Cropping from the image is not included. InterNet has its original head, for two
hands with 64 depth bins; a second peer is the half of it for the right hand. The weights are
random: time does not depend on them, and accuracy is not compared.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import InstanceData
from parts import gpu_name, parts_parser, run_parts
from torch import Tensor, nn

import simhand_mm.pose  # noqa: F401 (registers our head; first, as it prepares mmpose)

INPUT_SIZE, MAP_SIZE, DEPTH_BINS = 128, 32, 64
STAGES = ("backbone", "network", "all")


def detnet_head() -> dict:
    """Return our head, as in configs/_base_/models."""
    codec = {
        "type": "simhand_mm.DetNetCodec",
        "input_size": (INPUT_SIZE, INPUT_SIZE),
        "heatmap_size": (MAP_SIZE, MAP_SIZE),
    }
    return {"type": "simhand_mm.DetNetHead", "in_channels": 2048, "decoder": codec}


def internet_head() -> dict:
    """Return the head of the InterHand2.6M config of mmpose, for our crop size."""
    keypoints = {
        "in_channels": 2048,
        "out_channels": 21 * DEPTH_BINS,
        "depth_size": DEPTH_BINS,
        "deconv_out_channels": (256, 256, 256),
        "deconv_kernel_sizes": (4, 4, 4),
    }
    codec = {
        "type": "Hand3DHeatmap",
        "image_size": [INPUT_SIZE, INPUT_SIZE],
        "root_heatmap_size": 64,
        "heatmap_size": [MAP_SIZE, MAP_SIZE, DEPTH_BINS],
        "depth_size": DEPTH_BINS,
    }
    return {
        "type": "InternetHead",
        "keypoint_head_cfg": keypoints,
        "root_head_cfg": {"in_channels": 2048, "heatmap_size": 64, "hidden_dims": (512,)},
        "hand_type_head_cfg": {"in_channels": 2048, "num_labels": 2, "hidden_dims": (512,)},
        "decoder": codec,
    }


class NoHand(nn.Module):
    """Replaces the head of InterNet for one hand; returns no maps."""

    def forward(self, features: Tensor) -> Tensor:
        """Return empty maps ``[B, 0, D, h, w]``."""
        return features.new_empty(len(features), 0, DEPTH_BINS, MAP_SIZE, MAP_SIZE)


def build(head: dict, device: str) -> Any:
    """Build a stock estimator with a ResNet-50 backbone."""
    model = MODELS.build(
        {
            "type": "TopdownPoseEstimator",
            "data_preprocessor": {
                "type": "PoseDataPreprocessor",
                "mean": [123.675, 116.28, 103.53],
                "std": [58.395, 57.12, 57.375],
                "bgr_to_rgb": True,
            },
            "backbone": {"type": "ResNet", "depth": 50},
            "head": head,
        }
    )
    model.eval()  # mmpose's estimators do not return themselves
    return model.to(device)


def build_models(device: str) -> dict[str, Any]:
    """Build our model and the peers."""
    init_default_scope("mmpose")
    models = {
        "**DetNet** (ours)": build(detnet_head(), device),
        "InterNet, right hand only": build(internet_head(), device),
        "InterNet": build(internet_head(), device),
    }
    models["InterNet, right hand only"].head.left_hand_head = NoHand()
    return models


def make_batch(batch_size: int) -> dict:
    """Make a batch of noise crops with all fields that the estimators need."""
    from mmpose.structures import PoseDataSample

    generator = torch.Generator().manual_seed(0)
    shape = (batch_size, 3, INPUT_SIZE, INPUT_SIZE)
    crops = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    samples = []
    for _ in range(batch_size):
        size = np.array([INPUT_SIZE, INPUT_SIZE])
        sample = PoseDataSample(
            metainfo={
                "affine": np.eye(3)[:2],
                "img_shape": (INPUT_SIZE, INPUT_SIZE),
                "input_size": size,
                "input_center": size / 2,
                "input_scale": size,
            }
        )
        box = np.array([[0, 0, *size]], np.float32)
        sample.gt_instances = InstanceData(bboxes=box, bbox_scores=np.ones(1, np.float32))
        samples.append(sample)
    return {"inputs": crops, "data_samples": samples}


def steps(model: Any, batch: dict, device: str) -> dict[str, Callable[[], object]]:
    """Return the call of each stage; each one waits for the device."""
    normalised = model.data_preprocessor(batch)["inputs"]

    def finished(call: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            call()
            if device != "cpu":
                torch.cuda.synchronize()

        return run

    return {
        "backbone": finished(lambda: model.backbone(normalised)),
        "network": finished(lambda: model.head(model.backbone(normalised))),
        "all": finished(lambda: model.test_step(batch)),
    }


@torch.no_grad()
def measure(
    models: dict[str, Any], batch_size: int, device: str, seconds: float, rounds: int = 3
) -> dict[str, dict[str, float]]:
    """Measure crops per second by model and stage: the median of rounds in turn."""
    batch = make_batch(batch_size)
    calls = {name: steps(model, batch, device) for name, model in models.items()}
    rates = {name: {stage: [] for stage in STAGES} for name in models}
    for by_stage in calls.values():
        by_stage["all"]()  # warm-up
    for name, stage in [(n, s) for _ in range(rounds) for n in models for s in STAGES]:
        per_second = _calls_per_second(calls[name][stage], seconds / rounds)
        rates[name][stage].append(batch_size * per_second)
    return {name: {s: float(np.median(r)) for s, r in by.items()} for name, by in rates.items()}


def _calls_per_second(call: Callable[[], object], seconds: float) -> float:
    count, start = 0, time.perf_counter()
    while not count or time.perf_counter() - start < seconds:
        call()
        count += 1
    return count / (time.perf_counter() - start)


def table(rates: dict[str, dict[str, float]], models: dict[str, Any]) -> list[str]:
    """Return the rows of a Markdown table."""
    ours = next(iter(rates.values()))["all"]
    lines = []
    for name, by_stage in rates.items():
        head = sum(weight.numel() for weight in models[name].head.parameters()) / 1e6
        cells = " | ".join(f"{by_stage[stage]:.1f}" for stage in STAGES)
        lines.append(f"| {name} | {head:.1f} M | {cells} | {ours / by_stage['all']:.2f} |")
    return lines


def compare(device: str, batch_sizes: list[int], seconds: float) -> Iterator[str]:
    """Yield a table for each batch size."""
    name = gpu_name() if device == "cuda" else device
    yield f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}."
    models = build_models(device)
    for batch_size in batch_sizes:
        rates = measure(models, batch_size, device, seconds)
        yield ""
        yield (
            f"| crops/s, batch {batch_size} | weights of the head | {' | '.join(STAGES)} "
            "| ours ÷ this model, all |"
        )
        yield "| --- " * (len(STAGES) + 3) + "|"
        yield from table(rates, models)


PARTS = {
    device: lambda args, device=device: compare(device, args.batch_sizes, args.seconds)
    for device in ("cpu", "cuda")
}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 64])
    parser.add_argument(
        "--seconds", type=float, default=20, help="duration of each measurement in seconds"
    )
    run_parts("pose inference", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
