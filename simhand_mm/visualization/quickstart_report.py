"""The report of ``tools/quickstart.sh``: ``work_dirs/quickstart/report.html``."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from simhand_mm.pool import HandPairs, HandPool, load_pairs, read_json
from simhand_mm.visualization.contact_sheet import choose_queries
from simhand_mm.visualization.number_format import fixed
from simhand_mm.visualization.page import Page
from simhand_mm.visualization.pairs_report import add_contact_sheet, add_rank_statistics
from simhand_mm.visualization.pool_report import add_drop_reasons, add_pool_statistics
from simhand_mm.visualization.prediction_images import HOW_TO_READ, comparison_html
from simhand_mm.visualization.predictions import choose_samples, read_comparison
from simhand_mm.visualization.results import (
    ABOUT_COLUMNS,
    MethodResult,
    find_runs,
    format_text_table,
    keypoint_chart,
    pck_chart,
    read_result,
    result_table,
    run_colors,
)
from simhand_mm.visualization.training_log import training_chart

WHAT_WAS_DONE = (
    "MediaPipe found the hands in {videos}, and each hand was paired with the most similar hand of "
    "another video. Backbones were pre-trained on these hands without labels, each by another "
    "method. Then a 3D pose model was fine-tuned from each of them on a few labelled images of "
    "synthetic hands, and tested on images of other people."
)
WHAT_TO_LOOK_AT = (
    "In the table, compare scratch (no pre-training) with the rows below it: with so few labels, "
    "pre-training lowers the error. In the pictures, these hands are rough, because the models are "
    "small and were trained for minutes. The row lifter was not trained here: it is MediaPipe's 2D "
    "keypoints with the lifter in this package, on the hands that MediaPipe finds."
)
DEMONSTRATION_NOTE = (
    "This is a demonstration: a small backbone, small images, a few minutes of training, and one "
    "seed. The order of the rows is no evidence for or against a method. For such evidence see "
    "docs/synthhands.md."
)
_ARE_LARGE = ("90% quantile", "worst")
_NUM_QUERIES = 8


def write_report(work_dir: str | Path, path: str | Path) -> str:
    """Write the report of a work directory of ``tools/quickstart.sh``.

    Stages that have not been run are marked as such.

    Args:
        work_dir: Folder with ``synthetic``, ``pool``, ``pretrain/<algo>`` and ``detnet/<run>``, and
            ``real.txt``, the folder of the videos, if they are not synthetic.
        path: The ``.html`` file.

    Returns:
        The table of results as text for the terminal.

    Raises:
        FileNotFoundError: If the folder does not exist.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        raise FileNotFoundError(
            f"work_dir must be a folder, but {work_dir} does not exist. Run tools/quickstart.sh, "
            "or correct the path."
        )
    results = [read_result(*run) for run in find_runs(work_dir / "detnet").items()]
    page = Page("From videos to 3D hand pose", f"Report of {work_dir}")
    real = work_dir / "real.txt"
    videos = real.read_text("utf-8").strip() if real.is_file() else "synthetic videos"
    page.paragraph(WHAT_WAS_DONE.format(videos=videos))
    page.paragraph(WHAT_TO_LOOK_AT)
    page.note(DEMONSTRATION_NOTE)
    page.heading("Results")
    table = _add_results(page, work_dir, results)
    page.heading("Predictions")
    _add_predictions(page, work_dir, results)
    page.heading("Training")
    _add_training(page, work_dir)
    page.heading("Hand pool")
    _add_pool(page, work_dir / "pool")
    page.heading("Mined pairs")
    _add_pairs(page, work_dir / "pool")
    if not real.is_file():
        _add_mining_check(page, work_dir / "mining_check.json")
    page.save(path)
    return f"{table}\n\n{DEMONSTRATION_NOTE}"


def _add_results(page: Page, work_dir: Path, results: Sequence[MethodResult]) -> str:
    if not results:
        page.missing("Fine-tuning", "bash tools/quickstart.sh")
        return "Fine-tuning: not run yet."
    header, rows = result_table(results)
    counts = sorted({result.metrics["num_hands"] for result in results if result.metrics})
    num_test = " or ".join(f"{count:,}" for count in counts) or "no"
    train = work_dir / "synthetic" / "poses" / "train.parquet"
    num_train = f"{pq.read_metadata(train).num_rows:,}" if train.is_file() else "some"
    page.table(
        header,
        rows,
        f"3D hand pose on {num_test} synthetic test images after fine-tuning on {num_train} "
        f"labelled images of other subjects. {ABOUT_COLUMNS}",
    )
    colors = run_colors([result.name for result in results])
    page.charts(
        [pck_chart(results, colors), keypoint_chart(results, colors)],
        f"Errors on {num_test} test images under root_scale. Left: share of the keypoints whose "
        "error is at most the threshold. Right: mean error of each keypoint except the wrist.",
    )
    return format_text_table(header, rows)


