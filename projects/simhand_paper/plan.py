"""Tables 1 to 6 and Figure 4 of SiMHand (ICLR 2025), with the numbers in the paper.

The results are in docs/reproduction.md. The videos of Ego4D and 100DOH must be in ``{data}/ego4d``
and ``{data}/100doh``, the labelled sets in their official folders.
"""

from dataclasses import dataclass

from simhand_mm.experiments import (
    SCRATCH,
    Data,
    Finetuning,
    Plan,
    Pretraining,
    Question,
    Row,
    Score,
    Step,
)

# Names of the pools in the paper.
POOLS = {
    "Exo-1M": "100doh-1m",
    "Ego-50K": "ego4d-50k",
    "Ego-100K": "ego4d-100k",
    "Ego-500K": "ego4d-500k",
    "Ego-1M": "ego4d-1m",
    "Ego&Exo-2M": "ego4d-100doh-2m",
}
RANKS = (1, 2, 5, 10, 50, 100, 500, 1000, 5000)
# As the 1xb8192 configs.
_ONE_GPU = (
    "train_dataloader.batch_size=8192",
    "train_dataloader.num_workers=6",
    "model.micro_batch_size=1024",
)
_SMALL_BATCH = ("train_dataloader.batch_size=8", "train_dataloader.num_workers=0")


@dataclass(frozen=True)
class Size:
    """Size of the plan: the paper, or a tiny version for testing.

    Attributes:
        name: Name of the plan of this size.
        pretraining: Options of all pre-training runs.
        finetuning: Options of all fine-tuning runs.
        num_gpus: Number of processes of a pre-training run.
        synthetic: Whether synthetic hands replace all data sets.
    """

    name: str
    pretraining: tuple[str, ...] = ()
    finetuning: tuple[str, ...] = ()
    num_gpus: int = 8
    synthetic: bool = False


FULL = Size("simhand_paper")
TINY_SIZE = Size(
    "simhand_paper-tiny",
    pretraining=(
        *_SMALL_BATCH,
        "train_dataloader.persistent_workers=False",
        "train_dataloader.dataset.held_out=0",
        "train_dataloader.dataset.split=all",
        "train_cfg.max_epochs=1",
        "param_scheduler.0.end=1",
        "param_scheduler.1.begin=0",
        "model.data_preprocessor.input_size=32",
        "sync_bn=None",
    ),
    finetuning=(
        *_SMALL_BATCH,
        "train_dataloader.persistent_workers=False",
        "val_dataloader.num_workers=0",
        "val_dataloader.persistent_workers=False",
        "train_cfg.max_epochs=1",
        "train_cfg.val_interval=1",
        "default_hooks.checkpoint.interval=1",
    ),
    num_gpus=1,
    synthetic=True,
)


def video_data(size: Size) -> tuple[Data, ...]:
    """Return the steps that prepare the hands of the videos and sample the pools from them."""
    pools = []
    for source in ("ego4d", "100doh"):
        prepare = f"simhand prepare {{data}}/{source} {{data}}/pools/{source} --source {source}"
        steps = [Step("prepare", f"{prepare} --fps {10 if size.synthetic else 1}")]
        if size.synthetic:
            contents = "--videos 6 --frames 10 --stills-train 0 --stills-test 0"
            seed = int(source == "100doh")
            steps = [
                Step(
                    "synthesize", f"simhand synthesize {{data}}/{source} {contents} --seed {seed}"
                ),
                *steps,
            ]
        pools.append(Data(source, tuple(steps)))
    counts = {"ego4d-1m": 1_000_000, "100doh-1m": 1_000_000}
    counts |= {"ego4d-50k": 50_000, "ego4d-100k": 100_000, "ego4d-500k": 500_000}
    for name, count in counts.items():
        source = name.split("-")[0]
        pool = f"{{data}}/pools/{name}"
        number = "--balance" if size.synthetic else f"--balance --hands {count}"
        # Table 4 uses the ranks of Ego-100K.
        ranks = (
            ",".join(map(str, RANKS[: 3 if size.synthetic else None])) if "100k" in name else "1"
        )
        steps = (
            Step("subset", f"simhand subset {{data}}/pools/{source} {pool} {number}"),
            Step("mine", f"simhand mine {pool} --ranks {ranks}"),
            Step("mine-temporal", f"simhand mine {pool} --rule temporal"),
        )
        pools.append(Data(name, steps, (source,)))
    pools.append(Data("ego4d-100doh-2m", (), ("ego4d-1m", "100doh-1m")))
    return tuple(pools)


