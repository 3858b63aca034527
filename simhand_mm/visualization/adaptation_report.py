"""The report of ``simhand adapt``: the adapted model beside MediaPipe on frames that were held out.

There is no ground truth for these frames: all numbers on them are distances between estimates.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simhand_mm.functional.pose_metrics import align, keypoint_errors_mm
from simhand_mm.pool import HandPool, read_json
from simhand_mm.visualization.number_format import fixed
from simhand_mm.visualization.page import Page
from simhand_mm.visualization.pool_report import add_drop_reasons, add_pool_statistics
from simhand_mm.visualization.prediction_images import comparison_html
from simhand_mm.visualization.predictions import Comparison, choose_samples, read_comparison
from simhand_mm.visualization.results import format_text_table
from simhand_mm.visualization.training_log import training_chart

_LABEL, _MODEL, _MEDIAPIPE = "label", "adapted model", "MediaPipe"
_MAX_VIDEOS = 12
_METHODS = {
    "lifted": "lifted from MediaPipe's 2D keypoints",
    "lifted_from_both": "lifted from MediaPipe's 2D keypoints and world landmarks",
    "half_and_half": "the mean of MediaPipe's world landmarks and the pose lifted from its 2D",
    "world_landmarks": "MediaPipe's world landmarks",
}
_HOW_TO_READ = (
    "Top: 2D keypoints on the image; those of the label are MediaPipe's. Bottom: 3D pose from the "
    "front and from the side, scaled to the label, which is drawn in grey. Difference: mean "
    "distance from the label under root_scale. Colours: thumb orange-red, index yellow, "
    "middle green, ring blue, pinky pink. Left hands are shown mirrored."
)


def write_adaptation_report(folder: str | Path, path: str | Path) -> str:
    """Write the report of a folder of ``simhand adapt``.

    Args:
        folder: Folder with ``pool``, ``labels``, ``training``, ``held_out`` and ``synthetic_test``.
        path: The ``.html`` file.

    Returns:
        The table of differences as text for the terminal.

    Raises:
        FileNotFoundError: If a result is missing.
    """
    folder = Path(folder)
    pool = HandPool(folder / "pool")
    comparison = _read(folder, pool)
    labels = read_json(folder / "labels/pseudo_labels.json")
    page = Page("A hand model for your own video", f"Report of {folder}")
    page.note(
        "Nobody has labelled these frames. Differences are distances between estimates, not "
        "errors: look at the images. Only the errors on synthetic hands are measured against the "
        "truth."
    )
    header = ["", "root_scale, mm", "procrustes, mm"]
    rows = _differences(comparison)
    page.heading("How the estimates differ on held-out frames")
    page.table(
        header, rows, f"Mean differences over {len(comparison.sample_ids):,} hands of held-out "
        "frames, which were not trained on. The label is an estimate, too: "
        f"{_METHODS[labels['method']]}."
    )  # fmt: skip
    _add_errors_on_synthetic_hands(page, folder, header)
    page.heading("How they differ on each video")
    _add_videos(page, comparison)
    page.heading("Held-out frames, by difference")
    page.figure(comparison_html(comparison, choose_samples(comparison), _LABEL), _HOW_TO_READ)
    page.heading("One frame of each video")
    page.figure(comparison_html(comparison, _one_per_video(comparison), _LABEL), _HOW_TO_READ)
    page.heading("Labels and training")
    _add_labels_and_training(page, folder, labels)
    page.heading("Hands of the videos")
    add_pool_statistics(page, pool)
    add_drop_reasons(page, pool)
    page.save(path)
    return format_text_table(header, rows)


def _add_errors_on_synthetic_hands(page: Page, folder: Path, header: list[str]) -> None:
    path = next(folder.glob("synthetic_test/**/metrics.json"))
    metrics = read_json(path)
    errors = [fixed(metrics["protocols"][p]["mpjpe_mm"], 1) for p in ("root_scale", "procrustes")]
    page.table(
        header, [[_MODEL, *errors]], f"Mean errors on {metrics['num_hands']:,} synthetic hands of "
        "people who were not trained on."
    )  # fmt: skip


def _add_labels_and_training(page: Page, folder: Path, labels: dict[str, Any]) -> None:
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in labels["num_dropped"].items())
    page.paragraph(
        f"{labels['num_hands']:,} hands with labels to train on, {labels['num_held_out']:,} held "
        f"out; not used: {dropped or 'none'}. Assumed: a field of view of {labels['fov_deg']:g} "
        f"degrees, a bone from wrist to middle MCP of {labels['bone_mm']:g} mm."
    )
    chart = training_chart(
        {_MODEL: folder / "training"}, ["loss"], {_MODEL: 0}, "Loss of the training", "step", "loss"
    )
    page.charts([chart], "Loss on labels and synthetic hands.")


def _read(folder: Path, pool: HandPool) -> Comparison:
    """Labels, and the poses of MediaPipe and the adapted model."""
    predictions = next(folder.glob("held_out/**/predictions.parquet"))
    comparison = read_comparison(
        folder / "labels", folder / "labels/poses/held_out.parquet", {_MODEL: predictions}
    )
    rows = pool.rows_of(comparison.sample_ids)
    truth = torch.from_numpy(comparison.target_3d.astype(np.float64))
    world = torch.from_numpy(pool.keypoints_3d[rows].astype(np.float64))
    errors = keypoint_errors_mm(world, truth, "root_scale").nanmean(1).numpy()
    aligned = align(world, truth, "root_scale").numpy()
    return replace(
        comparison,
        pred_2d={_MEDIAPIPE: np.array(pool.keypoints_2d[rows]), **comparison.pred_2d},
        pred_3d={_MEDIAPIPE: aligned, **comparison.pred_3d},
        error_mm={_MEDIAPIPE: errors, **comparison.error_mm},
    )


def _differences(comparison: Comparison) -> list[list[str]]:
    """Mean distances between the three estimates."""
    poses = {_LABEL: comparison.target_3d, **comparison.pred_3d}
    names = ((_MODEL, _LABEL), (_MEDIAPIPE, _LABEL), (_MODEL, _MEDIAPIPE))
    table = []
    for first, second in names:
        hands, others = (torch.from_numpy(poses[n].astype(np.float64)) for n in (first, second))
        valid = others.isfinite().all(-1)
        means = [
            float(keypoint_errors_mm(hands, others, protocol, valid).nanmean())
            for protocol in ("root_scale", "procrustes")
        ]
        table.append([f"{first} and {second}", *(fixed(mean, 1) for mean in means)])
    return table


def _add_videos(page: Page, comparison: Comparison) -> None:
    """Add a table of the videos with the largest differences."""
    videos = _hands_of_videos(comparison)
    means = {
        video: [float(comparison.error_mm[name][hands].mean()) for name in (_MODEL, _MEDIAPIPE)]
        for video, hands in videos.items()
    }
    order = sorted(means, key=lambda video: -means[video][0])[:_MAX_VIDEOS]
    page.table(
        ["video", "hands", _MODEL, _MEDIAPIPE],
        [[video, str(len(videos[video])), *(fixed(mean, 1) for mean in means[video])]
         for video in order],
        "Mean differences from the label, root_scale, mm, of "
        f"{len(order)} of {len(means)} videos: those with the largest of the adapted model.",
    )  # fmt: skip


def _one_per_video(comparison: Comparison) -> dict[str, int]:
    """Return video -> the hand whose difference of the model is the median."""
    chosen = {}
    for video, numbers in list(_hands_of_videos(comparison).items())[:_MAX_VIDEOS]:
        order = sorted(numbers, key=lambda number: comparison.error_mm[_MODEL][number])
        chosen[video] = order[len(order) // 2]
    return chosen


def _hands_of_videos(comparison: Comparison) -> dict[str, list[int]]:
    """Return video -> the numbers of its hands."""
    hands: dict[str, list[int]] = {}
    for number, hand_id in enumerate(comparison.sample_ids):
        hands.setdefault(hand_id.rsplit("/", 2)[0], []).append(number)
    return hands
