"""Inference throughput of DetNet beside mmpose's InterNet: same crops, same ResNet-50.

Measured from normalised crops to decoded 3D keypoints. InterNet has its shipped head, for two hands
of 21 keypoints each with 64 depth bins; ours predicts one hand. Random weights.
"""

import argparse
import time
from collections.abc import Callable

import torch
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor

import simhand_mm  # noqa: F401 (before mmpose: it mends what mmpose imports)

INPUT_SIZE, MAP_SIZE, DEPTH_BINS = 128, 32, 64


def build(head: dict, device: str) -> Callable[[Tensor], object]:
    """A function from crops to predictions, with a ResNet-50 before the head."""
    init_default_scope("mmpose")
    from mmpose.structures import PoseDataSample

    model = torch.nn.ModuleList([MODELS.build({"type": "ResNet", "depth": 50}), MODELS.build(head)])
    model.eval()  # mmpose's backbones do not return themselves
    backbone, head = model.to(device)
    sample = PoseDataSample(metainfo={"affine": torch.eye(3)[:2].numpy()})

    def predict(crops: Tensor) -> object:
        return head.predict(backbone(crops), [sample] * len(crops), test_cfg={})

    return predict


def detnet_head() -> dict:
    """Our head, as in configs/_base_/models."""
    codec = {
        "type": "simhand_mm.DetNetCodec",
        "input_size": (INPUT_SIZE, INPUT_SIZE),
        "heatmap_size": (MAP_SIZE, MAP_SIZE),
    }
    return {"type": "simhand_mm.DetNetHead", "in_channels": 2048, "decoder": codec}


def internet_head() -> dict:
    """mmpose's head, as in its InterHand2.6M config."""
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


@torch.no_grad()
def crops_per_second(predict: Callable, batch_size: int, device: str, seconds: float) -> float:
    """Throughput after one batch to warm up."""
    generator = torch.Generator().manual_seed(0)
    crops = torch.randn(batch_size, 3, INPUT_SIZE, INPUT_SIZE, generator=generator).to(device)
    predict(crops)
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        predict(crops)  # ends on the CPU, so that a GPU has finished
        count += batch_size
    return count / (time.perf_counter() - begun)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    args = parser.parse_args()
    models = {"DetNet": detnet_head(), "InterNet": internet_head()}
    predictors = {name: build(head, args.device) for name, head in models.items()}
    print(f"crops per second on {args.device}, {torch.get_num_threads()} threads")
    print(f"{'batch':>6}{'DetNet':>10}{'InterNet':>10}{'ratio':>8}")
    for batch_size in args.batch_sizes:
        speeds = [
            crops_per_second(predict, batch_size, args.device, args.seconds)
            for predict in predictors.values()
        ]
        ours, peer = speeds
        print(f"{batch_size:>6}{ours:>10.1f}{peer:>10.1f}{ours / peer:>8.2f}")


if __name__ == "__main__":
    main()
