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
    Probing,
    Question,
    Row,
    Step,
)

_CONFIG = "configs/{0}/{0}_resnet18_1xb128-{1}coslr-6e_synthetic-64px.py"
_DETNET = "configs/detnet/detnet_resnet18_{}1xb16-{}30e_synthetic-64px.py"
_FULL_WIDTH_DETNET = "{{plan}}/configs/detnet_resnet18_{}1xb16-30e_synthetic-128px.py"


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
# Epochs that give about as many steps on a smaller pool as the 6 of the configs on 10k.
_EPOCHS = {"2k": 32, "digits": 42}
# Epochs on each pool that are compared: 6, and those that give about as many steps as 6 on the next
# larger pool.
_POOL_EPOCHS = {"2k": (6, 32), "10k": (6, 24), "50k": (6,)}
_PERIOD = "param_scheduler.1.T_max"
_LOSS = "model.head.loss"
# ResNet-18 with all channels at twice the resolution.
_FULL_WIDTH = (
    "model.backbone.stem_channels=64",
    "model.backbone.base_channels=64",
    "model.data_preprocessor.input_size=128",
    "train_dataloader.dataset.reduce=1",
)
# The pre-training of SimCLR from which others start, and their options.
_START = "{work}/data/start/simclr"
_WARM = (
    "model.backbone.init_cfg.type=Pretrained",
    "model.backbone.init_cfg.prefix=backbone.",
    f"model.backbone.init_cfg.checkpoint={_START}/backbone.pth",
)
# Each hand is its own positive.
_ALONE = "train_dataloader.dataset.pairs=None"


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


def start_data(size: Size) -> Data:
    """Return the pre-training from which others start."""
    run = pretraining("start", "simclr", size=size)
    command = f"simhand train {run.config} --work-dir {_START} --amp --resume --cfg-options "
    return Data("start", (Step("simclr", command + " ".join(run.options)),), needs=("10k",))


def digits_data() -> Data:
    """Return the steps that prepare real hands, which the user provides.

    ``digits/hands.csv`` lists images with the columns ``path,group,label,person``.
    """
    prepare = "simhand prepare {data}/digits/hands.csv {data}/digits/pool --workers 2"
    steps = (Step("prepare", prepare), Step("mine", "simhand mine {data}/digits/pool"))
    return Data("digits", steps)


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
        name = f"{name}-{pool}"
    if pool in _EPOCHS:
        options += _epochs(_EPOCHS[pool], size)
    return Pretraining(name, _CONFIG.format(algorithm, token), options, data=(pool,))


def _epochs(epochs: int, size: Size) -> tuple[str, ...]:
    """Return the options for a number of epochs of pre-training; none for the tiny size."""
    options = (f"train_cfg.max_epochs={epochs}", f"{_PERIOD}={epochs - 1}")
    return options if size is FULL else ()


def with_epochs(run: Pretraining, epochs: int, size: Size, suffix: str = "") -> Pretraining:
    """Return a pre-training with another number of epochs and ``-<epochs>e`` in its name."""
    kept = (o for o in run.options if not o.startswith(("train_cfg.max_epochs", _PERIOD)))
    # 6 epochs are those of the configs.
    options = (*kept, *(_epochs(epochs, size) if epochs != 6 else ()))
    options = options if size is FULL else run.options
    return replace(run, name=f"{run.name}-{epochs}e{suffix}", options=options)


def with_full_width(run: Pretraining) -> Pretraining:
    """Return a pre-training of a ResNet-18 with all channels at 128 px, which needs a GPU."""
    head = ("model.neck.in_channels=512",)
    if "/regression" in (run.config or ""):
        head = ("model.head.in_channels=512", "model.head.input_size=128")
    return replace(run, name=f"{run.name}-full", options=(*run.options, *_FULL_WIDTH, *head))


def full_width_finetuning(size: Size) -> Finetuning:
    """Return the fine-tuning of a ResNet-18 with all channels at 128 px on 300 labels."""
    return replace(
        finetuning(size),
        name="300labels-full",
        config=_FULL_WIDTH_DETNET.format(""),
        pretrained_config=_FULL_WIDTH_DETNET.format("synthetic-pre_"),
    )


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


