"""SynthHands, the questions: which runs answer which table of the paper.

A cell is a pre-training (or none) on a pool, fine-tuned on so many labelled stills.
"""

from dataclasses import dataclass

# Videos of 24 frames; MediaPipe finds about 28 hands a video. All pools share seed and generator,
# so a smaller one is the beginning of a larger one.
POOLS = {"2k": 80, "10k": 420, "50k": 1770, "100k": 3540}
NUM_FRAMES, NUM_TRAIN, NUM_TEST = 24, 3000, 1000
LABELED = "10k"  # the pool whose folder holds the labelled stills, which all pools share
RANKS = (1, 2, 5, 10, 50, 100, 500, 1000)
# About as many steps on a smaller pool as 6 epochs are on 10k.
_STEPS = {"2k": ("train_cfg.max_epochs=32", "param_scheduler.1.T_max=31")}


@dataclass(frozen=True)
class Pretraining:
    """How a backbone is pre-trained.

    Attributes:
        name: Of the run.
        algorithm: Folder of its config; None to start from random weights.
        options: What differs from the config.
        pool: One of ``POOLS``.
    """

    name: str
    algorithm: str | None = None
    options: tuple[str, ...] = ()
    pool: str = "10k"


@dataclass(frozen=True)
class Cell:
    """One row of a table.

    Attributes:
        label: What the row is called.
        pretraining: Where its backbone comes from.
        num_labels: Labelled stills it is fine-tuned on, the first ones of the training set.
        weak: Whether as many hands of the pool, with the 2D keypoints found there, join the labels.
        rate: Learning rate of fine-tuning to try, judged on the last training stills instead of the
            test set; the config's otherwise.
        epochs: Of fine-tuning.
    """

    label: str
    pretraining: Pretraining
    num_labels: int = 300
    weak: bool = False
    rate: str | None = None
    epochs: int = 30

    @property
    def run_name(self) -> str:
        """Name of the fine-tuned model, without its seed."""
        parts = [self.pretraining.name, f"{self.num_labels}labels"]
        parts += ["weak"] * self.weak
        parts += [f"lr{self.rate}"] * bool(self.rate)
        parts += [f"{self.epochs}e"] * (self.epochs != Cell.epochs)
        return "-".join(parts)


@dataclass(frozen=True)
class Question:
    """A table.

    Attributes:
        name: Short name.
        title: The question.
        paper: The table of the paper that asks it.
        cells: The rows.
    """

    name: str
    title: str
    paper: str
    cells: tuple[Cell, ...]


def _weighting(value: str) -> str:
    return f"model.head.loss.weighting={value}"


def _centred(value: bool) -> str:
    """Whether a BatchNorm ends the projector, as it does in SiMHand's config for small runs."""
    return f"model.neck.with_last_bn={value}"


SCRATCH = Pretraining("scratch")
SIMCLR = Pretraining("simclr", "simclr")
PECLR = Pretraining("peclr", "peclr")
TEMPCLR = Pretraining("tempclr", "tempclr")
SIMHAND = Pretraining("simhand", "simhand")
RELEASED = Pretraining("simhand-released", "simhand", (_centred(False),))
NO_WEIGHT = Pretraining("simhand-noweight", "simhand", (_weighting("none"), _centred(False)))


def _simhand(suffix: str, *options: str) -> Pretraining:
    return Pretraining(f"simhand-{suffix}", "simhand", options)


def _variant(suffix: str, *options: str) -> Pretraining:
    """SiMHand without weights, otherwise."""
    return _simhand(f"noweight-{suffix}", *NO_WEIGHT.options, *options)


def _on_pool(full: Pretraining, pool: str) -> Pretraining:
    """The same with another pool, for about as many steps."""
    if pool == full.pool:
        return full
    options = (*full.options, *_STEPS[pool])
    return Pretraining(f"{full.name}-{pool}", full.algorithm, options, pool)