def _add_predictions(page: Page, work_dir: Path, results: Sequence[MethodResult]) -> None:
    paths = {r.name: r.predictions_path for r in results if r.predictions_path is not None}
    data_root = work_dir / "synthetic"
    poses = data_root / "poses" / "test.parquet"
    if not paths or not poses.is_file():
        page.missing("Predictions", "bash tools/quickstart.sh")
        return
    comparison = read_comparison(data_root, poses, paths)
    samples = choose_samples(comparison)
    if not samples:
        page.paragraph("No test image has an error under root_scale.")
        return
    usual = {name: sample for name, sample in samples.items() if name not in _ARE_LARGE}
    large = {name: sample for name, sample in samples.items() if name in _ARE_LARGE}
    page.figure(
        comparison_html(comparison, usual),
        f"Ground truth and predictions for the same {len(usual)} of "
        f"{len(comparison.image_paths):,} test images, chosen by quantiles of the error averaged "
        f"over the methods. {HOW_TO_READ}",
    )
    page.figure(
        comparison_html(comparison, large),
        "The same for images with large errors: that at the 90% quantile, and the worst of all.",
    )


def _add_training(page: Page, work_dir: Path) -> None:
    pretraining, detnet = find_runs(work_dir / "pretrain"), find_runs(work_dir / "detnet")
    colors = run_colors(list(dict.fromkeys(["scratch", *pretraining, *detnet])))
    charts = [
        training_chart(pretraining, ["loss"], colors, "Pre-training", "iteration", "loss"),
        training_chart(detnet, ["loss"], colors, "Fine-tuning", "iteration", "loss"),
        training_chart(
            detnet, ["root_scale/mpjpe_mm"], colors, "Validation", "epoch", "root_scale MPJPE, mm"
        ),
    ]
    if not any(charts):
        page.missing("Training", "bash tools/quickstart.sh")
    page.charts(
        charts,
        "Training losses. The pre-training losses are not comparable between methods, because "
        "positives and weights differ: compare the shape of the curves, not their height.",
    )


def _add_pool(page: Page, pool_dir: Path) -> None:
    if not (pool_dir / "pool.json").is_file():
        page.missing("Preparation", f"simhand prepare VIDEOS {pool_dir}")
        return
    pool = HandPool(pool_dir)
    add_pool_statistics(page, pool)
    add_drop_reasons(page, pool)


def _add_pairs(page: Page, pool_dir: Path) -> None:
    pairs = _similar_pairs(pool_dir)
    if pairs is None:
        page.missing("Mining", f"simhand mine {pool_dir}")
        return
    pool = HandPool(pool_dir)
    add_contact_sheet(page, pool, pairs, choose_queries(pairs, _NUM_QUERIES, seed=0), True)
    add_rank_statistics(page, pool, pairs)


def _similar_pairs(pool_dir: Path) -> HandPairs | None:
    """Return the mined pairs of the pool with the most ranks."""
    if not (pool_dir / "pool.json").is_file():
        return None
    pool = HandPool(pool_dir)
    names = sorted(path.stem for path in (pool_dir / "pairs").glob("*.npz"))
    mined = [
        pairs for name in names if (pairs := load_pairs(pool_dir, name, pool)).rule == "similar"
    ]
    return max(mined, key=lambda pairs: len(pairs.ranks), default=None)


def _add_mining_check(page: Page, path: Path) -> None:
    if not path.is_file():
        page.missing("Check against the true 3D poses", "bash tools/quickstart.sh")
        return
    check = read_json(path)
    rows = [(f"Top-{rank}", fixed(mm, 1)) for rank, mm in check["top_mm"].items()]
    rows.append(("random hand of another video", fixed(check["random_other_video_mm"], 1)))
    page.table(
        ("a hand and its", "mean 3D distance, mm"),
        rows,
        "Are mined positives similar in 3D? Mean distance over the 21 keypoints with aligned "
        f"wrists, from the ground truth of the generator ({check['num_matched']:,} of "
        f"{check['num_hands']:,} hands). Without the rule that a positive must be from another "
        f"video, the nearest hand would be from the same video for "
        f"{check['same_video_share_without_rule']:.1%} of the hands.",
    )