def labeled_data(size: Size) -> tuple[Data, ...]:
    """Return the steps that convert the labelled sets from their official folders."""
    sets = {"freihand": "FreiHAND_pub_v2", "dexycb": "DexYCB", "assemblyhands": "AssemblyHands"}
    if size.synthetic:
        contents = "--videos 0 --stills-train 24 --stills-test 16"
        return tuple(
            Data(
                name,
                (
                    Step("synthesize", f"simhand synthesize {{data}}/{folder} {contents}"),
                    Step("splits", f"python {{plan}}/synthetic_splits.py {{data}}/{folder}"),
                ),
            )
            for name, folder in sets.items()
        )
    return tuple(
        Data(name, (Step("convert", f"simhand convert {name} {{data}}/{folder}"),))
        for name, folder in sets.items()
    )


def pretraining(method: str, pool: str, size: Size, variant: str = "") -> Pretraining:
    """Return the pre-training with the recipe of a method.

    Args:
        method: Folder of its config.
        pool: Name of the pool in the paper.
        size: Size of the plan.
        variant: Token of an ablation in the name of the config.
    """
    data, token = POOLS[pool], f"{variant}-" * bool(variant)
    base = "ego4d-1m" if variant in ("", "noweight") else "ego4d-100k"
    if data == "ego4d-100doh-2m":
        base = data
    options = size.pretraining
    if data != base:
        options = (f"train_dataloader.dataset.pool=pools/{data}", *options)
    if size.synthetic and variant.startswith("top"):
        options = (
            *options,
            "train_dataloader.dataset.rank=5",
        )  # the last mined rank of the tiny plan
    return Pretraining(
        f"{method}-{token}{data}",
        f"configs/{method}/{method}_resnet50_8xb1024-{token}coslr-100e_{base}.py",
        options,
        (data,),
        size.num_gpus,
        _ONE_GPU,
    )


def finetuning(labels: str, size: Size) -> Finetuning:
    """Return the fine-tuning on a labelled set.

    Args:
        labels: Name of the set in the names of configs, e.g. ``freihand-10pct-first``.
        size: Size of the plan.
    """
    name, _, share = labels.partition("-")
    has_config = share in ("", "10pct-first")
    options = size.finetuning
    if share and (size.synthetic or not has_config):
        # Of 130,236 images, as in the released code; the first ones are green-screen images.
        count = 16 if size.synthetic else int(int(share.split("pct")[0]) / 100 * 130_236)
        dataset = "train_dataloader.dataset"
        options = (f"{dataset}.subset_size={count}", f"{dataset}.subset_rule=first", *options)
    base = labels if has_config else name
    config = f"configs/detnet/detnet_resnet50_{{}}1xb128-120e_{base}.py"
    return Finetuning(labels, config.format(""), config.format("pre_"), options, (), (name,))


def weak_finetuning(size: Size) -> Finetuning:
    """Return the fine-tuning on FreiHAND* and the estimated 2D keypoints of Ego-100K."""
    config = "configs/detnet/detnet_resnet50_1xb128-weak-ego4d-100k-120e_freihand-10pct-first.py"
    options = size.finetuning
    if size.synthetic:
        options = ("train_dataloader.dataset.datasets.0.subset_size=16", *options)
    name = "weak-ego4d-100k-freihand-10pct-first"
    return Finetuning(name, config, config, options, (), ("freihand", "ego4d-100k"))


