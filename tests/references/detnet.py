"""DetNet's targets and losses written from the equations, cell by cell."""

import math


def heatmap_reference(point, width, height, sigma):
    """Gaussian about one point, [h][w]."""
    return [
        [
            math.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * sigma**2))
            for x in range(width)
        ]
        for y in range(height)
    ]


def heat_loss_reference(heatmaps, target, weight):
    """Mean over samples of the sum over keypoints of half the mean squared error."""
    total = 0.0
    for b in range(len(heatmaps)):
        for k in range(len(heatmaps[b])):
            cells = [
                (p - t) ** 2
                for pred_row, target_row in zip(heatmaps[b][k], target[b][k], strict=True)
                for p, t in zip(pred_row, target_row, strict=True)
            ]
            total += weight[b][k] * 0.5 * sum(cells) / len(cells)
    return total / len(heatmaps)


def masked_map_loss_reference(maps, target, mask, weight, over_batch):
    """Norm of mask * (map - target) divided by that of the mask; maps [B][K][3][h][w]."""
    squares, energies = [], []
    for b in range(len(maps)):
        square = energy = 0.0
        for k in range(len(maps[b])):
            for axis in range(3):
                for y in range(len(mask[b][k])):
                    for x in range(len(mask[b][k][y])):
                        error = mask[b][k][y][x] * (maps[b][k][axis][y][x] - target[b][k][axis])
                        square += weight[b][k] * error**2
            for row in mask[b][k]:
                energy += weight[b][k] * sum(value**2 for value in row)
        squares.append(square)
        energies.append(energy)
    count = sum(any(w > 0 for w in sample) for sample in weight)
    if over_batch:
        return math.sqrt(sum(squares)) / count
    norms = [math.sqrt(s / e) for s, e in zip(squares, energies, strict=True) if e > 0]
    return sum(norms) / count
