"""The same footage in several videos of a pool: re-encoded, cut, mirrored, drawn over."""

import csv
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from simhand_mm.functional.near_duplicates import hamming_distance
from simhand_mm.mining import format_report, group_codes
from simhand_mm.mining.duplicate_hands import DuplicateSettings, find_duplicate_hands
from simhand_mm.mining.perceptual_hashing import hash_crop, hash_pool
from simhand_mm.mining.run import SimilarSettings, mine_similar
from simhand_mm.mining.shared_footage import find_shared_footage, frames_at_one_offset
from tests.pools import make_hand, write_pool

ROOT = Path(__file__).parents[2]
SIDE = 96


def scene(seed, frame):
    """A smooth random background and a few moving shapes; ``[SIDE, SIDE, 3]`` uint8."""
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.integers(0, 255, (6, 6, 3), np.uint8).astype(np.float32), (SIDE, SIDE))
    for _ in range(6):
        center, step = rng.uniform(10, SIDE - 10, 2), rng.uniform(-3, 3, 2)
        color = tuple(rng.uniform(0, 255, 3))
        cv2.circle(image, (center + frame * step).astype(int).tolist(), 14, color, -1)
    return image.clip(0, 255).astype(np.uint8)


def drawn_over(image):
    image = image.copy()
    cv2.putText(image, "@me", (4, 90), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return cv2.line(image, (20, 20), (60, 70), (0, 0, 255), 1)


def scaled(image):
    return cv2.resize(cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA), (SIDE, SIDE))


COPIES = {  # change, JPEG quality
    "re-encoded": (lambda image: image, 30),
    "scaled": (scaled, 90),
    "mirrored": (lambda image: image[:, ::-1], 90),
    "drawn over": (drawn_over, 80),
}


def jpeg(image, quality=90):
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def write_videos(root, videos):
    """Write a pool of ``{video: [crop, ...]}``, one second apart, with random keypoints."""
    rng = np.random.default_rng(0)
    hands = {
        video: [
            make_hand(
                video,
                frame,
                time_s=float(frame),
                keypoints_2d=rng.uniform(9, 80, (21, 2)).astype(np.float32),
                crop=crop,
            )
            for frame, crop in enumerate(crops)
        ]
        for video, crops in videos.items()
    }
    return write_pool(root, hands, crop_size=SIDE)


@pytest.fixture
def videos():
    """Ten videos of eight hands, and copies of the first from its third frame on."""
    crops = {f"v{seed}": [jpeg(scene(seed, f)) for f in range(8)] for seed in range(10)}
    for name, (change, quality) in COPIES.items():
        crops[name] = [jpeg(change(scene(0, f)), quality) for f in range(2, 8)]
    return crops


def groups_of(pool):
    settings = DuplicateSettings()
    footage = find_shared_footage(
        pool, find_duplicate_hands(pool, hash_pool(pool), settings), settings
    )
    return footage, {
        frozenset(np.array(pool.video_ids)[footage.groups == group])
        for group in np.unique(footage.groups)
    }


def test_only_copies_are_found(videos, tmp_path):
    pool = write_videos(tmp_path / "pool", videos)
    footage, groups = groups_of(pool)
    assert frozenset({"v0", *COPIES}) in groups
    assert len(groups) == 10
    cut = [pool.video_ids.index(name) for name in ("re-encoded", "v0")]
    place = [sorted(pair) == sorted(cut) for pair in footage.videos.tolist()].index(True)
    assert footage.num_frames[place] == 6 and footage.offset_s[place] == 2.0


@pytest.mark.parametrize("name", [name for name in COPIES if name != "mirrored"])
def test_hash_is_robust_to_changes_of_videos(name):
    change, quality = COPIES[name]
    original, copy = hash_crop(jpeg(scene(3, 0))), hash_crop(jpeg(change(scene(3, 0)), quality))
    other = hash_crop(jpeg(scene(4, 0)))
    assert hamming_distance(original, copy).max() <= (40 if name == "drawn over" else 24)
    assert hamming_distance(original, other).min() > 60


def test_second_hash_is_that_of_the_mirrored_crop():
    image = scene(3, 0)
    mirrored = hash_crop(jpeg(image[:, ::-1], 100))
    assert hamming_distance(hash_crop(jpeg(image, 100)), mirrored[::-1]).max() <= 8


