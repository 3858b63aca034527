"""SynthHands: the paper's questions, asked again on hands that anyone can draw.

A row is a pre-training (or none) on a pool, fine-tuned on a number of labelled stills.
docs/synthhands.md has the results and what they mean.
"""

from dataclasses import dataclass, replace

from simhand_mm.experiments import (
    SCRATCH,
    Data,
    Finetuning,
    Plan,
    Pretraining,
    Question,
    Row,
    Step,
)

_CONFIG = "configs/{0}/{0}_resnet18_1xb128-coslr-6e_synthetic-64px.py"
_DETNET = "configs/detnet/detnet_resnet18_{}1xb16-{}30e_synthetic-64px.py"


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes:
        name: Name of the plan of this size.
        videos: Videos of each pool. MediaPipe finds about 28 hands in 24 frames. All pools share
            seed and generator, so a smaller one is the beginning of a larger one.
        num_frames: Frames of a video.
        stills: Labelled stills for training and for testing.
        ranks: Neighbour ranks that are mined.
        labels_divisor: Divides the numbers of labels.
        pretraining: Options of every pre-training.
        finetuning: Options of every fine-tuning.
        checkpoint: Checkpoint of a fine-tuning that is tested.
    """

    name: str
    videos: dict[str, int]
    num_frames: int
    stills: tuple[int, int]
    ranks: tuple[int, ...]
    labels_divisor: int = 1
    pretraining: tuple[str, ...] = ()
    finetuning: tuple[str, ...] = ()
    checkpoint: str = "epoch_30.pth"


FULL = Size(
    "synthhands",
    videos={"2k": 80, "10k": 420, "50k": 1770, "100k": 3540},
    num_frames=24,
    stills=(3000, 1000),
    ranks=(1, 2, 5, 10, 50, 100, 500, 1000),
)
NEXT_TO_NOTHING = Size(
    "synthhands-tiny",
    videos={"2k": 6, "10k": 8, "50k": 8, "100k": 8},
    num_frames=8,
    stills=(60, 16),
    ranks=(1, 2, 5),
    labels_divisor=12,
    pretraining=(
        "train_cfg.max_epochs=2",
        "param_scheduler.1.T_max=1",
        "train_dataloader.batch_size=16",
    ),
    finetuning=("train_cfg.max_epochs=1", "train_dataloader.batch_size=8"),
    checkpoint="epoch_1.pth",
)
_W_POS, _W_NEG = "model.head.loss.w_pos", "model.head.loss.w_neg"
# From SiMHand's config, which weights both sides, and from configs that weight neither.
_LEAVE = {
    "none": (f"{_W_POS}=None", f"{_W_NEG}=None"),
    "positive": (f"{_W_NEG}=None",),
    "negative": (f"{_W_POS}=None",),
}
_WEIGHTED = (f"{_W_POS}.type=linear", f"{_W_NEG}.type=linear")
# About as many steps on a smaller pool as 6 epochs are on 10k.
_STEPS = {"2k": ("train_cfg.max_epochs=32", "param_scheduler.1.T_max=31")}


def pool_data(size: Size, pool: str) -> Data:
    """Draw the videos of a pool, find hands, and mine pairs by all rules that are compared."""
    videos, hands = f"{{data}}/{pool}/synthetic", f"{{data}}/{pool}/pool"
    draw = f"--videos {size.videos[pool]} --frames {size.num_frames} --seed 0 --workers 2"
    commands = {
        "synthesize": f"simhand synthesize {videos} --stills-train 0 --stills-test 0 {draw}",
        "prepare": f"simhand prepare {videos}/videos {hands} --fps 10 --workers 2",
        "mine": f"simhand mine {hands} --ranks {','.join(map(str, size.ranks))}",
        "mine-temporal": f"simhand mine {hands} --rule temporal",
        "mine-any-video": f"simhand mine {hands} --name any-video --group-by hand_id",
        "mine-true-pose": f"python {{plan}}/ideal_pairs.py {hands} {videos}",
        "check": f"simhand check-pairs {hands} {videos} --out {{work}}/data/{pool}/report.json",
    }
    return Data(pool, tuple(Step(name, command) for name, command in commands.items()))


def stills_data(size: Size) -> Data:
    """Draw the labelled stills, which all rows share."""
    train, test = size.stills
    command = (
        f"simhand synthesize {{data}}/synthetic --videos 0 --stills-train {train} "
        f"--stills-test {test} --seed 0 --workers 2"
    )
    return Data("stills", (Step("synthesize", command),))


def pretraining(
    name: str, algorithm: str, *options: str, size: Size = FULL, pool: str = "10k"
) -> Pretraining:
    """Pre-train with the small recipe of an algorithm; a name ends with its pool if not 10k.

    Args:
        name: Name of the run.
        algorithm: Folder of its config.
        options: Differences from the config.
        size: How much of everything.
        pool: Name of the pool.
    """
    options += (f"train_dataloader.dataset.pool={pool}/pool", *size.pretraining)
    if pool != "10k":
        name, options = f"{name}-{pool}", (*options, *_STEPS[pool] * (size is FULL))
    return Pretraining(name, _CONFIG.format(algorithm), options, data=(pool,))


def finetuning(size: Size, num_labels: int = 300) -> Finetuning:
    """Fine-tune on the first labelled stills."""
    subset = f"train_dataloader.dataset.subset_size={num_labels // size.labels_divisor}"
    return Finetuning(
        f"{num_labels}labels",
        _DETNET.format("", ""),
        _DETNET.format("synthetic-pre_", ""),
        (subset, *size.finetuning),
        data=("stills",),
        checkpoint=size.checkpoint,
    )


def weak_finetuning(size: Size) -> Finetuning:
    """As many hands of the pool, with the 2D keypoints found there, join the labels."""
    num_labels, dataset = 300 // size.labels_divisor, "train_dataloader.dataset.datasets"
    options = (
        f"{dataset}.0.subset_size={num_labels}",
        f"{dataset}.1.indices={num_labels}",
        f"{dataset}.1.pool=10k/pool",
        *size.finetuning,
    )
    config = _DETNET.format("", "weak-")
    return Finetuning(
        "300labels-weak", config, config, options, (), ("stills", "10k"), size.checkpoint
    )


def long_finetuning(size: Size, epochs: int) -> Finetuning:
    """Fine-tune on 300 labels for more epochs than the config says."""
    base = finetuning(size)
    if epochs == 30 or size is not FULL:
        return base if epochs == 30 else replace(base, name=f"{base.name}-{epochs}e")
    options = (f"train_cfg.max_epochs={epochs}", f"param_scheduler.1.T_max={epochs}")
    return replace(
        base,
        name=f"{base.name}-{epochs}e",
        options=(*base.options, *options),
        checkpoint=f"epoch_{epochs}.pth",
    )


def rate_finetuning(size: Size, rate: str) -> Finetuning:
    """Try a learning rate, judged on the last training stills, which no fine-tuning sees."""
    base, held_out = finetuning(size), size.stills[0] // 3
    dataset = "test_dataloader.dataset"
    return replace(
        base,
        name=f"{base.name}-lr{rate}",
        options=(*base.options, f"optim_wrapper.optimizer.lr={rate}"),
        test_options=(f"{dataset}.ann_file=poses/train.parquet", f"{dataset}.indices=-{held_out}"),
    )


def make_plan(size: Size) -> Plan:
    """The plan of a size."""
    rank = "train_dataloader.dataset.rank={}"
    # Whether a BatchNorm ends the projector, as it does in SiMHand's config for small runs.
    not_centred = "model.neck.with_last_bn=False"

    def pretrain(name: str, algorithm: str, *options: str, pool: str = "10k") -> Pretraining:
        return pretraining(name, algorithm, *options, size=size, pool=pool)

    def unweighted(suffix: str = "", *options: str, pool: str = "10k") -> Pretraining:
        name = f"simhand-noweight{suffix}"
        return pretrain(name, "simhand", *_LEAVE["none"], not_centred, *options, pool=pool)

    simclr, peclr = pretrain("simclr", "simclr"), pretrain("peclr", "peclr")
    tempclr, simhand = pretrain("tempclr", "tempclr"), pretrain("simhand", "simhand")
    methods = {
        "scratch": SCRATCH,
        "SimCLR": simclr,
        "PeCLR": peclr,
        "SiMHand, no weights": unweighted(),
    }
    few = finetuning(size)
    questions = (
        Question(
            "methods",
            "Does pre-training help, and which?",
            "Tables 1 and 5",
            (
                Row("scratch", SCRATCH, few),
                Row("SimCLR", simclr, few),
                Row("PeCLR", peclr, few),
                Row("TempCLR", tempclr, few),
                Row("SiMHand, no weights", unweighted(), few),
                Row("SiMHand", simhand, few),
            ),
        ),
        Question(
            "labels",
            "With how many labels?",
            "Figure 4",
            tuple(
                Row(f"{label}, {num_labels} labels", method, finetuning(size, num_labels))
                for num_labels in (100, 300, 1000)
                for label, method in methods.items()
            ),
        ),
        Question(
            "weights",
            "Which pairs are worth weighting?",
            "Table 3",
            (
                Row("none", unweighted(), few),
                Row("both", pretrain("simhand-released", "simhand", not_centred), few),
                Row("none, centred", pretrain("simhand-none", "simhand", *_LEAVE["none"]), few),
                *(
                    Row(
                        f"{kind}, centred",
                        pretrain(f"simhand-{kind}", "simhand", *_LEAVE[kind]),
                        few,
                    )
                    for kind in ("positive", "negative")
                ),
                Row("both, centred", simhand, few),
                Row("SimCLR, none", simclr, few),
                Row("SimCLR, both", pretrain("simclr-both", "simclr", *_WEIGHTED), few),
                Row("PeCLR, none", peclr, few),
                Row("PeCLR, both", pretrain("peclr-both", "peclr", *_WEIGHTED), few),
            ),
        ),
        Question(
            "ranks",
            "How similar must a positive be?",
            "Table 4",
            (
                Row("Top-1", unweighted(), few),
                *(
                    Row(
                        f"Top-{k}",
                        unweighted(f"-top{k}", rank.format(min(k, max(size.ranks)))),
                        few,
                    )
                    for k in (10, 100, 1000)
                ),
            ),
        ),
        Question(
            "pool",
            "How much video?",
            "Table 2",
            tuple(
                Row(f"{label}, {pool} hands", method, few)
                for pool in ("2k", "10k")
                for label, method in (
                    ("SimCLR", pretrain("simclr", "simclr", pool=pool)),
                    ("PeCLR", pretrain("peclr", "peclr", pool=pool)),
                    ("SiMHand, no weights", unweighted(pool=pool)),
                )
            ),
        ),
        Question(
            "weak",
            "Or train on estimated keypoints instead?",
            "Table 6",
            (
                Row("scratch", SCRATCH, few),
                Row("scratch, as many steps as the next", SCRATCH, long_finetuning(size, 60)),
                Row("scratch, weakly supervised too", SCRATCH, weak_finetuning(size)),
                Row("SiMHand, no weights", unweighted(), few),
            ),
        ),
        Question(
            "budget",
            "Does longer fine-tuning make up for it?",
            "not in the paper",
            tuple(
                Row(f"{label}, {epochs} epochs", method, long_finetuning(size, epochs))
                for epochs in (30, 60, 120)
                for label, method in (("scratch", SCRATCH), ("SiMHand, no weights", unweighted()))
            ),
        ),
        Question(
            "choices",
            "How much do the other choices matter?",
            "not in the paper",
            (
                Row("SiMHand, no weights", unweighted(), few),
                *(
                    Row(label, unweighted(f"-{name}", option), few)
                    for label, name, option in (
                        (
                            "positives by true 3D pose",
                            "true-pose",
                            "train_dataloader.dataset.pairs=true-pose",
                        ),
                        (
                            "positives from the same video too",
                            "any-video",
                            "train_dataloader.dataset.pairs=any-video",
                        ),
                        (
                            "decoupled loss",
                            "decoupled",
                            "model.head.loss.denominator=decoupled",
                        ),
                        (
                            "translation as released",
                            "translation",
                            "model.data_preprocessor.translation_divisor=released",
                        ),
                    )
                ),
            ),
        ),
        Question(
            "rates",
            "Is fine-tuning tuned for scratch?",
            "on training stills",
            tuple(
                Row(f"{label}, {rate}", method, rate_finetuning(size, rate))
                for label, method in (("scratch", SCRATCH), ("SiMHand, no weights", unweighted()))
                for rate in ("1e-3", "2e-3", "4e-3", "8e-3")
            ),
        ),
    )
    data = (stills_data(size), *(pool_data(size, pool) for pool in size.videos))
    return Plan(size.name, f"data/{size.name}", data, questions)


PLAN = make_plan(FULL)
TINY = make_plan(NEXT_TO_NOTHING)
