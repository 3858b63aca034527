"""The contrasts computed from the whole matrix of similarities, with gradients by autograd."""

import torch
from torch.nn.functional import normalize


def similarities(query, positive, temperature):
    """Similarities over the temperature ``[2N, 2N]``, row indices, and the row of each positive."""
    count = len(query)
    embedding = normalize(torch.cat([query, positive]), dim=1)
    row = torch.arange(2 * count)
    return embedding @ embedding.T / temperature, row, (row + count) % (2 * count)


def nt_xent(query, positive, temperature, w_pos=None, w_neg=None, denominator="w_neg", act_on=None):
    """Mean of Eq. 3; ``w_pos`` ``[N]``, ``w_neg`` ``[2N, 2N]``."""
    similarity, row, partner = similarities(query, positive, temperature)

    def weighted(values, weight):
        if weight is None:
            return values
        return values + weight.log() if act_on == "probability" else values * weight

    numerator = weighted(similarity[row, partner], None if w_pos is None else w_pos.repeat(2))
    logits = weighted(similarity, w_neg)
    if denominator == "w_pos":
        logits = logits.index_put((row, partner), numerator)
    left_out = torch.eye(len(row), dtype=torch.bool)
    if denominator == "decoupled":
        left_out[row, partner] = True
    return (logits.masked_fill(left_out, -torch.inf).logsumexp(1) - numerator).mean()


def soft_targets(query, positive, distance, temperature, sigma, alpha):
    """Mean cross-entropy against targets from distances ``[2N, 2N]``."""
    similarity, row, partner = similarities(query, positive, temperature)
    self_pair = torch.eye(len(row), dtype=torch.bool)
    logits = (-distance / (sigma * distance.mean())).masked_fill(self_pair, -torch.inf)
    target = alpha * logits.softmax(1)
    target[row, partner] += 1 - alpha
    log_probability = similarity.masked_fill(self_pair, -torch.inf).log_softmax(1)
    return -(target * log_probability.masked_fill(self_pair, 0.0)).sum(1).mean()
