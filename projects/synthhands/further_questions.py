"""Questions that the paper leaves open."""

from dataclasses import replace

from simhand_mm.experiments import SCRATCH, Probing, Question, Row

from .data import FULL
from .finetunings import (
    finetuning,
    full_width_finetuning,
    long_finetuning,
    rate_finetuning,
    upsampling_finetuning,
)
from .methods import (
    LEAVE,
    LOSS,
    NOT_CENTRED,
    W_NEG,
    W_POS,
    WARM,
    Runs,
    with_epochs,
    with_full_width,
)
from .paper_questions import weights_question

# Methods that are compared with a larger network and with longer pre-training.
_METHODS = (
    "SimCLR",
    "PeCLR",
    "SiMHand",
    "SiMHand, no weights",
    "pose-aware",
    "keypoint regression",
    "keypoint heatmaps",
)


def budget_question(runs: Runs) -> Question:
    """Epochs of fine-tuning."""
    rows = tuple(
        Row(f"{label}, {epochs} epochs", method, long_finetuning(runs.size, epochs))
        for epochs in (30, 60, 120)
        for label, method in (("scratch", SCRATCH), ("SiMHand, no weights", runs.unweighted))
    )
    title = "Does longer fine-tuning make up for it?"
    return Question("budget", title, "not in the paper", rows)


def start_question(runs: Runs) -> Question:
    """Weights, if the encoder is already trained: here by SimCLR, in the paper on ImageNet."""
    warm = {
        "none": runs.pretrain_unweighted("-warm", *WARM),
        "both": runs.pretrain("simhand-released-warm", "simhand", NOT_CENTRED, *WARM),
        "none, centred": runs.pretrain("simhand-none-warm", "simhand", *LEAVE["none"], *WARM),
        "both, centred": runs.pretrain("simhand-warm", "simhand", *WARM),
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


def targets_question(runs: Runs) -> Question:
    """Other ways to learn from the keypoints of a pool than by mined pairs."""
    probability = (
        f"{LOSS}.act_on=probability",
        f"{LOSS}.denominator=w_pos",
        f"{W_POS}=None",
        f"{W_NEG}.type=proportional",
        NOT_CENTRED,
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
    embedding = (f"{LOSS}.poses=embedding", "train_dataloader.dataset.embedding=True")
    options = {
        "width 0.05": ("sigma0.05", f"{LOSS}.sigma=0.05"),
        "width 0.2": ("sigma0.2", f"{LOSS}.sigma=0.2"),
        "width 0.4": ("sigma0.4", f"{LOSS}.sigma=0.4"),
        "mixture 0.25": ("alpha0.25", f"{LOSS}.alpha=0.25"),
        "mixture 0.75": ("alpha0.75", f"{LOSS}.alpha=0.75"),
        "mixture 1": ("alpha1", f"{LOSS}.alpha=1.0"),
        "augmented keypoints": ("augmented", f"{LOSS}.poses=augmented"),
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
    methods = {name: runs.methods()[name] for name in _METHODS if name != "PeCLR"}
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
    methods = {name: with_full_width(runs.methods()[name]) for name in _METHODS}
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
        option = f"{LOSS}.temperature={temperature}" if temperature != "0.5" else ""
        suffix, options = (f"-t{temperature}", (option,)) if option else ("", ())
        methods = {
            "SiMHand": runs.pretrain(f"simhand{suffix}", "simhand", *options),
            "SiMHand, no weights, centred": runs.pretrain(
                f"simhand-none{suffix}", "simhand", *LEAVE["none"], *options
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
