"""Sampler: deterministic, the same for any number of processes, balanced, resumable."""

from collections import Counter
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest

from simhand_mm.pretraining import VideoBalancedSampler


def dataset(counts=(10, 10, 10, 10), sources=None):
    """Stand-in for a dataset: videos with the given numbers of hands."""
    video_index = np.repeat(np.arange(len(counts)), counts)
    sources = np.zeros(len(counts), int) if sources is None else np.array(sources)
    data = SimpleNamespace(video_index=video_index, source_index=sources[video_index])
    return type("Data", (SimpleNamespace,), {"__len__": lambda self: len(video_index)})(
        **vars(data)
    )


def sample(data, rank=0, world_size=1, epoch=0, **options):
    with patch("simhand_mm.pretraining.sampler.get_dist_info", return_value=(rank, world_size)):
        sampler = VideoBalancedSampler(data, **options)
    sampler.set_epoch(epoch)
    rows = list(sampler)
    assert len(rows) == len(sampler)
    return rows


def test_every_hand_once_and_a_new_order_in_each_epoch():
    data = dataset()
    first, second = sample(data), sample(data, epoch=1)
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second
    assert first == sample(data)
    assert first != sample(data, seed=1)
    assert sample(data, shuffle=False) == list(range(40))


@pytest.mark.parametrize("options", [{}, {"max_per_video": 2}])
def test_global_batches_do_not_depend_on_the_number_of_processes(options):
    data = dataset()
    batch = {"batch_size": 8} if options else {}
    one = sample(data, **options, **batch)
    batch = {"batch_size": 4} if options else {}
    parts = [sample(data, rank, 2, **options, **batch) for rank in range(2)]
    for step in range(5):
        together = {row for part in parts for row in part[4 * step : 4 * step + 4]}
        assert together == set(one[8 * step : 8 * step + 8])


def test_processes_get_the_same_number_of_hands():
    parts = [sample(dataset((5, 6)), rank, 3) for rank in range(3)]
    assert [len(part) for part in parts] == [3, 3, 3]
    assert len({row for part in parts for row in part}) == 9


@pytest.mark.parametrize("counts", [(10, 10, 10, 10), (40, 3, 3, 3, 3, 3, 3, 2), (1,) * 24])
def test_hands_per_video_in_a_batch_are_limited(counts):
    data = dataset(counts)
    for epoch in range(3):
        rows = sample(data, epoch=epoch, max_per_video=2, batch_size=8)
        assert len(set(rows)) == len(rows)
        assert len(rows) % 8 == 0
        assert len(rows) > 0
        for start in range(0, len(rows), 8):
            videos = Counter(data.video_index[rows[start : start + 8]].tolist())
            assert max(videos.values()) <= 2


def test_dropped_hands_of_a_long_video_change_with_the_epoch():
    data = dataset((40, 3, 3, 3, 3, 3, 3, 2))
    epochs = [set(sample(data, epoch=e, max_per_video=2, batch_size=8)) for e in range(8)]
    assert len(set.union(*epochs)) > 1.5 * len(epochs[0])


def test_sources_are_balanced():
    data = dataset((30, 9, 1), sources=[0, 1, 1])
    rows = sample(data, balance_sources=True)
    assert Counter(data.source_index[rows].tolist()) == {0: 20, 1: 20}
    assert set(rows[:]) >= set(range(30, 40))
    assert max(Counter(rows).values()) == 2


def test_skip_applies_to_one_iteration_only():
    sampler = VideoBalancedSampler(dataset())
    rows = list(sampler)
    sampler.skip(12)
    assert list(sampler) == rows[12:]
    assert list(sampler) == rows
    assert len(sampler) == 40


def test_bad_arguments_raise():
    with pytest.raises(ValueError, match="batch_size must be set"):
        VideoBalancedSampler(dataset(), max_per_video=1)
    with pytest.raises(ValueError, match="max_per_video must allow at least one batch of 8"):
        VideoBalancedSampler(dataset((40,)), max_per_video=1, batch_size=8)
