"""What a plan runs: preparation of data, pre-training, fine-tuning and probing.

Commands and options may contain three folders: ``{data}`` (``SIMHAND_DATA``), ``{work}`` (the
results) and ``{plan}`` (the folder of the plan's file).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A command that prepares data.

    Attributes:
        name: Short name, unique within its data.
        command: Command line that starts with ``simhand`` or ``python``. Arguments are separated
            by spaces; quoting is not supported.
    """

    name: str
    command: str


@dataclass(frozen=True)
class Data:
    """A hand pool or a labelled set.

    Attributes:
        name: Name that pre-trainings, fine-tunings and other data refer to.
        steps: Commands that prepare it, in order.
        needs: Names of the data that these commands read.
    """

    name: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pretraining:
    """How a backbone is pre-trained.

    Attributes:
        name: Name of the run.
        config: Config file; None for random weights.
        options: ``key=value`` of ``--cfg-options``: the differences from the config.
        data: Names of the data it needs.
        num_gpus: Number of GPUs for which the config is written, one process per GPU.
        one_gpu_options: Options that give the same global batch with one process.
    """

    name: str
    config: str | None = None
    options: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    num_gpus: int = 1
    one_gpu_options: tuple[str, ...] = ()


#: No pre-training: random weights.
SCRATCH = Pretraining("scratch")


@dataclass(frozen=True)
class Finetuning:
    """How a pose model is fine-tuned and tested.

    Attributes:
        name: Name of this fine-tuning.
        config: Config file that starts from random weights.
        pretrained_config: Child of this config with ``model.backbone.init_cfg.checkpoint``.
        options: ``key=value`` of ``--cfg-options`` for training; ``{backbone}`` is replaced by the
            ``backbone.pth`` of the pre-training.
        test_options: ``key=value`` of ``--cfg-options`` for testing.
        data: Names of the data it needs.
        checkpoint: File in the work dir that is tested; may be a pattern with ``*``.
    """

    name: str
    config: str
    pretrained_config: str
    options: tuple[str, ...] = ()
    test_options: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    checkpoint: str = "best_*.pth"


@dataclass(frozen=True)
class Probing:
    """How well frozen features predict a label of a pool, measured by ``simhand probe``.

    Attributes:
        name: Name of this probing.
        pool: Folder of the pool.
        label: Column with the labels.
        group: Column with the groups, which folds do not share.
        data: Names of the data it needs.
    """

    name: str
    pool: str
    label: str
    group: str
    data: tuple[str, ...] = ()
