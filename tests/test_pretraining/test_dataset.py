"""Pairs of crops from pools."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from simhand_mm.pool import HandPairs, HandPool, save_pairs, write_poses
from simhand_mm.pretraining import HandPairDataset, collate_pairs, crops
from tests.pools import make_pose

from .conftest import CROP, similar_pairs, write_pool


def test_self_pairs_decode_one_crop(data_root):
    dataset = HandPairDataset(data_root)
    assert len(dataset) == 32
    item = dataset[5]
    assert "positive" not in item
    assert item["query"].shape == (CROP, CROP, 3)
    assert item["query"].dtype == torch.uint8
    assert item["query_row"] == item["positive_row"] == 5
    torch.testing.assert_close(item["query_keypoints_2d"], item["positive_keypoints_2d"])


def test_mined_pairs_of_a_rank(data_root):
    pool = HandPool(data_root / "pool")
    for rank in (1, 2):
        dataset = HandPairDataset(data_root, pairs="similar", rank=rank)
        assert len(dataset) == 31  # one hand has no positive
        item = dataset[3]
        assert dataset.hand_id(item["positive_row"]) == pool.hand_id(3 + 4 * rank)
        np.testing.assert_array_equal(
            item["positive_keypoints_2d"], pool.keypoints_2d[3 + 4 * rank]
        )
        assert not torch.equal(item["query"], item["positive"])


def test_concatenated_pools_keep_their_pairs(data_root):
    dataset = HandPairDataset(data_root, pool=["pool", "other"], pairs="similar")
    other = HandPool(data_root / "other")
    assert len(dataset) == 31 + 7
    item = dataset[31]
    assert dataset.hand_id(item["query_row"]) == other.hand_id(0)
    assert dataset.hand_id(item["positive_row"]) == other.hand_id(4)
    np.testing.assert_array_equal(item["positive_keypoints_2d"], other.keypoints_2d[4])
    assert dataset.video_index.tolist() == [
        *np.repeat(range(8), 4)[:-1],
        *np.repeat([8, 9], 4)[:-1],
    ]
    assert dataset.source_index.tolist() == [1] * 31 + [0] * 7  # by name: other, pool


def test_pose_embeddings_of_mining_are_added(tmp_path):
    pool = write_pool(tmp_path / "pool", ["a", "b"])
    with pytest.raises(FileNotFoundError, match=r"pose_embeddings\.npy is missing.*simhand mine"):
        HandPairDataset(tmp_path, embedding=True)
    embeddings = np.random.default_rng(0).normal(size=(8, 14)).astype(np.float32)
    np.save(pool.root / "pose_embeddings.npy", embeddings)
    save_pairs(pool.root, "similar", similar_pairs(pool))
    batch = HandPairDataset(tmp_path, pairs="similar", embedding=True).__getitems__([0, 2])
    np.testing.assert_array_equal(batch["query_pose_embedding"], embeddings[[0, 2]])
    np.testing.assert_array_equal(batch["positive_pose_embedding"], embeddings[[4, 6]])
    np.save(pool.root / "pose_embeddings.npy", embeddings[:5])
    with pytest.raises(ValueError, match=r"the 8 hands of the pool, but .* has 5"):
        HandPairDataset(tmp_path, embedding=True)
    with pytest.raises(ValueError, match="single pool if embedding is set"):
        HandPairDataset(tmp_path, pool=["pool", "pool"], embedding=True)


def test_reduced_decoding_keeps_keypoints_on_their_pixels(tmp_path):
    write_pool(tmp_path / "pool", ["a"], frames=1, crop_size=48)
    full, half = (HandPairDataset(tmp_path, reduce=reduce)[0] for reduce in (1, 2))
    assert half["query"].shape == (24, 24, 3)
    expected = (full["query_keypoints_2d"] + 0.5) / 2 - 0.5
    torch.testing.assert_close(half["query_keypoints_2d"], expected)


def test_held_out_videos_are_whole_and_disjoint(data_root):
    rows = {}
    for split in ("train", "held_out"):
        pairs = "similar" if split == "train" else None
        dataset = HandPairDataset(data_root, pairs=pairs, split=split, held_out=0.4)
        rows[split] = set(dataset.query_row) | set(dataset.positive_row)
    assert rows["train"] and rows["held_out"]
    videos = {split: {row // 4 for row in found} for split, found in rows.items()}
    assert not videos["train"] & videos["held_out"]


def test_pairs_of_the_hands_of_a_poses_table(data_root):
    pool = HandPool(data_root / "pool")
    chosen = [3, 7, 12]  # the positive of hand 3 is hand 7
    poses = [make_pose(pool.hand_id(row)) for row in chosen]
    write_poses(data_root / "labels.parquet", [*poses, make_pose("of/another/pool")])
    dataset = HandPairDataset(data_root, poses="labels.parquet")
    assert dataset.query_row.tolist() == dataset.watched().query_row.tolist() == chosen
    dataset = HandPairDataset(data_root, pairs="similar", poses="labels.parquet")
    assert [dataset.query_row.tolist(), dataset.positive_row.tolist()] == [[3], [7]]


def test_queries_and_positives_with_broken_keypoints_are_dropped(tmp_path, monkeypatch):
    pool = write_pool(tmp_path / "pool", ["a", "b"])
    keypoints = pool.keypoints_2d.copy()
    keypoints[2, 7] = np.nan
    monkeypatch.setattr(HandPool, "keypoints_2d", keypoints)
    positive = np.array([[4], [5], [6], [7], [0], [1], [2], [3]])
    pairs = HandPairs(positive, positive * 0.0, np.array([1]), "similar", "t", pool.fingerprint)
    save_pairs(tmp_path / "pool", "similar", pairs)
    dataset = HandPairDataset(tmp_path, pairs="similar")
    assert dataset.query_row.tolist() == [0, 1, 3, 4, 5, 7]


def test_workers_see_the_same_items(data_root):
    dataset = HandPairDataset(data_root, pairs="similar")
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[3]["positive"], dataset[3]["positive"])
    loader = DataLoader(dataset, batch_size=4, num_workers=1, collate_fn=collate_pairs)
    batch = next(iter(loader))
    assert torch.equal(batch["query"][3], dataset[3]["query"])
    assert torch.equal(batch["positive_keypoints_2d"][3], dataset[3]["positive_keypoints_2d"])
    assert batch["query_row"].tolist() == [0, 1, 2, 3]


def test_missing_pool_names_path_and_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pool\.json does not exist.*simhand prepare"):
        HandPairDataset(tmp_path)


def test_missing_pairs_name_path_and_command(data_root):
    with pytest.raises(FileNotFoundError, match=r"got 'temporal' .*simhand mine"):
        HandPairDataset(data_root, pairs="temporal")


def test_bad_arguments_raise(data_root, tmp_path):
    with pytest.raises(ValueError, match=r"rank must be one of \[1, 2\], but got 7"):
        HandPairDataset(data_root, pairs="similar", rank=7)
    with pytest.raises(ValueError, match="split must be one of"):
        HandPairDataset(data_root, split="test")
    with pytest.raises(ValueError, match="reduce must be one of"):
        HandPairDataset(data_root, reduce=3)
    with pytest.raises(ValueError, match=r"cache_gb must be at least 0, but got -1"):
        HandPairDataset(data_root, cache_gb=-1)
    with pytest.raises(ValueError, match=r"at least one pair.*has none"):
        HandPairDataset(data_root, split="held_out", held_out=0.0)
    write_pool(tmp_path / "large", ["a"], crop_size=64)
    with pytest.raises(ValueError, match=r"one crop size, but got \[48, 64\] px"):
        HandPairDataset("", pool=[str(data_root / "pool"), str(tmp_path / "large")])


@pytest.fixture
def reads(monkeypatch):
    """Rows whose JPEG this process has read."""
    rows, original = [], HandPool.read_crop

    def read_crop(self, row):
        rows.append((self.root.name, row))
        return original(self, row)

    monkeypatch.setattr(HandPool, "read_crop", read_crop)
    return rows


def assert_equal(batches, expected):
    for batch, other in zip(batches, expected, strict=True):
        assert batch.keys() == other.keys()
        for key, value in other.items():
            assert torch.equal(batch[key], value), key


def epoch(dataset, num_workers=0):
    """All batches of an epoch, of 5 pairs each."""
    return list(DataLoader(dataset, 5, num_workers=num_workers, collate_fn=collate_pairs))


@pytest.mark.parametrize("reduce", [1, 2])
@pytest.mark.parametrize("pairs", [None, "similar"])
def test_kept_crops_are_equal_and_read_once(reduce, pairs, data_root, reads):
    options = {"data_root": data_root, "pool": ["pool", "other"], "pairs": pairs, "reduce": reduce}
    expected = epoch(HandPairDataset(**options))
    reads.clear()
    dataset = HandPairDataset(**options, cache_gb=1.0)
    for _ in range(3):
        assert_equal(epoch(dataset), expected)
        assert len(reads) == len(set(reads)) == 32 + 8
    # The hands that are monitored are the same ones.
    assert_equal(epoch(dataset.watched()), epoch(HandPairDataset(**options | {"pairs": None})))
    assert reads[40:] == [("pool", row) for row in range(32)] + [("other", r) for r in range(8)]


def test_workers_share_kept_crops(data_root, reads):
    expected = epoch(HandPairDataset(data_root, pairs="similar"))
    dataset = HandPairDataset(data_root, pairs="similar", cache_gb=1.0)
    for _ in range(2):
        assert_equal(epoch(dataset, num_workers=2), expected)
    reads.clear()
    assert_equal(epoch(dataset), expected)
    assert not reads  # the workers have decoded all of them


def test_changes_to_a_batch_leave_kept_crops_as_they_are(data_root):
    dataset = HandPairDataset(data_root, cache_gb=1.0)
    before = dataset[3]["query"].clone()
    dataset[3]["query"].zero_()
    assert torch.equal(dataset[3]["query"], before)


def test_crops_beyond_the_limit_are_decoded_again(data_root, reads, monkeypatch):
    messages = []
    monkeypatch.setattr(crops, "print_log", lambda text, logger: messages.append(text))
    needed_gb = 32 * 24 * 24 * 3 / 1e9
    for limit, is_kept in ((needed_gb, True), (needed_gb * 0.99, False)):
        dataset = HandPairDataset(data_root, reduce=2, cache_gb=limit)
        reads.clear()
        assert torch.equal(dataset[1]["query"], dataset[1]["query"])
        assert len(reads) == (1 if is_kept else 2)
    assert "32 decoded crops of 24 px need 5.53e-05 GB; this process and workers" in messages[0]
    assert "but cache_gb is 5.47" in messages[1]
    assert "Increase train_dataloader.dataset.cache_gb" in messages[1]


def test_pickled_copies_keep_nothing(data_root, reads):
    dataset = HandPairDataset(data_root, cache_gb=1.0)
    assert torch.equal(dataset[1]["query"], dataset[1]["query"])
    copy = pickle.loads(pickle.dumps(dataset))
    reads.clear()
    assert torch.equal(copy[1]["query"], copy[1]["query"])
    assert len(reads) == 2


@pytest.mark.parametrize("cache_gb", [0.0, 1.0])
@pytest.mark.parametrize("content", [b"not an image", b""])
def test_broken_crop_raises_with_its_id(content, cache_gb, data_root, monkeypatch):
    dataset = HandPairDataset(data_root, cache_gb=cache_gb)
    monkeypatch.setattr(HandPool, "read_crop", lambda self, row: content)
    with pytest.raises(ValueError, match=r"crop of hand 'a/000001/0' in .*must be a JPEG of 48 px"):
        dataset[1]
