"""The pre-trainings that the plan compares."""

from dataclasses import replace

from simhand_mm.experiments import Data, Pretraining, Step

from .data import FULL, Size
from .finetunings import finetuning

_CONFIG = "configs/{0}/{0}_resnet18_1xb128-{1}coslr-6e_synthetic-64px.py"
W_POS, W_NEG = "model.head.loss.w_pos", "model.head.loss.w_neg"
# Options relative to the config of SiMHand (both weights), and to configs without weights.
LEAVE = {
    "none": (f"{W_POS}=None", f"{W_NEG}=None"),
    "positive": (f"{W_NEG}=None",),
    "negative": (f"{W_POS}=None",),
}
WEIGHTED = (f"{W_POS}.type=linear", f"{W_NEG}.type=linear")
# Without the final BatchNorm of the projector in the config of SiMHand for small runs.
NOT_CENTRED = "model.neck.with_last_bn=False"
# Epochs that give about as many steps on a smaller pool as the 6 of the configs on 10k.
EPOCHS = {"2k": 32, "digits": 42}
# Pools whose decoded crops need more memory than the configs allow for them.
_CACHES = {"50k": ("train_dataloader.dataset.cache_gb=3.0",)}
_PERIOD = "param_scheduler.1.T_max"
LOSS = "model.head.loss"
# ResNet-18 with all channels at twice the resolution.
_FULL_WIDTH = (
    "model.backbone.stem_channels=64",
    "model.backbone.base_channels=64",
    "model.data_preprocessor.input_size=128",
    "train_dataloader.dataset.reduce=1",
)
# The pre-training of SimCLR from which others start, and their options.
_START = "{work}/data/start/simclr"
WARM = (
    "model.backbone.init_cfg.type=Pretrained",
    "model.backbone.init_cfg.prefix=backbone.",
    f"model.backbone.init_cfg.checkpoint={_START}/backbone.pth",
)
# Each hand is its own positive.
_ALONE = "train_dataloader.dataset.pairs=None"


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
    options += _CACHES.get(pool, ())
    if pool != "10k":
        name = f"{name}-{pool}"
    if pool in EPOCHS:
        options += _epochs(EPOCHS[pool], size)
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


def start_data(size: Size) -> Data:
    """Return the pre-training from which others start."""
    run = pretraining("start", "simclr", size=size)
    command = f"simhand train {run.config} --work-dir {_START} --amp --resume --cfg-options "
    return Data("start", (Step("simclr", command + " ".join(run.options)),), needs=("10k",))


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
        options = (*LEAVE["none"], NOT_CENTRED, *options)
        return self.pretrain(f"simhand-noweight{suffix}", "simhand", *options, pool=pool)

    def pretrain_soft(self, suffix: str, *options: str, pool: str = "10k") -> Pretraining:
        """Return the pre-training on soft targets only, without the mined positive."""
        options = (f"{LOSS}.sigma=0.15", f"{LOSS}.alpha=1.0", *options)
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