METHODS = {"SimCLR": "simclr", "PeCLR": "peclr", "TempCLR": "tempclr", "SiMHand": "simhand"}
SETS = {"FreiHAND": "freihand", "DexYCB": "dexycb", "AssemblyHands": "assemblyhands"}
FEW = "freihand-10pct-first"  # FreiHAND* in the paper

# Method, pool: MPJPE and PCK-AUC on FreiHAND, DexYCB and AssemblyHands.
TABLE_1 = {
    ("SimCLR", "Exo-1M"): (19.30, 85.36, 20.13, 83.75, 20.01, 84.21),
    ("SimCLR", "Ego-1M"): (19.36, 85.09, 20.22, 83.50, 20.32, 83.85),
    ("SimCLR", "Ego&Exo-2M"): (20.07, 84.32, 21.09, 82.25, 21.24, 82.29),
    ("PeCLR", "Exo-1M"): (19.58, 84.71, 18.39, 86.33, 19.12, 85.64),
    ("PeCLR", "Ego-1M"): (19.07, 85.62, 18.99, 85.40, 19.20, 85.57),
    ("PeCLR", "Ego&Exo-2M"): (18.19, 86.76, 18.06, 86.82, 18.88, 86.03),
    ("SiMHand", "Exo-1M"): (16.73, 88.66, 17.34, 87.84, 18.50, 86.56),
    ("SiMHand", "Ego-1M"): (16.15, 89.48, 16.99, 88.34, 18.26, 86.95),
    ("SiMHand", "Ego&Exo-2M"): (15.79, 90.04, 16.71, 88.86, 18.23, 86.90),
}
TABLE_1_SCRATCH = (19.21, 85.61, 19.36, 84.80, 19.17, 85.61)
SCRATCH_FEW = Score(48.19, 49.17)
TABLE_2 = {
    ("SimCLR", "Ego-50K"): (53.94, 42.54),
    ("PeCLR", "Ego-50K"): (47.42, 49.85),
    ("SiMHand", "Ego-50K"): (35.32, 63.35),
    ("SimCLR", "Ego-100K"): (53.49, 43.12),
    ("PeCLR", "Ego-100K"): (46.00, 51.50),
    ("SiMHand", "Ego-100K"): (31.06, 68.66),
    ("SimCLR", "Ego-500K"): (49.91, 47.61),
    ("PeCLR", "Ego-500K"): (43.18, 54.15),
    ("SiMHand", "Ego-500K"): (28.27, 72.97),
    ("SimCLR", "Ego-1M"): (46.17, 50.62),
    ("PeCLR", "Ego-1M"): (34.42, 64.93),
    ("SiMHand", "Ego-1M"): (23.68, 79.62),
}
# Method, whether weighted, token in the name of the config.
TABLE_3 = {
    ("SimCLR", False, ""): (53.49, 43.12),
    ("SimCLR", True, "weight"): (52.58, 44.70),
    ("PeCLR", False, ""): (46.00, 51.50),
    ("PeCLR", True, "weight"): (44.61, 53.37),
    ("SiMHand", False, "noweight"): (31.06, 68.66),
    ("SiMHand", True, ""): (28.84, 71.07),
}
TABLE_4 = {
    1: (31.06, 68.66),
    2: (31.46, 67.89),
    5: (31.85, 67.20),
    10: (31.87, 67.18),
    50: (31.53, 67.59),
    100: (31.54, 67.70),
    500: (32.61, 66.76),
    1000: (34.05, 65.14),
    5000: (35.34, 62.79),
}
TABLE_5 = {
    ("PeCLR", "Ego-50K"): (47.42, 49.85),
    ("TempCLR", "Ego-50K"): (45.17, 52.40),
    ("SiMHand", "Ego-50K"): (35.32, 63.35),
    ("PeCLR", "Ego-100K"): (46.00, 51.50),
    ("TempCLR", "Ego-100K"): (44.54, 53.28),
    ("SiMHand", "Ego-100K"): (31.06, 68.66),
}


