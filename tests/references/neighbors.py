"""Slow reference of the neighbour search: every distance, one query at a time."""

import numpy as np


def nearest(embeddings, group_ids, rows, ranks):
    """Rows and distances at ``ranks`` (1 = nearest) among the rows of other groups; -1/inf none."""
    embeddings = np.asarray(embeddings, np.float32)
    index = np.full((len(rows), len(ranks)), -1)
    distance = np.full((len(rows), len(ranks)), np.inf, np.float32)
    is_finite = np.array([bool(np.isfinite(row).all()) for row in embeddings], bool)
    for j, query in enumerate(rows):
        if not is_finite[query]:
            continue
        squared = np.zeros(len(embeddings))
        with np.errstate(invalid="ignore"):
            for d in range(embeddings.shape[1]):
                difference = embeddings[:, d].astype(np.float64) - float(embeddings[query, d])
                squared = squared + difference * difference
        allowed = is_finite & (np.asarray(group_ids) != group_ids[query])
        order = np.argsort(squared, kind="stable")  # equal ones stay in the order of the rows
        order = order[allowed[order]]
        for r, rank in enumerate(ranks):
            if rank <= len(order):
                index[j, r] = order[rank - 1]
                distance[j, r] = np.float32(np.sqrt(squared[order[rank - 1]]))
    return index, distance