def upsampling_finetuning(size: Size, num_labels: int) -> Finetuning:
    """Return the fine-tuning that also starts from the upsampling layers and heatmap head."""
    base, head = finetuning(size, num_labels), "model.head.init_cfg"
    start = (f"{head}.type=Pretrained", f"{head}.prefix=head.", f"{head}.checkpoint={{backbone}}")
    return replace(base, name=f"{base.name}-upsampling", options=(*base.options, *start))


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

    def pretrain_soft(self, suffix: str, *options: str, pool: str = "10k") -> Pretraining:
        """Return the pre-training on soft targets only, without the mined positive."""
        options = (f"{_LOSS}.sigma=0.15", f"{_LOSS}.alpha=1.0", *options)
        return self.pretrain(f"poseaware-{suffix}", "poseaware", *options, pool=pool)

    def methods(self, pool: str = "10k") -> dict[str, Pretraining]:
        """Return the methods that are compared with several numbers of labels, on a pool."""
        return {
            "SimCLR": self.pretrain("simclr", "simclr", pool=pool),
            "PeCLR": self.pretrain("peclr", "peclr", pool=pool),
            "TempCLR": self.pretrain("tempclr", "tempclr", pool=pool),
            "SiMHand": self.pretrain("simhand", "simhand", pool=pool),
            "SiMHand, no weights": self.pretrain_unweighted(pool=pool),
            "pose-aware": self.pretrain("poseaware", "poseaware", pool=pool),
            "pose-aware, no mining": self.pretrain_soft("self", _ALONE, pool=pool),
            "keypoint regression": self.pretrain("regression", "regression", pool=pool),
            "keypoint heatmaps": self.pretrain(
                "heatmap", "regression", pool=pool, token="heatmap-"
            ),
            "pose-aware and regression": self.pretrain(
                "poseaware-regression", "poseaware", pool=pool, token="regression-"
            ),
        }

    def rank(self, rank: int) -> str:
        """Return the option for a neighbour rank, at most the last mined one."""
        return f"train_dataloader.dataset.rank={min(rank, max(self.size.ranks))}"


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


def start_question(runs: Runs) -> Question:
    """Weights, if the encoder is already trained: here by SimCLR, in the paper on ImageNet."""
    warm = {
        "none": runs.pretrain_unweighted("-warm", *_WARM),
        "both": runs.pretrain("simhand-released-warm", "simhand", _NOT_CENTRED, *_WARM),
        "none, centred": runs.pretrain("simhand-none-warm", "simhand", *_LEAVE["none"], *_WARM),
        "both, centred": runs.pretrain("simhand-warm", "simhand", *_WARM),
    }
    weights = {row.label: row.pretraining for row in weights_question(runs).rows}
    rows = []
    for label, method in warm.items():
        method = replace(method, data=(*method.data, "start"))
        rows += [
            Row(f"{label}, from random weights", weights[label], runs.few),
            Row(f"{label}, from SimCLR", method, runs.few),
        ]
    title = "Do weights help an encoder that is already trained?"
    return Question("start", title, "not in the paper", tuple(rows))


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
                default = epochs == _EPOCHS.get(pool, 6)
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
    probability = (
        f"{_LOSS}.act_on=probability",
        f"{_LOSS}.denominator=w_pos",
        f"{_W_POS}=None",
        f"{_W_NEG}.type=proportional",
        _NOT_CENTRED,
    )
    methods = runs.methods()
    compared = {
        "SiMHand, no weights": methods["SiMHand, no weights"],
        "negatives weighted in probability": runs.pretrain(
            "simhand-probability", "simhand", *probability
        ),
        "pose-aware": methods["pose-aware"],
        "pose-aware, soft targets only": runs.pretrain_soft("soft"),
        "pose-aware, no mining": methods["pose-aware, no mining"],
        "keypoint regression": methods["keypoint regression"],
        "keypoint heatmaps": methods["keypoint heatmaps"],
        "pose-aware and regression": methods["pose-aware and regression"],
    }
    rows = []
    for num_labels in (100, 300):
        few = finetuning(runs.size, num_labels)
        rows += [Row(f"{label}, {num_labels} labels", run, few) for label, run in compared.items()]
        more = upsampling_finetuning(runs.size, num_labels)
        label = f"keypoint heatmaps, upsampling kept too, {num_labels} labels"
        rows.append(Row(label, compared["keypoint heatmaps"], more))
    title = "What else can the keypoints teach?"
    return Question("targets", title, "not in the paper", tuple(rows))


