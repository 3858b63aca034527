"""A whole mining run: embed, search shard by shard, join, report."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tyro.conf import arg

from simhand_mm.executors import Executor, LocalExecutor, run_all
from simhand_mm.functional.neighbors import CONTRACT_VERSION, check_ranks
from simhand_mm.mining.duplicate_hands import near_duplicate_share
from simhand_mm.mining.embedding import embed_pool
from simhand_mm.mining.groups import group_codes
from simhand_mm.mining.report import same_group_share, summarize_pairs, verify_pairs
from simhand_mm.mining.search import EXACT_ENGINES, Engine, build_engine
from simhand_mm.mining.shards import ShardStore, default_num_shards
from simhand_mm.options import KeyValues, Ranks
from simhand_mm.pool import HandPairs, HandPool, load_pairs, save_pairs, write_json
from simhand_mm.pool.files import read_json
from simhand_mm.pool.pairs import pairs_path

logger = logging.getLogger(__name__)

_GROUP_QUERIES = 1000  # hands whose nearest hand of any group is looked up, for the report
_COMPARED_PAIRS = 500  # crops of Top-1 pairs that are looked at for near-duplicates


@dataclass(frozen=True)
class SimilarSettings:
    """Settings of mining similar hands.

    Attributes:
        ranks: Neighbour ranks to keep, increasing, 1 = nearest.
        num_dims: Dimensions of the pose embedding.
        root_relative: Subtract the wrist from the keypoints.
        group_by: Column of hands.parquet, or CSV file with the columns video_id and group_id. Hands
            with the same value are never paired.
        engine: Search engine.
        engine_options: Options of the engine, e.g. num_threads=4.
        num_shards: Number of shards (default: depends on the size of the pool).
        num_verified: Number of random queries whose answers are verified by brute force.
        seed: Seed that selects these queries.
    """

    ranks: Ranks = (1,)
    num_dims: Annotated[int, arg(name="dims")] = 14
    root_relative: bool = False
    group_by: str = "video_id"
    engine: Engine = "exact"
    engine_options: KeyValues = field(default_factory=dict)
    num_shards: int | None = None
    num_verified: int = 100
    seed: int = 0


class SimilarRun:
    """Mining of the similar hands of a pool. Several processes may share the work.

    Can be pickled: another process opens the same files and builds its own index.

    Args:
        pool: The pool.
        name: Name of the pairs file.
        settings: The settings.
    """

    def __init__(self, pool: HandPool, name: str, settings: SimilarSettings) -> None:
        self.pool, self.name, self.settings = pool, name, settings
        self.ranks = check_ranks(np.array(settings.ranks))
        self.fitted, self.embeddings = embed_pool(pool, settings.num_dims, settings.root_relative)
        self.groups = group_codes(pool, settings.group_by)
        self.shards = ShardStore(pool.root / "pairs", name, self._manifest())
        self._path = pairs_path(pool.root, name)
        self._engine = None

    def __reduce__(self) -> tuple[type, tuple]:
        return type(self), (self.pool, self.name, self.settings)

    def _manifest(self) -> dict[str, Any]:
        settings = self.settings
        default = default_num_shards(len(self.pool), int(self.ranks[-1]))
        is_exact = settings.engine in EXACT_ENGINES  # they all give the same answer
        return {
            "contract_version": CONTRACT_VERSION,
            "pool_fingerprint": self.pool.fingerprint,
            "pca_sha256": self.fitted.sha256,
            "embedding_sha256": _sha256(self.embeddings),
            "groups_sha256": _sha256(self.groups),
            "group_by": settings.group_by,
            "engine": "exact" if is_exact else settings.engine,
            "engine_options": {} if is_exact else settings.engine_options,
            "ranks": self.ranks.tolist(),
            "num_hands": len(self.pool),
            "num_shards": settings.num_shards or default,
        }

    def is_finished(self) -> bool:
        """Whether the pairs exist and were mined with these settings."""
        if not (self._path.is_file() and self._path.with_suffix(".json").is_file()):
            return False
        try:
            pairs = load_pairs(self.pool.root, self.name)
            read_json(self._path.with_suffix(".json"))
        except ValueError:  # cut off, by a copy that was stopped
            return False
        return pairs.info.get("key") == self.shards.key

    def mine_shard(self, shard: int) -> None:
        """Search for the queries of one shard, unless its result exists."""
        if not self.shards.is_done(shard):
            self.shards.write(shard, *self.engine.search(self.shards.rows(shard), self.ranks))

    def build_worker(self) -> Callable[[int], None]:
        """Return the function that an executor calls. Its index is built once per worker."""
        return self.mine_shard

    @property
    def engine(self) -> Any:
        """The search engine, built on first use."""
        if self._engine is None:
            settings = self.settings
            self._engine = build_engine(
                settings.engine, self.embeddings, self.groups, **settings.engine_options
            )
        return self._engine

    def join(self) -> dict[str, Any]:
        """Write ``pairs/<name>.npz`` and ``.json`` from the finished shards; returns the report."""
        positive_index, distance = self.shards.join()
        info = {"key": self.shards.key, **self.shards.manifest}
        pairs = HandPairs(
            positive_index=positive_index,
            distance=distance,
            ranks=self.ranks.astype(np.int32),
            rule="similar",
            metric="pose_embedding_l2",
            pool_fingerprint=self.pool.fingerprint,
            info=info,
        )
        report = self._report(pairs)
        _write_report(self._path, report)  # first: if the pairs exist, the run is finished
        save_pairs(self.pool.root, self.name, pairs)
        self.shards.remove()
        return report

    def _report(self, pairs: HandPairs) -> dict[str, Any]:
        """Compute the report.

        Raises:
            RuntimeError: If an exact engine's answer differs from brute force.
        """
        settings, pool = self.settings, (self.embeddings, self.groups)
        checked = verify_pairs(pairs, *pool, settings.num_verified, settings.seed)
        if settings.engine in EXACT_ENGINES and checked["num_equal"] < checked["num_queries"]:
            raise RuntimeError(
                f"engine {settings.engine} must equal brute force, but got {checked}. "
                "No pairs were written. Please report this, and name your CPU or GPU."
            )
        return {
            **summarize_pairs(self.pool, pairs),
            "group_by": settings.group_by,
            "num_dims": self.fitted.num_dims,
            "explained_variance": float(self.fitted.explained_variance.sum()),
            "num_unusable": int((~np.isfinite(self.embeddings).all(axis=1)).sum()),
            "same_group_share": same_group_share(*pool, _GROUP_QUERIES, settings.seed),
            "verification": checked,
            "near_duplicates": near_duplicate_share(
                self.pool, pairs, _COMPARED_PAIRS, settings.seed
            ),
        }


def mine_similar(
    pool: HandPool,
    name: str,
    settings: SimilarSettings,
    shard: int | None = None,
    executor: Executor = LocalExecutor(),  # noqa: B008 (frozen)
) -> dict[str, Any] | None:
    """Mine similar hands and write them as ``pairs/<name>``.

    Args:
        pool: The pool.
        name: Name of the pairs file.
        settings: The settings.
        shard: Mine only this one of ``settings.num_shards`` shards. The process that finishes last
            joins them.
        executor: Runs the search (default: this process, with one thread per core).

    Returns:
        The report; None if other processes still have shards to mine.

    Raises:
        RuntimeError: If a worker died. The other shards are mined first and their results kept.
    """
    run = SimilarRun(pool, name, settings)
    if not run.is_finished():
        shards = run.shards.missing() if shard is None else [shard]
        run_all(executor, shards, run.build_worker, "shards")
        if run.shards.missing():
            return None
        try:
            return run.join()
        except FileNotFoundError:  # another process finished at the same time and has joined them
            if not run.is_finished():
                raise
    return read_json(pairs_path(pool.root, name).with_suffix(".json"))


def write_simple_pairs(pool: HandPool, name: str, pairs: HandPairs) -> dict[str, Any]:
    """Write pairs that need no search, and return their report."""
    report = summarize_pairs(pool, pairs)
    path = save_pairs(pool.root, name, pairs)
    _write_report(path, report)
    return report


def _write_report(path: Path, report: dict[str, Any]) -> None:
    write_json(path.with_suffix(".json"), report)


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
