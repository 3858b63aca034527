"""Exports a fine-tuned model as an ONNX graph, from crop to keypoints."""

import io
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simhand_mm.pool import atomic_path
from simhand_mm.pose.publishing import load_model


class CropToKeypoints(nn.Module):
    """The exported module: normalisation, backbone, head and decoding.

    Args:
        model: A ``TopdownPoseEstimator`` with a :class:`DetNetHead`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone: nn.Module = model.backbone
        self.head: Any = model.head
        self.register_buffer("mean", model.data_preprocessor.mean.clone())
        self.register_buffer("std", model.data_preprocessor.std.clone())

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict keypoints of crops.

        Args:
            crops: ``[N, 3, S, S]``, RGB in 0 to 255, right hands (mirror left hands).

        Returns:
            keypoints_2d ``[N, 21, 2]`` px in the crop, keypoint_score ``[N, 21]``, keypoints_3d
            ``[N, 21, 3]`` mm relative to the wrist, with the mean size of the training set.
        """
        heat, _, location = self.head(self.backbone((crops - self.mean) / self.std))
        points, scores, locations = self.head.decoder.batch_decode(heat, location)
        keypoints_3d = (locations - locations[:, :1]) * self.head.mean_bone_length_mm
        return points, scores, keypoints_3d


def onnx_session(model: Any) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """Return a function that runs a model in onnxruntime, with as many threads as torch has.

    Args:
        model: A ``TopdownPoseEstimator`` with a :class:`DetNetHead`, on the CPU.

    Returns:
        Function from crops ``[N, 3, S, S]`` to the outputs of :class:`CropToKeypoints`.

    Raises:
        ImportError: If onnx or onnxruntime is missing.
    """
    graph = io.BytesIO()
    _export(CropToKeypoints(model).eval(), graph)
    session = _open_session(graph.getvalue())
    return lambda crops: tuple(session.run(None, {"crops": crops}))


def export_onnx(config: str, checkpoint: str, path: str | Path) -> dict[str, float]:
    """Export a model to ONNX, compare onnxruntime with torch, and time both.

    Args:
        config: Config file of a fine-tuned model.
        checkpoint: Checkpoint file.
        path: The ``.onnx`` file to write.

    Returns:
        ``max_difference`` over all outputs (px, score, mm), and ``torch_ms``, ``onnxruntime_ms``
        for one crop.

    Raises:
        ImportError: If onnx or onnxruntime is missing.
        RuntimeError: If the keypoints of onnxruntime differ from those of torch.
    """
    model = CropToKeypoints(load_model(config, checkpoint)).eval()
    with atomic_path(path) as temporary:
        crops = _export(model, str(temporary))
    session = _open_session(str(path))
    with torch.no_grad():
        expected = [output.numpy() for output in model(crops)]
    found = session.run(None, {"crops": crops.numpy()})
    difference = max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))
    if difference > 1e-2:
        raise RuntimeError(f"ONNX must equal torch to 0.01, but differs by {difference:.3g}.")
    one = crops[:1]
    with torch.no_grad():
        torch_ms = _median_ms(lambda: model(one))
    runtime_ms = _median_ms(lambda: session.run(None, {"crops": one.numpy()}))
    return {"max_difference": difference, "torch_ms": torch_ms, "onnxruntime_ms": runtime_ms}


def _export(model: CropToKeypoints, target: str | io.BytesIO) -> Tensor:
    """Write the graph; return the two crops ``[2, 3, S, S]`` for which it was traced."""
    size = model.head.decoder.input_size[0]
    crops = 255 * torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    _onnxruntime()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about constants
        torch.onnx.export(
            model,
            (crops,),
            target,  # pyright: ignore[reportArgumentType] (a file object is accepted, too)
            input_names=["crops"],
            output_names=["keypoints_2d", "keypoint_score", "keypoints_3d"],
            dynamic_axes={"crops": {0: "N"}},
            opset_version=17,
            dynamo=False,
        )
    return crops


def _open_session(graph: str | bytes) -> Any:
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return runtime.InferenceSession(graph, options, ["CPUExecutionProvider"])


def _onnxruntime() -> Any:
    try:
        import onnx  # noqa: F401 (torch.onnx needs it)
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            'ONNX needs onnx and onnxruntime. Run: pip install "simhand-mm[onnx]".'
        ) from error
    return onnxruntime


def _median_ms(call: Callable[[], Any], repeats: int = 20) -> float:
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times[3:]))  # the first calls allocate
