"""The metric for validation and testing in mmpose."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from simhand_mm.pool import write_json, write_predictions
from simhand_mm.pose.evaluation import (
    AUC_RANGES,
    as_metrics,
    evaluate_poses,
    format_table,
    place_in_camera,
)
from simhand_mm.pose.official_forms import write_official
from simhand_mm.registry import METRICS

_EXPORT_FILES = {"freihand": "pred.json", "dexycb": "predictions.txt"}


@METRICS.register_module()
class HandPoseMetric(BaseMetric):
    """MPJPE and PCK-AUC under all protocols (docs/protocols.md).

    Keys are ``<protocol>/mpjpe_mm``, ``<protocol>/pck_auc_20_50`` and ``<protocol>/pck_auc_0_50``;
    the paper uses ``root_scale``. Keypoints without label are ignored.

    Args:
        output_dir: Folder for ``metrics.json``, with errors per keypoint and PCK curves.
        save_predictions: Also write ``predictions.parquet``.
        export: Also write the predictions in the format of an official evaluation: ``freihand``
            (``pred.json``) or ``dexycb`` (``predictions.txt``).
        collect_device: See mmengine.
        collect_dir: See mmengine.
    """

    default_prefix = ""

    def __init__(
        self,
        output_dir: str | None = None,
        save_predictions: bool = False,
        export: str | None = None,
        collect_device: str = "cpu",
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, collect_dir=collect_dir)
        self.output_dir, self.save_predictions = output_dir, save_predictions
        if export not in (None, *_EXPORT_FILES):
            raise ValueError(f"export must be one of {list(_EXPORT_FILES)}, but got {export!r}.")
        self.export = export

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Collect prediction, target and camera of each hand."""
        for sample in data_samples:
            pred, target = sample["pred_instances"], sample["gt_instances"]
            self.results.append(
                {
                    "sample_id": sample["sample_id"],
                    "handedness": sample.get("handedness", "right"),
                    "camera_matrix": sample["camera_matrix"],
                    "keypoints_3d": _first(pred["keypoints_3d"]),
                    "keypoints_2d": _first(pred["keypoints"]),
                    "keypoint_score": _first(pred["keypoint_scores"]),
                    "target": _first(target["keypoints_3d"]),
                    "valid": _first(target["keypoints_visible"]) > 0,
                }
            )

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Compute, log and save the metrics of all hands."""
        arrays = {
            name: np.stack([result[name] for result in results])
            for name in results[0]
            if name not in ("sample_id", "handedness")
        }
        pred = place_in_camera(
            arrays["keypoints_3d"],
            arrays["keypoints_2d"],
            arrays["keypoint_score"],
            arrays["camera_matrix"],
        )
        handedness = [result["handedness"] for result in results]
        evaluation = evaluate_poses(pred, arrays["target"], arrays["valid"], handedness)
        print_log(f"{len(results)} hands\n{format_table(evaluation)}", "current")
        if self.output_dir is not None:
            folder, sample_ids = Path(self.output_dir), [r["sample_id"] for r in results]
            self._save(folder, sample_ids, pred, arrays, evaluation)
        return {
            f"{protocol}/{name}": result[name]
            for protocol, result in evaluation.items()
            for name in ("mpjpe_mm", *AUC_RANGES)
        }

    def _save(
        self, folder: Path, sample_ids: list[str], pred: np.ndarray, arrays: dict, evaluation: dict
    ) -> None:
        errors_mm = evaluation["root_scale"]["per_sample_mm"]
        write_json(folder / "metrics.json", as_metrics(evaluation))
        if self.save_predictions:
            predictions = {**arrays, "keypoints_3d": pred, "error_mm": errors_mm}
            write_predictions(
                folder / "predictions.parquet", dict(predictions, sample_id=sample_ids)
            )
        if self.export is not None:
            write_official(folder / _EXPORT_FILES[self.export], self.export, sample_ids, pred)


def _first(values: Any) -> np.ndarray:
    """Return the only hand of a sample as an array."""
    return np.asarray(values)[0]
