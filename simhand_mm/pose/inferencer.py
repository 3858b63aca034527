"""Inference: 3D hand poses of an image, by a fine-tuned model."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, default_collate

from simhand_mm.functional.affine import apply, invert
from simhand_mm.functional.camera import transform_keypoints_3d
from simhand_mm.pool import HandBox, HandPose3D
from simhand_mm.pose.evaluation import place_in_camera
from simhand_mm.pose.export import onnx_session
from simhand_mm.pose.publishing import load_model, read_model_config

Runtime = Literal["torch", "onnxruntime"]
# Keypoints in image px, scores, root-relative mm; [N, 21, ...].
_Poses = tuple[np.ndarray, np.ndarray, np.ndarray]


class HandPose3DInferencer:
    """Predicts the 3D poses of the hands in an image.

    Args:
        config: Config file of a fine-tuned model; None for files of ``PublishModelHook``, which
            contain their config.
        checkpoint: Checkpoint file.
        device: Device of the model.
        runtime: What computes the network. ``onnxruntime`` runs on the CPU, is faster there, and
            needs a model with a :class:`DetNetHead`.

    Raises:
        ValueError: If there is no config, the checkpoint is not one of this model, or onnxruntime
            should run on another device.
    """

    def __init__(
        self,
        config: str | Path | Config | None,
        checkpoint: str | Path,
        device: str = "cpu",
        runtime: Runtime = "torch",
    ) -> None:
        config = read_model_config(checkpoint) if config is None else config
        with redirect_stdout(StringIO()):  # mmengine prints where it reads weights
            self.model: Any = load_model(config, checkpoint, device)
        self._pipeline = Compose(self.model.cfg.test_dataloader.dataset.pipeline)
        if runtime == "onnxruntime" and device != "cpu":
            raise ValueError(
                f"device must be cpu for onnxruntime, but got {device!r}. Use the runtime torch."
            )
        self._session = onnx_session(self.model) if runtime == "onnxruntime" else None

    def __call__(
        self,
        image: np.ndarray,
        boxes: Sequence[HandBox],
        camera_matrix: np.ndarray | None = None,
    ) -> list[HandPose3D]:
        """Predict the poses of all hands in an image.

        Args:
            image: ``[H, W, 3]`` uint8, BGR.
            boxes: Bounding boxes of the hands, from a detector such as MediaPipe.
            camera_matrix: ``[3, 3]``, px. If given, the position of each hand in the camera
                frame is estimated too.
        """
        if not boxes:
            return []
        samples: list[Any] = [self._pipeline(_as_sample(image, box)) for box in boxes]
        points, scores, poses = (self._run_torch if self._session is None else self._run_onnx)(
            samples
        )
        position: Sequence[np.ndarray | None] = [None] * len(boxes)
        if camera_matrix is not None:
            cameras = np.tile(np.asarray(camera_matrix, np.float64), (len(boxes), 1, 1))
            position = list(place_in_camera(poses, points, scores, cameras)[:, 0])
        hands = zip(boxes, points, scores, poses, position, strict=True)
        return [HandPose3D(*hand) for hand in hands]

    @torch.no_grad()
    def _run_torch(self, samples: list[dict[str, Any]]) -> _Poses:
        # One tensor: a list would be copied and normalised crop by crop.
        outputs = self.model.test_step(default_collate(samples))
        names = ("keypoints", "keypoint_scores", "keypoints_3d")
        points, scores, poses = (
            np.concatenate([getattr(output.pred_instances, name) for output in outputs])
            for name in names
        )
        return points, scores, poses

    def _run_onnx(self, samples: list[dict[str, Any]]) -> _Poses:
        """Run the network; then undo the crop, as the head and mmpose do."""
        assert self._session is not None
        crops = torch.stack([sample["inputs"] for sample in samples]).numpy()[:, ::-1]  # to RGB
        points, scores, poses = self._session(np.ascontiguousarray(crops, np.float32))
        affines = [sample["data_samples"].metainfo["affine"] for sample in samples]
        points = np.stack([apply(invert(a), p) for a, p in zip(affines, points, strict=True)])
        poses = [transform_keypoints_3d(a, p, True) for a, p in zip(affines, poses, strict=True)]
        return points, scores, np.stack(poses).astype(np.float32)


def _as_sample(image: np.ndarray, box: HandBox) -> dict[str, Any]:
    return {
        "img": image,
        "bbox": np.asarray(box.bbox_xyxy, np.float32)[None],
        "bbox_score": np.array([box.score], np.float32),
        "handedness": box.handedness,
    }
