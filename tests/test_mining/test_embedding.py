"""The pose embedding: properties of the PCA, and files on disk."""

from unittest.mock import Mock

import numpy as np
import pytest
from sklearn.decomposition import PCA

from simhand_mm.mining.embedding import PoseEmbedding, embed_pool, usable_rows
from tests.test_mining.conftest import CROP_SIZE, random_keypoints, write_pool


def hands(count=500, seed=0):
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(20, 21, 2)) * 0.7 ** np.arange(20)[:, None, None]
    return np.tensordot(rng.normal(size=(count, 20)), directions, 1).astype(np.float32) + 0.5


def test_fit_equals_sklearn():
    keypoints = hands()
    fitted, expected = (
        PoseEmbedding.fit(keypoints),
        PCA(14).fit(keypoints.reshape(-1, 42).astype(np.float64)),
    )
    np.testing.assert_allclose(fitted.mean, expected.mean_, rtol=1e-6)
    np.testing.assert_allclose(
        fitted.explained_variance, expected.explained_variance_ratio_, rtol=1e-5
    )
    np.testing.assert_allclose(
        np.abs(fitted.components @ expected.components_.T), np.eye(14), atol=1e-4
    )
    assert (np.take_along_axis(
        fitted.components, np.abs(fitted.components).argmax(1)[:, None], 1
    ) > 0).all()  # fmt: skip


def test_apply_projects_centred_keypoints():
    keypoints = hands(40_000)  # more than a block
    fitted = PoseEmbedding.fit(keypoints[:1000], num_dims=5)
    expected = (keypoints.reshape(-1, 42).astype(np.float64) - fitted.mean) @ fitted.components.T
    embeddings = fitted.apply(keypoints)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, atol=1e-6)


def test_all_dims_preserve_distances():
    keypoints = hands(50)
    embeddings = PoseEmbedding.fit(keypoints, num_dims=42).apply(keypoints)
    expected = np.linalg.norm((keypoints - keypoints[:1]).reshape(50, -1), axis=1)
    np.testing.assert_allclose(
        np.linalg.norm(embeddings - embeddings[:1], axis=1), expected, atol=1e-4
    )


def test_root_relative_ignores_the_position_in_the_crop():
    keypoints = hands()
    fitted = PoseEmbedding.fit(keypoints, root_relative=True)
    moved = fitted.apply(keypoints + np.float32(0.25))
    np.testing.assert_allclose(moved, fitted.apply(keypoints), atol=1e-5)
    fitted = PoseEmbedding.fit(keypoints)
    assert np.abs(fitted.apply(keypoints + np.float32(0.25)) - fitted.apply(keypoints)).max() > 0.1


def test_unusable_hands_are_ignored():
    keypoints = hands()
    expected = PoseEmbedding.fit(keypoints[5:])
    keypoints[0] = 0  # a failed detection
    keypoints[1, 3] = np.nan
    keypoints[2:5] = np.inf
    assert usable_rows(keypoints).tolist() == [False] * 5 + [True] * 495
    fitted = PoseEmbedding.fit(keypoints)
    np.testing.assert_array_equal(fitted.components, expected.components)
    assert fitted.info["num_fitted"] == 495
    embeddings = fitted.apply(keypoints)
    assert np.isnan(embeddings[:5]).all() and np.isfinite(embeddings[5:]).all()


def test_apply_does_not_depend_on_other_rows():
    keypoints = hands()
    fitted = PoseEmbedding.fit(keypoints)
    np.testing.assert_array_equal(fitted.apply(keypoints)[7:9], fitted.apply(keypoints[7:9]))


def test_save_and_load(tmp_path):
    fitted = PoseEmbedding.fit(hands(), num_dims=3, root_relative=True, note="x")
    fitted.save(tmp_path / "embedding.npz")
    loaded = PoseEmbedding.load(tmp_path / "embedding.npz")
    assert (loaded.sha256, loaded.info) == (fitted.sha256, fitted.info)
    assert loaded.root_relative
    np.testing.assert_array_equal(loaded.apply(hands()), fitted.apply(hands()))
    with pytest.raises(FileNotFoundError, match="simhand mine"):
        PoseEmbedding.load(tmp_path / "nothing.npz")


@pytest.mark.parametrize("num_dims", [0, 43])
def test_fit_with_bad_num_dims_raises(num_dims):
    with pytest.raises(ValueError, match=f"num_dims must be 1 to 42, but got {num_dims}"):
        PoseEmbedding.fit(hands(), num_dims)


def test_fit_with_too_few_hands_raises():
    with pytest.raises(ValueError, match=r"at least 2 usable rows .* got 1 of 3"):
        PoseEmbedding.fit(np.concatenate([hands(1), np.zeros((2, 21, 2))]))


def test_identical_hands_can_be_embedded():
    embeddings = PoseEmbedding.fit(np.repeat(hands(1), 4, axis=0)).apply(hands(1))
    np.testing.assert_allclose(embeddings, 0, atol=1e-7)


def test_embed_pool_fits_once(pool):
    fitted, embeddings = embed_pool(pool)
    expected = PoseEmbedding.fit(pool.keypoints_2d / np.float64(CROP_SIZE))
    np.testing.assert_array_equal(
        embeddings, expected.apply(pool.keypoints_2d / np.float64(CROP_SIZE))
    )
    before = (pool.root / "embedding.npz").stat().st_mtime_ns
    again, same = embed_pool(pool)
    assert again.sha256 == fitted.sha256
    np.testing.assert_array_equal(same, embeddings)
    assert (pool.root / "embedding.npz").stat().st_mtime_ns == before
    assert embed_pool(pool, num_dims=3)[1].shape == (len(pool), 3)


def test_embed_pool_fits_again_for_another_pool(tmp_path):
    embed_pool(write_pool(tmp_path / "a", random_keypoints(seed=0)))
    other = write_pool(tmp_path / "b", random_keypoints(seed=1))
    for name in ("embedding.npz", "pose_embeddings.npy"):
        (other.root / name).write_bytes((tmp_path / "a" / name).read_bytes())
    fitted, embeddings = embed_pool(other)
    assert fitted.info["pool_fingerprint"] == other.fingerprint
    np.testing.assert_array_equal(embeddings, fitted.apply(other.keypoints_2d, CROP_SIZE))


def test_embed_pool_killed_while_writing_fits_again(pool, monkeypatch):
    embed_pool(pool, num_dims=3)
    with monkeypatch.context() as patch:
        patch.setattr(PoseEmbedding, "save", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            embed_pool(pool, num_dims=5)
    fitted, embeddings = embed_pool(pool, num_dims=3)
    np.testing.assert_array_equal(embeddings, fitted.apply(pool.keypoints_2d, CROP_SIZE))
    (pool.root / "pose_embeddings.npy").unlink()
    np.testing.assert_array_equal(embed_pool(pool, num_dims=3)[1], embeddings)
