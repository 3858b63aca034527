"""Draw the README's picture: mined pairs above, predictions below.

python docs/images/overview.py work_dirs/quickstart scratch docs/images/overview.jpg

The README's: pool 10k and stills of SynthHands (simhand reproduce synthhands methods --run), and
its pre-training simhand-noweight-seed0, fine-tuned on all stills: simhand train with
configs/detnet/detnet_resnet18_synthetic-pre_1xb16-30e_synthetic-64px.py and --cfg-options
randomness.seed=0 train_cfg.max_epochs=12 param_scheduler.1.T_max=12
model.backbone.init_cfg.checkpoint=.../backbone.pth; then simhand test with --dump.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from simhand_mm.pool import HandPool, atomic_path, load_pairs
from simhand_mm.visualization.contact_sheet import choose_queries, sheet_image
from simhand_mm.visualization.drawing import draw_hand, draw_hand_3d, fit_view
from simhand_mm.visualization.images import resize_with_keypoints
from simhand_mm.visualization.predictions import Comparison, choose_samples, read_comparison

TILE_PX = 150
CAPTION_PX = 20
QUERIES = 3
RANKS = [1, 2, 5, 10, 50, 100]


def draw_pairs(pool_dir: Path, seed: int) -> np.ndarray:
    """Random queries beside their neighbours, ``[H, W, 3]`` uint8, BGR."""
    pool = HandPool(pool_dir)
    pairs = load_pairs(pool_dir, "similar", pool)
    ranks = [rank for rank in RANKS if rank in pairs.ranks]
    return sheet_image(pool, pairs, choose_queries(pairs, QUERIES, seed), ranks, tile_px=TILE_PX)


def draw_prediction(comparison: Comparison, label: str, sample: int) -> np.ndarray:
    """Picture with 2D keypoints, 3D from the front and the side over the truth, and the error."""
    (model,) = comparison.pred_3d
    image = cv2.imread(str(comparison.image_paths[sample]))
    image, points = resize_with_keypoints(image, TILE_PX, comparison.pred_2d[model][sample])
    pose, truth = comparison.pred_3d[model][sample], comparison.target_3d[sample]
    center, extent_mm = fit_view(truth, pose)
    views = [
        draw_hand_3d(pose, view, TILE_PX, extent_mm, center, truth) for view in ("front", "side")
    ]
    caption = np.full((CAPTION_PX, TILE_PX, 3), 255, np.uint8)
    tile = np.vstack([draw_hand(image, points), *views, caption])
    text = f"{label}: {comparison.error_mm[model][sample]:.0f} mm"
    place = (2, tile.shape[0] - 6)
    return cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (80,) * 3, 1, cv2.LINE_AA)


def main() -> None:
    """Draw both and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work_dir", type=Path, help="folder of tools/quickstart.sh")
    parser.add_argument("method", help="whose predictions: a folder of WORK_DIR/detnet")
    parser.add_argument("out", type=Path, help="JPEG file to write")
    parser.add_argument("--seed", type=int, default=0, help="chooses the queries")
    args = parser.parse_args()
    sheet = draw_pairs(args.work_dir / "pool", args.seed)
    data_root = args.work_dir / "synthetic"
    predictions = {args.method: args.work_dir / "detnet" / args.method / "predictions.parquet"}
    comparison = read_comparison(data_root, data_root / "poses" / "test.parquet", predictions)
    samples = choose_samples(comparison)
    row = np.hstack([draw_prediction(comparison, *sample) for sample in samples.items()])
    canvas = np.full((sheet.shape[0] + row.shape[0], sheet.shape[1], 3), 255, np.uint8)
    canvas[: sheet.shape[0]] = sheet
    begin = (canvas.shape[1] - row.shape[1]) // 2
    canvas[sheet.shape[0] :, begin : begin + row.shape[1]] = row
    encoded = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    with atomic_path(args.out) as temporary:
        temporary.write_bytes(encoded.tobytes())


if __name__ == "__main__":
    main()
