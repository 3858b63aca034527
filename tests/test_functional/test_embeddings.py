"""Statistics of embeddings: collapse and retrieval."""

import math

import pytest
import torch

from simhand_mm.functional import embeddings


def test_spread_samples_have_unit_std_and_full_rank():
    embedding = torch.randn(4000, 16, dtype=torch.float64)
    assert embeddings.mean_dimension_std(embedding) == pytest.approx(1, abs=0.05)
    assert embeddings.effective_rank(embedding) == pytest.approx(16, abs=0.2)


def test_collapsed_samples():
    embedding = torch.ones(50, 8) * torch.rand(50, 1)  # one direction
    assert embeddings.mean_dimension_std(embedding) == pytest.approx(0, abs=1e-6)
    assert embeddings.effective_rank(embedding) == pytest.approx(1, abs=1e-3)
    assert embeddings.effective_rank(torch.ones(50, 8)) == 0
    assert embeddings.uniformity(embedding) == pytest.approx(0, abs=1e-6)


def test_effective_rank_matches_the_singular_values():
    embedding = torch.randn(9, 5, dtype=torch.float64)
    values = torch.linalg.svdvals(embedding - embedding.mean(0))
    share = (values / values.sum()).tolist()
    expected = math.exp(-sum(p * math.log(p) for p in share))
    assert embeddings.effective_rank(embedding) == pytest.approx(expected)
    assert embeddings.effective_rank(3 * embedding) == pytest.approx(expected)


def test_alignment_and_uniformity_match_the_reference():
    a, b = torch.randn(2, 6, 4, dtype=torch.float64)
    a, b = a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True)
    expected = sum(float((p - q).square().sum()) for p, q in zip(a, b, strict=True)) / 6
    assert embeddings.alignment(2 * a, b) == pytest.approx(expected)
    pairs = [
        math.exp(-2 * float((a[i] - a[j]).square().sum()))
        for i in range(6)
        for j in range(6)
        if i != j
    ]
    assert embeddings.uniformity(5 * a) == pytest.approx(math.log(sum(pairs) / len(pairs)))


def test_nearest_is_of_another_group():
    embedding = torch.tensor([[1.0, 0.0], [1.0, 0.01], [1.0, 0.2], [0.0, 1.0]])
    group = torch.tensor([0, 0, 1, 1])
    assert embeddings.nearest_of_other_group(embedding, group).tolist() == [2, 2, 1, 1]


def test_retrieval_score_by_hand():
    distance = torch.tensor([[0.0, 1, 2], [1, 0, 4], [2, 4, 0]])
    group = torch.tensor([0, 1, 2])
    best = embeddings.retrieval_score(distance, torch.tensor([1, 0, 0]), group)
    assert best["score"] == pytest.approx(1)
    assert best["random"] == pytest.approx((1 + 2 + 1 + 4 + 2 + 4) / 6)
    assert best["nearest"] == best["retrieved"] == pytest.approx(4 / 3)
    worst = embeddings.retrieval_score(distance, torch.tensor([2, 2, 1]), group)
    assert worst["score"] < 0