QUESTIONS = (
    Question(
        "methods",
        "Does pre-training help, and which?",
        "Tables 1 and 5",
        (
            Cell("scratch", SCRATCH),
            Cell("SimCLR", SIMCLR),
            Cell("PeCLR", PECLR),
            Cell("TempCLR", TEMPCLR),
            Cell("SiMHand, no weights", NO_WEIGHT),
            Cell("SiMHand", SIMHAND),
        ),
    ),
    Question(
        "labels",
        "With how many labels?",
        "Figure 4",
        tuple(
            Cell(f"{label}, {num_labels} labels", pretraining, num_labels)
            for num_labels in (100, 300, 1000)
            for label, pretraining in (
                ("scratch", SCRATCH),
                ("SimCLR", SIMCLR),
                ("PeCLR", PECLR),
                ("SiMHand, no weights", NO_WEIGHT),
            )
        ),
    ),
    Question(
        "weights",
        "Which pairs are worth weighting?",
        "Table 3",
        (
            Cell("none", NO_WEIGHT),
            Cell("both", RELEASED),
            Cell("none, centred", _simhand("none", _weighting("none"))),
            Cell("positive, centred", _simhand("positive", _weighting("positive"))),
            Cell("negative, centred", _simhand("negative", _weighting("negative"))),
            Cell("both, centred", SIMHAND),
            Cell("SimCLR, none", SIMCLR),
            Cell("SimCLR, both", Pretraining("simclr-both", "simclr", (_weighting("both"),))),
            Cell("PeCLR, none", PECLR),
            Cell("PeCLR, both", Pretraining("peclr-both", "peclr", (_weighting("both"),))),
        ),
    ),
    Question(
        "ranks",
        "How similar must a positive be?",
        "Table 4",
        (
            Cell("Top-1", NO_WEIGHT),
            *(
                Cell(f"Top-{rank}", _variant(f"top{rank}", f"train_dataloader.dataset.rank={rank}"))
                for rank in (10, 100, 1000)
            ),
        ),
    ),
    Question(
        "pool",
        "How much video?",
        "Table 2",
        tuple(
            Cell(f"{label}, {pool} hands", _on_pool(full, pool))
            for pool in ("2k", "10k")
            for label, full in (
                ("SimCLR", SIMCLR),
                ("PeCLR", PECLR),
                ("SiMHand, no weights", NO_WEIGHT),
            )
        ),
    ),
    Question(
        "weak",
        "Or train on estimated keypoints instead?",
        "Table 6",
        (
            Cell("scratch", SCRATCH),
            Cell("scratch, as many steps as the next", SCRATCH, epochs=60),
            Cell("scratch, weakly supervised too", SCRATCH, weak=True),
            Cell("SiMHand, no weights", NO_WEIGHT),
        ),
    ),
    Question(
        "budget",
        "Does longer fine-tuning make up for it?",
        "not in the paper",
        tuple(
            Cell(f"{label}, {epochs} epochs", pretraining, epochs=epochs)
            for epochs in (30, 60, 120)
            for label, pretraining in (("scratch", SCRATCH), ("SiMHand, no weights", NO_WEIGHT))
        ),
    ),
    Question(
        "choices",
        "What do the choices inside it matter?",
        "not in the paper",
        (
            Cell("SiMHand, no weights", NO_WEIGHT),
            Cell(
                "positives by true 3D pose",
                _variant("true-pose", "train_dataloader.dataset.pairs=true-pose"),
            ),
            Cell(
                "positives from the same video too",
                _variant("any-video", "train_dataloader.dataset.pairs=any-video"),
            ),
            Cell("decoupled loss", _variant("decoupled", "model.head.loss.denominator=decoupled")),
            Cell(
                "translation as released",
                _variant("translation", "model.data_preprocessor.translation_divisor=released"),
            ),
        ),
    ),
    Question(
        "rates",
        "Is fine-tuning tuned for scratch?",
        "on training stills",
        tuple(
            Cell(f"{label}, {rate}", pretraining, rate=rate)
            for label, pretraining in (("scratch", SCRATCH), ("SiMHand, no weights", NO_WEIGHT))
            for rate in ("1e-3", "2e-3", "4e-3", "8e-3")
        ),
    ),
)
