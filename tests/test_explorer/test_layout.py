"""The places of hands on the map."""

import importlib.util

import numpy as np
import pytest

from simhand_mm.explorer import layout
from simhand_mm.explorer.layout import MapSettings, place_hands
from simhand_mm.mining import embed_pool
from simhand_mm.pool import HandPool
from tests.test_explorer.pools import explored_pool


def test_places_are_the_first_dimensions_of_the_embedding(tmp_path):
    pool = explored_pool(tmp_path / "pool")
    before = place_hands(pool, MapSettings())
    _, embeddings = embed_pool(pool)
    np.testing.assert_array_equal(place_hands(pool, MapSettings()), embeddings[:, :2])
    np.testing.assert_array_equal(before, embeddings[:, :2])
    assert np.isnan(before[-1]).all() and np.isfinite(before[:-1]).all()
    assert before.dtype == np.float32 and not (pool.root / "layouts").exists()


def test_one_dimension_is_enough(tmp_path):
    pool = explored_pool(tmp_path / "pool")
    embed_pool(pool, num_dims=1)
    places = place_hands(pool, MapSettings())
    assert (places[:-1, 1] == 0).all() and np.isnan(places[-1]).all()


@pytest.mark.parametrize("num_frames", [1, 2])
def test_pools_of_few_usable_hands(tmp_path, num_frames):
    pool = explored_pool(tmp_path / "pool", num_frames)
    places = place_hands(pool, MapSettings())
    assert places.shape == (len(pool), 2)
    assert np.isfinite(places).all(axis=1).sum() == (3 if num_frames == 2 else 0)


def test_long_computations_are_kept_until_the_pool_changes(tmp_path, monkeypatch):
    calls = []

    def features(pool, settings):
        calls.append(settings)
        return np.arange(3 * len(pool), dtype=np.float32).reshape(-1, 3)

    monkeypatch.setattr(layout, "feature_vectors", features)
    (tmp_path / "backbone.pth").write_bytes(b"weights")
    settings = MapSettings(features=tmp_path / "backbone.pth")
    pool = explored_pool(tmp_path / "pool")
    first = place_hands(pool, settings)
    np.testing.assert_array_equal(place_hands(HandPool(pool.root), settings), first)
    assert len(calls) == 1
    (tmp_path / "backbone.pth").write_bytes(b"other weights")
    place_hands(pool, settings)
    place_hands(pool, MapSettings(features=settings.features, input_size=64))
    assert len(calls) == 3


def test_features_are_reduced_block_by_block(tmp_path, monkeypatch):
    from simhand_mm.pretraining.encoders import load_frozen
    from simhand_mm.pretraining.features import pool_features
    from tests.test_pretraining.conftest import write_pool
    from tests.test_pretraining.test_probing import save_random_backbone

    pool = write_pool(tmp_path / "pool", "abcd", frames=6)
    backbone = save_random_backbone(tmp_path / "backbone.pth")
    monkeypatch.setattr(layout, "_ROWS_PER_BLOCK", 10)
    vectors = layout.feature_vectors(pool, MapSettings(features=backbone))
    frozen = load_frozen(backbone)
    features = pool_features(frozen, frozen.build(), pool, np.arange(24), "cpu")
    sample = features[np.random.default_rng(0).permutation(24)[:10]]
    _, _, directions = np.linalg.svd(sample - sample.mean(0), full_matrices=False)
    expected = (features - sample.mean(0)) @ directions[:3].T
    np.testing.assert_allclose(np.abs(vectors[:, :3]), np.abs(expected), rtol=1e-3, atol=1e-5)
    assert vectors.shape == (24, 10)


def test_missing_umap_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "simhand-mm\[explore\]"'):
        place_hands(explored_pool(tmp_path / "pool"), MapSettings(layout="umap"))


@pytest.mark.slow
def test_umap_keeps_groups_together(tmp_path):
    pytest.importorskip("umap")
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 60)
    vectors = (rng.normal(size=(120, 5)) + 20 * group[:, None]).astype(np.float32)
    vectors[7] = np.nan
    places = layout._umap(vectors)
    assert np.isnan(places[7]).all()
    placed = np.flatnonzero(np.isfinite(places[:, 0]))
    distance = np.linalg.norm(places[placed, None] - places[None, placed], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (group[placed][distance.argmin(1)] == group[placed]).all()
    np.testing.assert_array_equal(layout._umap(vectors[:10]), vectors[:10, :2])