def pose_aware_question(runs: Runs) -> Question:
    """The arguments of pose-aware targets."""
    embedding = (f"{_LOSS}.poses=embedding", "train_dataloader.dataset.embedding=True")
    options = {
        "width 0.05": ("sigma0.05", f"{_LOSS}.sigma=0.05"),
        "width 0.2": ("sigma0.2", f"{_LOSS}.sigma=0.2"),
        "width 0.4": ("sigma0.4", f"{_LOSS}.sigma=0.4"),
        "mixture 0.25": ("alpha0.25", f"{_LOSS}.alpha=0.25"),
        "mixture 0.75": ("alpha0.75", f"{_LOSS}.alpha=0.75"),
        "mixture 1": ("alpha1", f"{_LOSS}.alpha=1.0"),
        "augmented keypoints": ("augmented", f"{_LOSS}.poses=augmented"),
        "PCA of the keypoints": ("pca", *embedding),
    }
    default = runs.pretrain("poseaware", "poseaware")
    rows = [Row("width 0.1, mixture 0.5, keypoints before augmentation", default, runs.few)]
    for label, (name, *changes) in options.items():
        method = runs.pretrain(f"poseaware-{name}", "poseaware", *changes)
        rows.append(Row(label, method, runs.few))
    title = "Which width and mixture of pose-aware targets?"
    return Question("pose-aware", title, "not in the paper", tuple(rows))


def scale_question(runs: Runs) -> Question:
    """Longer pre-training, and a larger batch."""
    names = (
        "SimCLR",
        "SiMHand",
        "SiMHand, no weights",
        "pose-aware",
        "keypoint regression",
        "keypoint heatmaps",
    )
    methods = {name: runs.methods()[name] for name in names}
    rows = [Row(f"{label}, 6 epochs", method, runs.few) for label, method in methods.items()]
    for epochs in (12, 24):
        for label, method in methods.items():
            longer = with_epochs(method, epochs, runs.size)
            rows.append(Row(f"{label}, {epochs} epochs", longer, runs.few))
    batch = ("train_dataloader.batch_size=1024", "model.micro_batch_size=256")
    for label, method in methods.items():
        larger = with_epochs(method, 24, runs.size, "-b1024")
        larger = replace(larger, options=(*larger.options, *batch * (runs.size is FULL)))
        rows.append(Row(f"{label}, 24 epochs, batch 1,024", larger, runs.few))
    title = "Does longer pre-training or a larger batch change the order?"
    return Question("scale", title, "not in the paper", tuple(rows))


def width_question(runs: Runs) -> Question:
    """A network that needs a GPU."""
    names = (
        "SimCLR",
        "PeCLR",
        "SiMHand",
        "SiMHand, no weights",
        "pose-aware",
        "keypoint regression",
        "keypoint heatmaps",
    )
    methods = {name: with_full_width(runs.methods()[name]) for name in names}
    rows = tuple(
        Row(label, method, full_width_finetuning(runs.size))
        for label, method in {"scratch": SCRATCH, **methods}.items()
    )
    title = "Does a ResNet-18 of full width, at 128 px, change the order?"
    return Question("width", title, "not in the paper", rows)


def temperature_question(runs: Runs) -> Question:
    """Temperatures, with and without weights."""
    rows = []
    for temperature in ("0.1", "0.25", "0.5", "1.0"):
        option = f"{_LOSS}.temperature={temperature}" if temperature != "0.5" else ""
        suffix, options = (f"-t{temperature}", (option,)) if option else ("", ())
        methods = {
            "SiMHand": runs.pretrain(f"simhand{suffix}", "simhand", *options),
            "SiMHand, no weights, centred": runs.pretrain(
                f"simhand-none{suffix}", "simhand", *_LEAVE["none"], *options
            ),
            "pose-aware": runs.pretrain(f"poseaware{suffix}", "poseaware", *options),
        }
        rows += [
            Row(f"{label}, temperature {temperature}", method, runs.few)
            for label, method in methods.items()
        ]
    title = "At which temperature do weights help?"
    return Question("temperature", title, "not in the paper", tuple(rows))


def real_hands_question(runs: Runs) -> Question:
    """Frozen features on pictures of real hands of many people."""
    probing = Probing("digits", "{data}/digits/pool", "label", "person", ("digits",))
    rows = [
        Row(f"{label}, pre-trained on {source}", method, probing)
        for source, pool in (("synthetic hands", "10k"), ("these pictures", "digits"))
        for label, method in runs.methods(pool).items()
        if not (pool == "digits" and label == "TempCLR")  # still pictures have no time
    ]
    title = "Do the features see the poses of real hands?"
    return Question("real-hands", title, "digits across people", tuple(rows))


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
    start_question,
    ranks_question,
    pool_question,
    weak_question,
    budget_question,
    targets_question,
    pose_aware_question,
    scale_question,
    width_question,
    temperature_question,
    real_hands_question,
    choices_question,
    rates_question,
)


def make_plan(size: Size) -> Plan:
    """Make the plan in one size."""
    pools = (pool_data(size, pool) for pool in size.videos)
    data = (stills_data(size), digits_data(), *pools, start_data(size))
    runs = Runs(size)
    return Plan(size.name, f"data/{size.name}", data, tuple(make(runs) for make in QUESTIONS))


PLAN = make_plan(FULL)
TINY = make_plan(TINY_SIZE)
