"""How the pre-trained backbones are fine-tuned."""

from dataclasses import replace

from simhand_mm.experiments import Finetuning

from .data import FULL, Size

_DETNET = "configs/detnet/detnet_resnet18_{}1xb16-{}30e_synthetic-64px.py"
_FULL_WIDTH_DETNET = "{{plan}}/configs/detnet_resnet18_{}1xb16-30e_synthetic-128px.py"


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


def full_width_finetuning(size: Size) -> Finetuning:
    """Return the fine-tuning of a ResNet-18 with all channels at 128 px on 300 labels."""
    return replace(
        finetuning(size),
        name="300labels-full",
        config=_FULL_WIDTH_DETNET.format(""),
        pretrained_config=_FULL_WIDTH_DETNET.format("synthetic-pre_"),
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
