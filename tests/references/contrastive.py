"""Eq. 2 and 3 of SiMHand and the inverse augmentation, in loops over Python floats."""

import math

import numpy as np


def keypoint_distance(a, b, metric="mean_joint"):
    """Distance of two hands ``[K, C]``."""
    squares = [
        sum((float(p) - float(q)) ** 2 for p, q in zip(u, v, strict=True))
        for u, v in zip(a, b, strict=True)
    ]
    if metric == "mean_joint":
        return sum(math.sqrt(square) for square in squares) / len(squares)
    return math.sqrt(sum(squares))


def linear_weight(distance, low, high):
    """Eq. 2 for one pair."""
    return 1.0 if high <= low else (high - distance) / (high - low)


def pair_weights(query, positive, metric="mean_joint", positive_range="positives"):
    """Positive weights ``[N]`` and negative weights ``[2N, 2N]``."""
    hands = list(query) + list(positive)
    table = [[keypoint_distance(a, b, metric) for b in hands] for a in hands]
    everything = [distance for row in table for distance in row]
    own = [keypoint_distance(a, b, metric) for a, b in zip(query, positive, strict=True)]
    over = own if positive_range == "positives" else everything
    positive_weight = [linear_weight(d, min(over), max(over)) for d in own]
    negative_weight = [
        [linear_weight(d, min(everything), max(everything)) for d in row] for row in table
    ]
    return np.array(positive_weight), np.array(negative_weight)


def cosine(a, b):
    """Cosine similarity of two vectors."""
    dot = sum(float(p) * float(q) for p, q in zip(a, b, strict=True))
    norms = [math.sqrt(sum(float(p) ** 2 for p in v)) for v in (a, b)]
    return dot / (norms[0] * norms[1])


def nt_xent(
    query,
    positive,
    temperature=0.5,
    positive_weight=None,
    negative_weight=None,
    denominator="w_neg",
    act_on="similarity",
):
    """Eq. 3, averaged over the 2N rows; weights multiply similarities or probabilities."""

    def weighted(weight, similarity):
        if act_on == "probability":
            return weight * math.exp(similarity / temperature)
        return math.exp(weight * similarity / temperature)

    count = len(query)
    rows = list(query) + list(positive)
    losses = []
    for i in range(2 * count):
        partner = (i + count) % (2 * count)
        w_pos = 1.0 if positive_weight is None else float(positive_weight[i % count])
        numerator = weighted(w_pos, cosine(rows[i], rows[partner]))
        total = 0.0
        for k in range(2 * count):
            if k == i or (k == partner and denominator == "decoupled"):
                continue
            weight = 1.0 if negative_weight is None else float(negative_weight[i][k])
            if k == partner and denominator == "w_pos":
                weight = w_pos
            total += weighted(weight, cosine(rows[i], rows[k]))
        losses.append(-math.log(numerator / total))
    return sum(losses) / len(losses)


def soft_target_loss(query, positive, distance, temperature, sigma, alpha):
    """Cross-entropy against targets from distances ``[2N, 2N]``, averaged over the 2N rows."""
    rows = list(query) + list(positive)
    count = len(rows)
    mean = sum(float(d) for line in distance for d in line) / count**2
    losses = []
    for i in range(count):
        partner = (i + count // 2) % count
        others = [k for k in range(count) if k != i]
        kernel = {k: math.exp(-float(distance[i][k]) / (sigma * mean)) for k in others}
        found = {k: math.exp(cosine(rows[i], rows[k]) / temperature) for k in others}
        loss = 0.0
        for k in others:
            target = alpha * kernel[k] / sum(kernel.values()) + (1 - alpha) * (k == partner)
            loss -= target * math.log(found[k] / sum(found.values()))
        losses.append(loss)
    return sum(losses) / count


def normalized_pose(hand):
    """One hand ``[K, C]``, centred, with a root mean square distance of 1 from the centre."""
    points = [[float(value) for value in point] for point in hand]
    center = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    moved = [[value - c for value, c in zip(point, center, strict=True)] for point in points]
    size = math.sqrt(sum(value**2 for point in moved for value in point) / len(points))
    return np.array([[value / size for value in point] for point in moved])


def invert_augmentation(projection, rotation_deg, translation):
    """One projection ``[2P]``: translate, then rotate about the mean by minus the angle of cv2."""
    vector = np.asarray(projection, np.float64)
    points = (vector / np.linalg.norm(vector)).reshape(-1, 2)
    moved = []
    extent = [max(points[:, axis]) - min(points[:, axis]) for axis in (0, 1)]
    for x, y in points:
        moved.append((x - translation[0] * extent[0], y - translation[1] * extent[1]))
    center_x = sum(x for x, _ in moved) / len(moved)
    center_y = sum(y for _, y in moved) / len(moved)
    alpha = math.cos(math.radians(-rotation_deg))
    beta = math.sin(math.radians(-rotation_deg))
    turned = []
    for x, y in moved:
        dx, dy = x - center_x, y - center_y
        turned += [alpha * dx + beta * dy + center_x, -beta * dx + alpha * dy + center_y]
    turned = np.array(turned)
    return turned / np.linalg.norm(turned)
