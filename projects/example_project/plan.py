"""Example plan: do mutual pairs and Gaussian weights help on synthetic hands?

PYTHONPATH=. simhand reproduce example_project --tiny --run
PYTHONPATH=. simhand reproduce example_project --tiny --collect
"""

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

SMALL = "configs/simhand/simhand_resnet18_1xb128-coslr-6e_synthetic-64px.py"
GAUSSIAN = "{plan}/configs/simhand_resnet18_1xb128-gaussian-coslr-6e_synthetic-64px.py"
DETNET = "configs/detnet/detnet_resnet18_{}1xb16-30e_synthetic-64px.py"


def make_plan(
    name: str,
    size: str,
    pretraining_options: tuple[str, ...] = (),
    finetuning_options: tuple[str, ...] = (),
    epochs: int = 30,
) -> Plan:
    """Make the plan in one size.

    Args:
        name: Name of the plan.
        size: Options of ``simhand synthesize``.
        pretraining_options: Options of all pre-training runs.
        finetuning_options: Options of all fine-tuning runs.
        epochs: Number of epochs of fine-tuning; the last checkpoint is tested.
    """
    # The paths that the configs use: {data}/pool and {data}/synthetic.
    hands = Data(
        "hands",
        (
            Step("synthesize", f"simhand synthesize {{data}}/synthetic {size}"),
            Step("prepare", "simhand prepare {data}/synthetic/videos {data}/pool --fps 10"),
            Step("mine", "simhand mine {data}/pool --ranks 1,2,5,10"),
            Step("mutual", "python {plan}/positives.py {data}/pool"),
        ),
    )
    tune = Finetuning(
        "tuned",
        DETNET.format(""),
        DETNET.format("synthetic-pre_"),
        finetuning_options,
        data=("hands",),
        checkpoint=f"epoch_{epochs}.pth",
    )

    def pretrain(run: str, config: str, *options: str) -> Pretraining:
        return Pretraining(run, config, (*options, *pretraining_options), ("hands",))

    mutual = pretrain("mutual", SMALL, "train_dataloader.dataset.pairs=mutual")
    rows = (
        Row("scratch", SCRATCH, tune),
        Row("SiMHand", pretrain("simhand", SMALL), tune),
        Row("SiMHand, mutual pairs", mutual, tune),
        Row("SiMHand, mutual pairs, Gaussian weights", pretrain("gaussian", GAUSSIAN), tune),
    )
    title = "Do mutual pairs and a Gaussian weighting help?"
    question = Question("weighting", title, "not in the paper", rows)
    return Plan(name, f"data/{name}", (hands,), (question,))


PLAN = make_plan("example_project", "--videos 80 --stills-train 300 --stills-test 300 --workers 2")
TINY = make_plan(
    "example_project-tiny",
    "--videos 8 --frames 8 --stills-train 24 --stills-test 16",
    ("train_cfg.max_epochs=2", "param_scheduler.1.T_max=1", "train_dataloader.batch_size=8"),
    ("train_cfg.max_epochs=1", "train_dataloader.batch_size=8"),
    epochs=1,
)