def test_hash_equals_that_of_imagehash():
    import imagehash
    from PIL import Image

    image = cv2.imdecode(np.frombuffer(jpeg(scene(3, 0)), np.uint8), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    bits = imagehash.phash(Image.fromarray(small), 16).hash
    low = np.unpackbits(hash_crop(jpeg(scene(3, 0)))[0].view(np.uint8))
    assert (low[:64].reshape(8, 8) == bits[:8, :8]).all() and low.sum() == bits.sum()


def test_crops_without_a_hash_are_counted(videos, tmp_path):
    videos = {"a": [b"broken", jpeg(np.full((SIDE, SIDE, 3), 9, np.uint8)), videos["v1"][0]]}
    videos["b"] = videos["a"]
    pool = write_videos(tmp_path / "pool", videos)
    hands = find_duplicate_hands(pool, hash_pool(pool), DuplicateSettings())
    assert hands.num_without_hash == 4
    assert hands.rows.tolist() == [[2, 5]] and hands.distance.tolist() == [0]


def test_single_images_need_no_second_frame(tmp_path):
    crops = [jpeg(scene(seed, 0)) for seed in range(4)]
    copy = jpeg(scene(0, 0), 40)
    pool = write_videos(tmp_path / "pool", {**dict(zip("abcd", [[c] for c in crops])), "e": [copy]})  # noqa: B905
    assert frozenset("ae") in groups_of(pool)[1] and len(groups_of(pool)[1]) == 4


def test_one_match_at_other_offsets_is_not_enough(videos, tmp_path):
    """Two videos with one equal frame each at the wrong places share no footage."""
    other = [videos["v2"][0], videos["v1"][7], videos["v2"][2], videos["v2"][3], videos["v1"][0]]
    pool = write_videos(tmp_path / "pool", {"v1": videos["v1"], "other": other})
    footage, _ = groups_of(pool)
    assert len(footage.videos) == 0


def test_frames_at_one_offset():
    time_s = np.array([[0, 5], [1, 6], [2, 7.4], [3, 20], [3, 21], [9, 3]], float)
    assert frames_at_one_offset(time_s) == (3, 5.0)
    assert frames_at_one_offset(np.array([[0.0, 4.0], [0.0, 4.5]])) == (1, 4.25)
    assert frames_at_one_offset(np.zeros((0, 2))) == (0, 0.0)


def test_hashes_are_kept_until_the_pool_changes(videos, tmp_path, monkeypatch):
    pool = write_videos(tmp_path / "pool", {"v0": videos["v0"]})
    first = hash_pool(pool)
    monkeypatch.setattr("simhand_mm.mining.perceptual_hashing.hash_crop", None)
    np.testing.assert_array_equal(hash_pool(pool), first)
    monkeypatch.undo()
    grown = write_videos(tmp_path / "pool", {"v1": videos["v1"]})
    assert hash_pool(grown).shape == (16, 2, 4)


def run_command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["simhand", *map(str, arguments)])
    runpy.run_path(str(ROOT / "tools" / "find_duplicates.py"), run_name="__main__")
    return capsys.readouterr().out


def test_command_groups_videos_for_mining(videos, tmp_path, monkeypatch, capsys):
    pool = write_videos(tmp_path / "pool", videos)
    out = tmp_path / "duplicates.csv"
    printed = run_command(monkeypatch, capsys, pool.root, "-o", out)
    assert f"simhand mine {pool.root} --group-by {out}" in printed
    rows = list(csv.DictReader(out.open()))
    assert [row["num_videos"] for row in rows] == ["5"] * 5 + ["1"] * 9
    assert len(set(group_codes(pool, str(out)))) == 10
    pairs = pq.read_table(out.with_suffix(".parquet")).to_pylist()
    assert {"v0/000002/0", "re-encoded/000000/0"} in [
        {pair["hand_id"], pair["duplicate_id"]} for pair in pairs
    ]
    assert "Videos that share footage" in out.with_suffix(".html").read_text()


def test_mining_warns_about_shared_footage(videos, tmp_path, monkeypatch, capsys):
    same = write_videos(tmp_path / "same", {"a": videos["v0"], "b": videos["v0"]})
    text = format_report(mine_similar(same, "similar", SimilarSettings(num_dims=2)))
    assert "WARNING" in text and "simhand find-duplicates" in text
    different = write_videos(tmp_path / "different", {"a": videos["v1"], "b": videos["v2"]})
    text = format_report(mine_similar(different, "similar", SimilarSettings(num_dims=2)))
    assert "WARNING" not in text and "0.0% of 16 random Top-1 pairs" in text
    printed = run_command(monkeypatch, capsys, different.root, "-o", tmp_path / "none.csv")
    assert "Pairs of videos that share footage         0" in printed
    assert "simhand mine" not in printed


def test_wrong_settings_raise():
    with pytest.raises(ValueError, match="max_distance"):
        DuplicateSettings(max_distance=300)
    with pytest.raises(ValueError, match="min_frames"):
        DuplicateSettings(min_frames=0)