def table_1(size: Size) -> Question:
    """Methods on each data set, all labels. The paper does not say if SiMHand has weights."""
    runs = {"scratch": (SCRATCH, TABLE_1_SCRATCH)}
    for (method, pool), numbers in TABLE_1.items():
        runs[f"{method}, {pool}"] = (pretraining(METHODS[method], pool, size), numbers)
    rows = tuple(
        Row(f"{label}, {name}", run, finetuning(labels, size), Score(*numbers[2 * i : 2 * i + 2]))
        for label, (run, numbers) in runs.items()
        for i, (name, labels) in enumerate(SETS.items())
    )
    return Question("table1", "Which pre-training, on which videos?", "Table 1", rows)


def few_labels(numbers: dict[tuple[str, str], tuple[float, float]], size: Size) -> tuple[Row, ...]:
    """Rows on FreiHAND*. SiMHand in these tables is the row without weights of Table 3."""
    return tuple(
        Row(
            f"{method}, {pool}",
            pretraining(METHODS[method], pool, size, "noweight" * (method == "SiMHand")),
            finetuning(FEW, size),
            Score(*score),
        )
        for (method, pool), score in numbers.items()
    )


def figure_4(size: Size) -> Question:
    """Shares of the labels. The paper shows curves without numbers."""
    runs = {
        f"{method}, {pool}": pretraining(METHODS[method], pool, size)
        for method, pool in (
            ("SimCLR", "Ego-1M"),
            ("PeCLR", "Ego-1M"),
            ("SiMHand", "Ego-1M"),
            ("SiMHand", "Ego&Exo-2M"),
        )
    }
    rows = tuple(
        Row(f"{label}, {share} %", run, finetuning(f"freihand-{share}pct-first", size))
        for label, run in runs.items()
        for share in (10, 20, 40, 80)
    )
    return Question("figure4", "With how many labels?", "Figure 4", rows)


def make_plan(size: Size) -> Plan:
    """Make the plan in one size."""
    few = finetuning(FEW, size)
    scratch = Row("scratch", SCRATCH, few, SCRATCH_FEW)
    unweighted = pretraining("simhand", "Ego-100K", size, "noweight")
    weights = tuple(
        Row(
            f"{method}, {'adaptive' if is_weighted else 'no'} weights",
            pretraining(METHODS[method], "Ego-100K", size, token),
            few,
            Score(*score),
        )
        for (method, is_weighted, token), score in TABLE_3.items()
    )
    ranks = tuple(
        Row(
            f"Top-{rank}",
            pretraining("simhand", "Ego-100K", size, "noweight" if rank == 1 else f"top{rank}"),
            few,
            Score(*score),
        )
        for rank, score in TABLE_4.items()
    )
    weak = (
        Row("weakly supervised, Ego-100K", SCRATCH, weak_finetuning(size), Score(61.65, 33.92)),
        Row("SiMHand, Ego-100K", unweighted, few, Score(31.06, 68.66)),
    )
    questions = (
        table_1(size),
        Question("table2", "How much video?", "Table 2", (scratch, *few_labels(TABLE_2, size))),
        Question("table3", "Do adaptive weights help each method?", "Table 3", weights),
        Question("table4", "How similar must a positive be?", "Table 4", ranks),
        Question("table5", "Adjacent frames instead?", "Table 5", few_labels(TABLE_5, size)),
        Question("table6", "Train on estimated keypoints instead?", "Table 6", weak),
        figure_4(size),
    )
    data_root = f"data/{size.name}" if size.synthetic else "data"
    return Plan(size.name, data_root, (*video_data(size), *labeled_data(size)), questions)


PLAN = make_plan(FULL)
TINY = make_plan(TINY_SIZE)
