"""PA-MPJPE of a set of hands by SciPy, with and without reflection."""

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation


def pa_mpjpe(pred, target, may_reflect):
    """Mean distance, ``[N, 21, 3]`` each, after the best similarity transform of each hand."""
    errors = []
    for hand, truth in zip(np.asarray(pred, float), np.asarray(target, float), strict=True):
        p, t = hand - hand.mean(0), truth - truth.mean(0)
        if may_reflect:
            turned = p @ orthogonal_procrustes(p, t)[0]
        else:
            turned = Rotation.align_vectors(t, p)[0].apply(p)
        scale = (turned * t).sum() / (p * p).sum()
        errors.append(np.linalg.norm(scale * turned - t, axis=-1))
    return float(np.mean(errors))
