"""SynthHands: the questions of the paper on synthetic hands that anyone can render.

A row is a pre-training (or none) on a pool, fine-tuned on a number of labelled stills. The results
and their discussion are in docs/synthhands.md.
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

_CONFIG = "configs/{0}/{0}_resnet18_1xb128-{1}coslr-6e_synthetic-64px.py"
_DETNET = "configs/detnet/detnet_resnet18_{}1xb16-{}30e_synthetic-64px.py"


@dataclass(frozen=True)
class Size:
    """Size of the plan.

    Attributes:
        name: Name of the plan of this size.
        videos: Number of videos of each pool. MediaPipe finds about 28 hands in 24 frames. All
            pools use the same seed, so a smaller pool is the first part of a larger one.
        num_frames: Number of frames per video.
        stills: Number of labelled stills for training and for testing.
        ranks: Neighbour ranks that are mined.
        labels_divisor: Divisor of the numbers of labels.
        pretraining: Options of all pre-training runs.
        finetuning: Options of all fine-tuning runs.
        checkpoint: Checkpoint of fine-tuning that is tested.
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
TINY_SIZE = Size(
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
# Options relative to the config of SiMHand (both weights), and to configs without weights.
_LEAVE = {
    "none": (f"{_W_POS}=None", f"{_W_NEG}=None"),
    "positive": (f"{_W_NEG}=None",),
    "negative": (f"{_W_POS}=None",),
}
_WEIGHTED = (f"{_W_POS}.type=linear", f"{_W_NEG}.type=linear")
# Without the final BatchNorm of the projector in the config of SiMHand for small runs.
_NOT_CENTRED = "model.neck.with_last_bn=False"
# About as many steps on a smaller pool as in 6 epochs on 10k.
_STEPS = {"2k": ("train_cfg.max_epochs=32", "param_scheduler.1.T_max=31")}


def pool_data(size: Size, pool: str) -> Data:
    """Return the steps that render videos, prepare a pool and mine pairs by all compared rules."""
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
    """Return the step that renders the labelled stills, which all rows share."""
    train, test = size.stills
    command = (
        f"simhand synthesize {{data}}/synthetic --videos 0 --stills-train {train} "
        f"--stills-test {test} --seed 0 --workers 2"
    )
    return Data("stills", (Step("synthesize", command),))


def pretraining(
    name: str, algorithm: str, *options: str, size: Size, pool: str = "10k", token: str = ""
) -> Pretraining:
    """Return the pre-training with the small recipe of an algorithm.

    The pool is added to the name unless it is 10k.

    Args:
        name: Name of the run.
        algorithm: Folder of its config.
        options: Changes to the config.
        size: Size of the plan.
        pool: Name of the pool.
        token: Token of an ablation in the name of the config.
    """
    options += (f"train_dataloader.dataset.pool={pool}/pool", *size.pretraining)
    if pool != "10k":
        name, options = f"{name}-{pool}", (*options, *_STEPS[pool] * (size is FULL))
    return Pretraining(name, _CONFIG.format(algorithm, token), options, data=(pool,))


def finetuning(size: Size, num_labels: int = 300) -> Finetuning:
    """Return the fine-tuning on the first ``num_labels`` stills."""
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
    """Return the fine-tuning on labels and equally many hands of the pool with 2D estimates."""
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
    """Return the fine-tuning on 300 labels for a given number of epochs."""
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
    """Return the fine-tuning with a learning rate, tested on training stills that no run uses."""
    base, held_out = finetuning(size), size.stills[0] // 3
    dataset = "test_dataloader.dataset"
    return replace(
        base,
        name=f"{base.name}-lr{rate}",
        options=(*base.options, f"optim_wrapper.optimizer.lr={rate}"),
        test_options=(f"{dataset}.ann_file=poses/train.parquet", f"{dataset}.indices=-{held_out}"),
    )


class Runs:
    """Pre-training and fine-tuning runs of one size, with short names."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.few = finetuning(size)
        self.simclr = self.pretrain("simclr", "simclr")
        self.peclr = self.pretrain("peclr", "peclr")
        self.tempclr = self.pretrain("tempclr", "tempclr")
        self.simhand = self.pretrain("simhand", "simhand")
        self.unweighted = self.pretrain_unweighted()

    def pretrain(
        self, name: str, algorithm: str, *options: str, pool: str = "10k", token: str = ""
    ) -> Pretraining:
        """Return a pre-training, see :func:`pretraining`."""
        return pretraining(name, algorithm, *options, size=self.size, pool=pool, token=token)

    def pretrain_unweighted(
        self, suffix: str = "", *options: str, pool: str = "10k"
    ) -> Pretraining:
        """Return the pre-training of SiMHand without weights, with additional options."""
        options = (*_LEAVE["none"], _NOT_CENTRED, *options)
        return self.pretrain(f"simhand-noweight{suffix}", "simhand", *options, pool=pool)

    def rank(self, rank: int) -> str:
        """Return the option for a neighbour rank, at most the last mined one."""
        return f"train_dataloader.dataset.rank={min(rank, max(self.size.ranks))}"


def methods_question(runs: Runs) -> Question:
    """All methods of the paper."""
    methods = {
        "scratch": SCRATCH,
        "SimCLR": runs.simclr,
        "PeCLR": runs.peclr,
        "TempCLR": runs.tempclr,
        "SiMHand, no weights": runs.unweighted,
        "SiMHand": runs.simhand,
    }
    rows = tuple(Row(label, method, runs.few) for label, method in methods.items())
    return Question("methods", "Does pre-training help, and which?", "Tables 1 and 5", rows)


def labels_question(runs: Runs) -> Question:
    """Numbers of labels."""
    methods = {
        "scratch": SCRATCH,
        "SimCLR": runs.simclr,
        "PeCLR": runs.peclr,
        "SiMHand, no weights": runs.unweighted,
        "pose-aware": runs.pretrain("poseaware", "poseaware"),
        "keypoint regression": runs.pretrain("regression", "regression"),
    }
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
        "both": runs.pretrain("simhand-released", "simhand", _NOT_CENTRED),
        "none, centred": runs.pretrain("simhand-none", "simhand", *_LEAVE["none"]),
        "positive, centred": runs.pretrain("simhand-positive", "simhand", *_LEAVE["positive"]),
        "negative, centred": runs.pretrain("simhand-negative", "simhand", *_LEAVE["negative"]),
        "both, centred": runs.simhand,
        "SimCLR, none": runs.simclr,
        "SimCLR, both": runs.pretrain("simclr-both", "simclr", *_WEIGHTED),
        "PeCLR, none": runs.peclr,
        "PeCLR, both": runs.pretrain("peclr-both", "peclr", *_WEIGHTED),
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
    """Sizes of the pool, with about the same number of steps."""
    rows = tuple(
        Row(f"{label}, {pool} hands", method, runs.few)
        for pool in ("2k", "10k")
        for label, method in (
            ("SimCLR", runs.pretrain("simclr", "simclr", pool=pool)),
            ("PeCLR", runs.pretrain("peclr", "peclr", pool=pool)),
            ("SiMHand, no weights", runs.pretrain_unweighted(pool=pool)),
        )
    )
    return Question("pool", "How much video?", "Table 2", rows)


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


def budget_question(runs: Runs) -> Question:
    """Epochs of fine-tuning."""
    rows = tuple(
        Row(f"{label}, {epochs} epochs", method, long_finetuning(runs.size, epochs))
        for epochs in (30, 60, 120)
        for label, method in (("scratch", SCRATCH), ("SiMHand, no weights", runs.unweighted))
    )
    title = "Does longer fine-tuning make up for it?"
    return Question("budget", title, "not in the paper", rows)


def targets_question(runs: Runs) -> Question:
    """Other ways to learn from the keypoints of a pool than by mined pairs."""
    loss = "model.head.loss"
    soft_only = (f"{loss}.sigma=0.15", f"{loss}.alpha=1.0")
    probability = (
        f"{loss}.act_on=probability",
        f"{loss}.denominator=w_pos",
        f"{_W_POS}=None",
        f"{_W_NEG}.type=proportional",
        _NOT_CENTRED,
    )
    alone = "train_dataloader.dataset.pairs=None"
    methods = {
        "SiMHand, no weights": runs.unweighted,
        "negatives weighted in probability": runs.pretrain(
            "simhand-probability", "simhand", *probability
        ),
        "pose-aware": runs.pretrain("poseaware", "poseaware"),
        "pose-aware, soft targets only": runs.pretrain("poseaware-soft", "poseaware", *soft_only),
        "pose-aware, soft targets only, no mining": runs.pretrain(
            "poseaware-self", "poseaware", *soft_only, alone
        ),
        "keypoint regression": runs.pretrain("regression", "regression"),
        "keypoint heatmaps": runs.pretrain("heatmap", "regression", token="heatmap-"),
        "pose-aware and regression": runs.pretrain(
            "poseaware-regression", "poseaware", token="regression-"
        ),
    }
    rows = tuple(
        Row(f"{label}, {num_labels} labels", method, finetuning(runs.size, num_labels))
        for num_labels in (100, 300)
        for label, method in methods.items()
    )
    title = "What else can the keypoints teach?"
    return Question("targets", title, "not in the paper", rows)


def pose_aware_question(runs: Runs) -> Question:
    """The arguments of pose-aware targets."""
    loss = "model.head.loss"
    options = {
        "width 0.05": ("sigma0.05", f"{loss}.sigma=0.05"),
        "width 0.2": ("sigma0.2", f"{loss}.sigma=0.2"),
        "mixture 0.25": ("alpha0.25", f"{loss}.alpha=0.25"),
        "mixture 0.75": ("alpha0.75", f"{loss}.alpha=0.75"),
        "augmented keypoints": ("augmented", f"{loss}.poses=augmented"),
    }
    default = runs.pretrain("poseaware", "poseaware")
    rows = [Row("width 0.1, mixture 0.5, keypoints before augmentation", default, runs.few)]
    for label, (name, option) in options.items():
        method = runs.pretrain(f"poseaware-{name}", "poseaware", option)
        rows.append(Row(label, method, runs.few))
    title = "Which width and mixture of pose-aware targets?"
    return Question("pose-aware", title, "not in the paper", tuple(rows))


def choices_question(runs: Runs) -> Question:
    """Other design choices of SiMHand."""
    choices = {
        "positives by true 3D pose": ("true-pose", "train_dataloader.dataset.pairs=true-pose"),
        "positives from the same video too": (
            "any-video",
            "train_dataloader.dataset.pairs=any-video",
        ),
        "decoupled loss": ("decoupled", "model.head.loss.denominator=decoupled"),
        "translation as released": (
            "translation",
            "model.data_preprocessor.translation_divisor=released",
        ),
    }
    rows = [Row("SiMHand, no weights", runs.unweighted, runs.few)]
    for label, (name, option) in choices.items():
        rows.append(Row(label, runs.pretrain_unweighted(f"-{name}", option), runs.few))
    title = "How much do the other choices matter?"
    return Question("choices", title, "not in the paper", tuple(rows))


def rates_question(runs: Runs) -> Question:
    """Learning rates of fine-tuning."""
    rows = tuple(
        Row(f"{label}, {rate}", method, rate_finetuning(runs.size, rate))
        for label, method in (("scratch", SCRATCH), ("SiMHand, no weights", runs.unweighted))
        for rate in ("1e-3", "2e-3", "4e-3", "8e-3")
    )
    return Question("rates", "Is fine-tuning tuned for scratch?", "on training stills", rows)


QUESTIONS = (
    methods_question,
    labels_question,
    weights_question,
    ranks_question,
    pool_question,
    weak_question,
    budget_question,
    targets_question,
    pose_aware_question,
    choices_question,
    rates_question,
)


def make_plan(size: Size) -> Plan:
    """Make the plan in one size."""
    data = (stills_data(size), *(pool_data(size, pool) for pool in size.videos))
    runs = Runs(size)
    return Plan(size.name, f"data/{size.name}", data, tuple(make(runs) for make in QUESTIONS))


PLAN = make_plan(FULL)
TINY = make_plan(TINY_SIZE)
