"""The questions of the paper, with three methods of ours in addition."""

from simhand_mm.experiments import SCRATCH, Question, Row

from .finetunings import finetuning, long_finetuning, weak_finetuning
from .methods import EPOCHS, LEAVE, NOT_CENTRED, WEIGHTED, Runs, with_epochs

# Epochs on each pool that are compared: 6, and those that give about as many steps as 6 on the next
# larger pool.
_POOL_EPOCHS = {"2k": (6, 32), "10k": (6, 24), "50k": (6,)}


def methods_question(runs: Runs) -> Question:
    """All methods of the paper, and three others that learn from the keypoints."""
    methods = {
        "scratch": SCRATCH,
        "SimCLR": runs.simclr,
        "PeCLR": runs.peclr,
        "TempCLR": runs.tempclr,
        "SiMHand, no weights": runs.unweighted,
        "SiMHand": runs.simhand,
        "pose-aware": runs.methods()["pose-aware"],
        "keypoint regression": runs.methods()["keypoint regression"],
        "keypoint heatmaps": runs.methods()["keypoint heatmaps"],
    }
    rows = tuple(Row(label, method, runs.few) for label, method in methods.items())
    return Question("methods", "Does pre-training help, and which?", "Tables 1 and 5", rows)


def labels_question(runs: Runs) -> Question:
    """Numbers of labels."""
    methods = {"scratch": SCRATCH, **runs.methods()}
    rows = tuple(
        Row(f"{label}, {num_labels} labels", method, finetuning(runs.size, num_labels))
        for num_labels in (100, 300, 1000)
        for label, method in methods.items()
    )
    return Question("labels", "With how many labels?", "Figure 4", rows)


def weights_question(runs: Runs) -> Question:
    """Weights of positives and negatives."""
    methods = {
        "none": runs.unweighted,
        "both": runs.pretrain("simhand-released", "simhand", NOT_CENTRED),
        "none, centred": runs.pretrain("simhand-none", "simhand", *LEAVE["none"]),
        "positive, centred": runs.pretrain("simhand-positive", "simhand", *LEAVE["positive"]),
        "negative, centred": runs.pretrain("simhand-negative", "simhand", *LEAVE["negative"]),
        "both, centred": runs.simhand,
        "SimCLR, none": runs.simclr,
        "SimCLR, both": runs.pretrain("simclr-both", "simclr", *WEIGHTED),
        "PeCLR, none": runs.peclr,
        "PeCLR, both": runs.pretrain("peclr-both", "peclr", *WEIGHTED),
    }
    rows = tuple(Row(label, method, runs.few) for label, method in methods.items())
    return Question("weights", "Which pairs are worth weighting?", "Table 3", rows)


def ranks_question(runs: Runs) -> Question:
    """Neighbour ranks of the positive."""
    methods = {1: runs.unweighted}
    for rank in (10, 100, 1000):
        methods[rank] = runs.pretrain_unweighted(f"-top{rank}", runs.rank(rank))
    rows = tuple(Row(f"Top-{rank}", method, runs.few) for rank, method in methods.items())
    return Question("ranks", "How similar must a positive be?", "Table 4", rows)


def pool_question(runs: Runs) -> Question:
    """Sizes of the pool, with about the same number of steps and with the same number of epochs."""
    names = ("SimCLR", "PeCLR", "SiMHand, no weights", "pose-aware", "keypoint regression")
    methods = {pool: {name: runs.methods(pool)[name] for name in names} for pool in _POOL_EPOCHS}
    rows = []
    for pool, all_epochs in _POOL_EPOCHS.items():
        for epochs in all_epochs:
            for label, method in methods[pool].items():
                default = epochs == EPOCHS.get(pool, 6)
                run = method if default else with_epochs(method, epochs, runs.size)
                rows.append(Row(f"{label}, {pool} hands, {epochs} epochs", run, runs.few))
    return Question("pool", "How much video?", "Table 2", tuple(rows))


def weak_question(runs: Runs) -> Question:
    """Estimated keypoints as labels."""
    longer = long_finetuning(runs.size, 60)
    rows = (
        Row("scratch", SCRATCH, runs.few),
        Row("scratch, as many steps as the next", SCRATCH, longer),
        Row("scratch, weakly supervised too", SCRATCH, weak_finetuning(runs.size)),
        Row("SiMHand, no weights", runs.unweighted, runs.few),
    )
    return Question("weak", "Or train on estimated keypoints instead?", "Table 6", rows)
