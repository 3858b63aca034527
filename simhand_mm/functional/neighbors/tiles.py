"""Exact search on GPUs: tiles of rows, compared by matrix products (torch).

Rows are grouped into tiles of neighbours, and only tiles whose bounding boxes are near enough are
compared. Matrix products lose precision, so they only *propose* candidates: the distances of the
best blocks of rows are computed again in float64, and a bound on the error certifies that no other
block can contain the answer. Queries that cannot be certified (duplicates, near duplicates) are
compared with all rows of the tiles in float64.

Axes: N rows, T tiles, D dimensions, Q queries of a chunk, C candidate rows, K the largest rank.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from simhand_mm.functional.neighbors.contract import power_of_two_scale

TILE_ROWS = 512
_BLOCK_ROWS = 32
_SPARE_BLOCKS = 4  # number of proposed blocks beyond K
_FIRST_TILES = 8  # searched first, to get a limit for the others
_TILES_AT_ONCE = 64
_NO_GROUP = -1


class TileIndex:
    """Index of a pool in tiles, on the device of the embeddings.

    Matrix products must use full float32 (``torch.set_float32_matmul_precision('highest')``).

    Args:
        embeddings: ``[N, D]`` float32.
        groups: ``[N]`` integer codes, non-negative.
        order: ``[M]`` finite rows, ordered so that neighbours are close together, see
            :func:`~simhand_mm.functional.neighbors.tree.tree_order`.
    """

    def __init__(self, embeddings: Tensor, groups: Tensor, order: Tensor) -> None:
        num_tiles = max(1, -(-len(order) // TILE_ROWS))
        rows = order.new_full((num_tiles * TILE_ROWS,), -1)
        rows[: len(order)] = order
        self.embeddings, self.groups = embeddings, groups
        # Scaling by a power of two is exact, and keeps squares within the range of float32.
        self.scale = power_of_two_scale(float(embeddings[order].abs().max()) if len(order) else 1)
        self.rows = rows.view(num_tiles, TILE_ROWS)
        self.is_row = self.rows >= 0
        self.points = self._scaled(self.rows)  # [T, TILE_ROWS, D]
        self.tile_groups = torch.where(self.is_row, groups[self.rows.clamp(min=0)], _NO_GROUP)
        inside = self.is_row[..., None]
        self.lower = torch.where(inside, self.points, torch.inf).amin(dim=1)
        self.upper = torch.where(inside, self.points, -torch.inf).amax(dim=1)

    def _scaled(self, rows: Tensor) -> Tensor:
        return self.embeddings[rows.clamp(min=0)] * self.scale

    def search(self, query_rows: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Find the neighbours of a chunk of finite rows. Faster if the rows are near each other.

        Args:
            query_rows: ``[Q]`` int64.
            ranks: ``[R]`` int64, increasing, 1 = nearest.

        Returns:
            Row numbers ``[Q, R]`` int64 and squared distances ``[Q, R]`` float64; -1 and inf if
            there are fewer.
        """
        k = int(ranks[-1])
        proposals = _Proposals(self, query_rows, k)
        bound = self._tile_bounds(proposals.queries)
        nearest = bound.argsort()
        num_first = max(_FIRST_TILES, -(-2 * k // TILE_ROWS))
        first, others = nearest[:num_first], nearest[num_first:]
        proposals.scan(first)
        others = others[bound[others] <= proposals.limit().max()]
        others = others[self._is_near(proposals.queries, proposals.limit(), others)]
        proposals.scan(others)
        rows, squared, is_certain = proposals.decide()
        uncertain = (~is_certain).nonzero()[:, 0]
        if len(uncertain):
            tiles = torch.cat([first, others])
            rows[uncertain], squared[uncertain] = self._measure(query_rows[uncertain], tiles, k)
        return rows[:, ranks - 1], squared[:, ranks - 1]

    def _tile_bounds(self, queries: Tensor) -> Tensor:
        """Lower bounds of the squared distance between any query and each tile. ``[T]``."""
        gap = torch.maximum(self.lower - queries.amax(dim=0), queries.amin(dim=0) - self.upper)
        return gap.clamp(min=0).square().sum(dim=1) * _below_one(queries)

    def _is_near(self, queries: Tensor, limit: Tensor, tiles: Tensor) -> Tensor:
        """Tell which tiles lie within the limit ``[Q]`` of any query."""
        near = []
        for part in _parts(tiles, 2 * TILE_ROWS):
            lower, upper = self.lower[part, None], self.upper[part, None]
            gap = torch.maximum(lower - queries, queries - upper).clamp_(min=0)  # [tiles, Q, D]
            bound = gap.square_().sum(dim=2) * _below_one(queries)
            near.append((bound <= limit).any(dim=1))
        return torch.cat(near) if near else tiles.new_zeros(0, dtype=torch.bool)

    def _measure(self, query_rows: Tensor, tiles: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Find the K best among all rows of the tiles, in float64."""
        queries, groups = self.embeddings[query_rows], self.groups[query_rows]
        rows = query_rows.new_full((len(queries), k), -1)
        squared = torch.full(rows.shape, torch.inf, dtype=torch.float64, device=rows.device)
        for part in _parts(tiles, _TILES_AT_ONCE // 8):
            candidates = self.rows[part].reshape(1, -1)
            excluded = (candidates < 0) | (self.tile_groups[part].reshape(-1) == groups[:, None])
            points = self.embeddings[candidates.clamp(min=0)]  # [1, C, D]
            measured = exact_squared_distances(queries, points)
            measured.masked_fill_(excluded, torch.inf)
            rows = torch.cat([rows, candidates.expand(len(queries), -1)], dim=1)
            rows, squared = best_of(rows, torch.cat([squared, measured], dim=1), k)
        return rows, squared


class _Proposals:
    """The best blocks so far for a chunk of queries, by rounded distances with an error bound."""

    def __init__(self, index: TileIndex, query_rows: Tensor, k: int) -> None:
        self.index, self.k = index, k
        self.query_rows, self.groups = query_rows, index.groups[query_rows]
        self.queries = index._scaled(query_rows)
        # Products are most precise near the origin, so the mean of the chunk becomes the origin.
        self.center = self.queries.mean(dim=0)
        self.centered = self.queries - self.center
        self.norm = self.centered.square().sum(dim=1)  # [Q]
        self.block_rows = _BLOCK_ROWS if k <= _BLOCK_ROWS else 1
        shape = (len(query_rows), k + _SPARE_BLOCKS)
        self.value = self.norm.new_full(shape, torch.inf)  # rounded squared distance of a block
        self.block = query_rows.new_zeros(shape)
        self.error = torch.zeros_like(self.norm)  # [Q], error bound of all values so far

    def scan(self, tiles: Tensor) -> None:
        """Update the best blocks with the rows of some tiles."""
        index, blocks_per_tile = self.index, TILE_ROWS // self.block_rows
        for part in _parts(tiles, _TILES_AT_ONCE):
            points = index.points[part].flatten(0, 1) - self.center  # [C, D]
            norm = points.square().sum(dim=1)
            norm.masked_fill_(~index.is_row[part].flatten(), 0)
            farthest = norm.amax().sqrt()
            # The rounding error of centring, norms and product together is below (D + 8) * 2^-24.
            self.error = torch.maximum(
                self.error,
                (points.shape[1] + 8) * 2.0**-23 * (self.norm.sqrt() + farthest).square() + 1e-30,
            )
            value = torch.addmm(norm, self.centered, points.T, alpha=-2)  # [Q, C]
            groups = index.tile_groups[part].flatten()
            value.masked_fill_((groups == self.groups[:, None]) | (groups == _NO_GROUP), torch.inf)
            value = value.unflatten(1, (-1, self.block_rows)).amin(dim=2) + self.norm[:, None]
            block = torch.arange(blocks_per_tile, device=part.device) + part[:, None] * (
                blocks_per_tile
            )
            self.value, chosen = torch.cat([self.value, value], dim=1).topk(
                self.value.shape[1], largest=False
            )
            block = block.reshape(1, -1).expand(len(value), -1)
            self.block = torch.cat([self.block, block], dim=1).gather(1, chosen)

    def limit(self) -> Tensor:
        """Upper bound of the squared distance of the K-th neighbour of each query. ``[Q]``."""
        return self.value[:, self.k - 1] + self.error

    def decide(self) -> tuple[Tensor, Tensor, Tensor]:
        """Compute exact distances of the proposed blocks.

        Returns:
            Rows ``[Q, K]``, squared distances ``[Q, K]`` and whether they are certain ``[Q]``.
        """
        rows = self.index.rows.view(-1, self.block_rows)[self.block].flatten(1)  # [Q, C]
        known = rows.clamp(min=0)
        proposed = torch.isfinite(self.value).repeat_interleave(self.block_rows, dim=1)
        excluded = (rows < 0) | ~proposed | (self.index.groups[known] == self.groups[:, None])
        embeddings = self.index.embeddings
        squared = exact_squared_distances(embeddings[self.query_rows], embeddings[known])
        rows, squared = best_of(rows, squared.masked_fill_(excluded, torch.inf), self.k)
        # "<", not "<=": a row outside the blocks could tie and have a lower number.
        outside = (self.value[:, -1] - self.error).double()
        is_certain = squared[:, -1] * self.index.scale**2 < outside
        return rows, squared, is_certain | torch.isinf(self.value[:, -1])


def exact_squared_distances(queries: Tensor, candidates: Tensor) -> Tensor:
    """Squared distances as in the contract.

    Args:
        queries: ``[Q, D]`` float32.
        candidates: ``[Q, C, D]`` or ``[1, C, D]`` float32.

    Returns:
        ``[Q, C]`` float64.
    """
    total = torch.zeros(
        len(queries), candidates.shape[1], dtype=torch.float64, device=queries.device
    )
    for d in range(queries.shape[1]):
        difference = candidates[..., d].double() - queries[:, d, None].double()
        total += difference * difference
    return total


def best_of(rows: Tensor, squared: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Select the K nearest of candidates ``[Q, C]``, ties by row; -1 and inf if there are fewer."""
    missing = k - rows.shape[1]
    if missing > 0:
        rows = torch.nn.functional.pad(rows, (0, missing), value=-1)
        squared = torch.nn.functional.pad(squared, (0, missing), value=torch.inf)
    rows, by_row = rows.sort(dim=1)
    squared, by_distance = squared.gather(1, by_row).sort(dim=1, stable=True)
    rows, squared = rows.gather(1, by_distance)[:, :k], squared[:, :k]
    return torch.where(torch.isinf(squared), -1, rows), squared


def _parts(tiles: Tensor, size: int) -> Iterator[Tensor]:
    """Yield at most ``size`` tiles at a time (``Tensor.split`` of no tiles yields one part)."""
    return (tiles[start : start + size] for start in range(0, len(tiles), size))


def _below_one(queries: Tensor) -> float:
    """Factor that makes a rounded float32 value a valid lower bound."""
    return 1 - (queries.shape[1] + 8) * 2.0**-23
