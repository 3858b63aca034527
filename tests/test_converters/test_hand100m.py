"""Import of Hand100M: positions of keypoints, pairs by id, and records that are dropped."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from simhand_mm.converters.frame_numbers import VideoFiles
from simhand_mm.converters.hand100m import Hand100MSettings, import_hand100m
from simhand_mm.executors import LocalExecutor, RayExecutor, WorkerDied
from simhand_mm.pool import HandPool, load_pairs

POINTS = np.stack([40 + 5.0 * (np.arange(21) % 5), 30 + 5.0 * (np.arange(21) // 5)], axis=-1)
BOX = [35, 25, 66, 56]


def picture(shift=0):
    """Draw a black image with a white dot on each keypoint."""
    image = np.zeros((90, 120, 3), np.uint8)
    for x, y in (POINTS + np.array([shift, 0])).astype(int):
        image[y - 1 : y + 2, x - 1 : x + 2] = 255
    return image


def released_fractions(points, box, size_wh):
    """Fractions as in the released loader: box x 1.3, square, clipped, stretched to 224 px."""
    x1, y1, x2, y2 = box
    half = 1.3 * max(x2 - x1, y2 - y1) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = max(x - half, 0), min(x + half, size_wh[0])
    top, bottom = max(y - half, 0), min(y + half, size_wh[1])
    u = (points[:, 0] + 0.5 - left) / (right - left)
    v = (points[:, 1] + 0.5 - top) / (bottom - top)
    return np.stack([u, v, np.zeros(21)], axis=-1)


def annotation(hand_id, image_id, shift=0, side="Right", positives=(), **changes):
    box = [BOX[0] + shift, BOX[1], BOX[2] + shift, BOX[3]]
    fractions = released_fractions(POINTS + np.array([shift, 0]), box, (120, 90))
    record = {
        "image_id": image_id,
        "hand_id": hand_id,
        "boxes": json.dumps(box),
        "left_right": side,
        "keypoint_25d": fractions.ravel().tolist(),
        "positive_sample": list(positives),
        "distance": [float(n + 1) for n in range(len(positives))],
    }
    return record | changes


@pytest.fixture
def release(tmp_path):
    """Images on disk and a file of annotations; the third image is missing."""
    for video, frame, shift in (("a", 0, 0), ("a", 30, -33), ("b", 60, 55)):
        path = tmp_path / "images" / video / f"frame_{frame:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture(shift), [cv2.IMWRITE_JPEG_QUALITY, 100])
    (tmp_path / "images/b/frame_000090.jpg").write_text("no picture")
    names = ["a/frame_000000.jpg", "a/frame_000030.jpg", "b/frame_000060.jpg"]
    names += ["b/frame_000000.jpg", "b/frame_000090.jpg"]
    content = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
        "annotations": [
            annotation("h0", 0, positives=["h2", "h3", "unknown"]),
            annotation("h1", 1, shift=-33, side="Left", positives=["h2"]),  # clipped on the left
            annotation("h2", 2, shift=55, positives=["h0", "h1"]),  # clipped on the right
            annotation("h3", 3, positives=["h0"]),
            annotation("h4", 4, positives=["h0"]),
        ],
    }
    return write(tmp_path, content), content


def write(root, content):
    path = root / "Hand100M_Ego4D_50k_v1-1.json"
    path.write_text(json.dumps(content))
    return path


def run(release_path, root, crop_size=224, **options):
    settings = Hand100MSettings(
        crop_size,
        **{name: options.pop(name) for name in ("fps", "rule", "ranks") if name in options},
    )
    return import_hand100m([release_path], root / "images", root / "pool", settings, **options)


def test_keypoints_are_on_the_hands_even_if_the_released_crop_is_clipped(release, tmp_path):
    path, _ = release
    run(path, tmp_path, crop_size=160)
    pool = HandPool(tmp_path / "pool")
    assert len(pool) == 3
    assert pool.sources == ["ego4d"]
    assert pool.time_s.tolist() == [0, 1, 2]
    assert pool.is_mirrored.tolist() == [False, True, False]
    for row in range(3):
        crop = cv2.imdecode(np.frombuffer(pool.read_crop(row), np.uint8), cv2.IMREAD_GRAYSCALE)
        for x, y in pool.keypoints_2d[row]:
            # The centroid of the bright pixels around the keypoint is the keypoint.
            left, top = round(float(x)) - 8, round(float(y)) - 8
            window = crop[max(top, 0) : top + 17, max(left, 0) : left + 17].astype(float)
            window[window < 60] = 0
            rows, columns = np.indices(window.shape)
            found_x = (columns * window).sum() / window.sum() + max(left, 0)
            found_y = (rows * window).sum() / window.sum() + max(top, 0)
            assert abs(found_x - x) < 1.5
            assert abs(found_y - y) < 1.5


def test_positives_become_pairs_by_id(release, tmp_path):
    path, _ = release
    run(path, tmp_path)
    pool = HandPool(tmp_path / "pool")
    pairs = load_pairs(tmp_path / "pool", "hand100m", pool)
    h0, h1, h2 = pool.rows_of(["a/000000/h0", "a/000030/h1", "b/000060/h2"])
    assert pairs.positive_index[h0].tolist() == [h2, -1, -1]
    assert pairs.distance[h0].tolist() == [1, np.inf, np.inf]
    assert pairs.positive_index[h2].tolist() == [h0, h1, -1]
    assert pairs.distance[h2].tolist() == [1, 2, np.inf]
    assert pairs.ranks.tolist() == [1, 2, 3]


def test_missing_images_and_malformed_records_are_counted(release, tmp_path):
    _, content = release
    content["annotations"] += [
        annotation("h0", 0),
        annotation("h6", 77),
        annotation("h7", 0, boxes="[1, 2]"),
        annotation("h8", 0, keypoint_25d=[0.5] * 62),
        annotation("h9", 0, keypoint_25d=[float("nan")] * 63),
        annotation("h10", 0, side="Both"),
        annotation("h11", 0, distance=[1.0]),
        annotation("h12", 0, boxes="[500, 500, 600, 600]"),
        {},
        "text",
    ]
    info = run(write(tmp_path, content), tmp_path)
    assert info["num_drops"] == {
        "missing_image": 1,
        "outside_image": 1,
        "unreadable_image": 1,
        "wrong_record": 9,
    }
    details = pq.read_table(tmp_path / "pool" / "drops.parquet")["detail"].to_pylist()
    assert any("hand_id 'h0' is not unique" in detail for detail in details)
    assert any("b/000000/h3" in detail for detail in details)


@pytest.mark.parametrize(
    "name",
    ["../frame_000000.jpg", "a/../../b/frame_000000.jpg", "/a/1.jpg", "a/poster.jpg", None, 7],
)
def test_images_outside_or_without_number_are_counted(release, tmp_path, name):
    _, content = release
    content["images"][0]["file_name"] = name
    content["images"].append({"id": 99})
    info = run(write(tmp_path, content), tmp_path)
    assert info["num_hands"] == 2
    assert info["num_drops"]["wrong_image"] == 2
    assert info["num_drops"]["wrong_record"] == 1  # the hand in the first image
    details = pq.read_table(tmp_path / "pool" / "drops.parquet")["detail"].to_pylist()
    assert any(detail.startswith("image 0: ") for detail in details)


def test_times_come_from_the_videos_or_the_rate(release, tmp_path, caplog):
    path, _ = release
    with caplog.at_level("WARNING"):
        run(path, tmp_path, fps=25.0)
    assert HandPool(tmp_path / "pool").time_s.tolist() == [0, 1.2, 2.4]
    assert "no video file for 2 of 2 videos (first: a)" in caplog.text
    (tmp_path / "pool").rename(tmp_path / "first")
    caplog.clear()
    times = {Path("a.mp4"): np.arange(100) / 15.0, Path("b.mp4"): np.zeros(0)}
    videos = VideoFiles({"x/a": Path("a.mp4"), "b": Path("b.mp4")}, times.get)
    run(path, tmp_path, videos=videos)
    assert HandPool(tmp_path / "pool").time_s.tolist() == [0, 2, 2]  # frame 30 at 15 fps; 60 / 30
    assert "no video file" not in caplog.text


def test_rule_and_ranks_of_other_released_files(release, tmp_path):
    _, content = release
    for record, positives in zip(content["annotations"], (["h1"], ["h0"], [], [], []), strict=True):
        record["positive_sample"], record["distance"] = positives, [0.5] * len(positives)
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=r"2 of 2 are hands of the same video.*--rule temporal"):
        run(path, tmp_path)
    assert not (tmp_path / "pool").exists()
    run(path, tmp_path, rule="temporal")
    assert load_pairs(tmp_path / "pool", "hand100m").rule == "temporal"


def test_file_of_the_top_k_ablation_keeps_its_rank(release, tmp_path):
    _, content = release
    for record in content["annotations"]:
        record["positive_sample"] = record["positive_sample"][:1]
        record["distance"] = record["distance"][:1]
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=r"ranks must have one number per positive of a hand, 1"):
        run(path, tmp_path, ranks=(10, 100))
    run(path, tmp_path, ranks=(1000,))
    pairs = load_pairs(tmp_path / "pool", "hand100m")
    assert (pairs.rule, pairs.ranks.tolist()) == ("similar", [1000])
    assert pairs.column_of_rank(1000) == 0


def test_official_counts_are_compared(release, tmp_path, caplog):
    path, _ = release
    with caplog.at_level("INFO"):
        run(path, tmp_path)
    assert "5 images; official 49,930 (its README): DIFFERS by -49,925" in caplog.text
    assert "5 hands; official 50,000 (its README): DIFFERS by -49,995" in caplog.text


def test_wrong_files_and_folders_raise(release, tmp_path):
    path, content = release
    for wrong in ("[]", "{", '{"images": []}'):
        path.write_text(wrong)
        with pytest.raises(ValueError, match=r"v1-1\.json must be a Hand100M file"):
            import_hand100m([path], tmp_path / "images", tmp_path / wrong[:1])
    write(tmp_path, content)
    with pytest.raises(FileNotFoundError, match=r"has none of them \(e\.g\. a/frame_000000"):
        import_hand100m([path], tmp_path / "nowhere", tmp_path / "other")


def test_second_run_gives_the_same_and_other_annotations_raise(release, tmp_path):
    path, content = release
    run(path, tmp_path, executor=LocalExecutor(2))
    before = (tmp_path / "pool" / "hands.parquet").read_bytes()
    run(path, tmp_path)
    assert (tmp_path / "pool" / "hands.parquet").read_bytes() == before
    content["annotations"].pop()
    with pytest.raises(ValueError, match=r"settings must be those .*annotations"):
        run(write(tmp_path, content), tmp_path)


@pytest.mark.slow
def test_ray_gives_the_same(release, tmp_path, two_ray_nodes):
    path, _ = release
    run(path, tmp_path)
    names = ("hands.parquet", "drops.parquet", "crops/00000.lmdb", "pairs/hand100m.npz")
    before = [(tmp_path / "pool" / name).read_bytes() for name in names]
    shutil.rmtree(tmp_path / "pool")
    run(path, tmp_path, executor=RayExecutor(2))
    assert [(tmp_path / "pool" / name).read_bytes() for name in names] == before


class DyingExecutor(LocalExecutor):
    """Executor whose worker of the first video dies."""

    def __call__(self, tasks, build_worker):
        yield tasks[0], WorkerDied("exit code -9")
        yield from super().__call__(tasks[1:], build_worker)


def test_dead_worker_loses_one_video_until_the_next_run(release, tmp_path):
    path, _ = release
    info = run(path, tmp_path, executor=DyingExecutor())
    assert info["num_hands"] == 1
    assert info["num_drops"]["crashed"] == 1
    assert run(path, tmp_path)["num_hands"] == 3
