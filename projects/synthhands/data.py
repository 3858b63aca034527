"""The sizes of the plan, and the commands that make its data."""

from dataclasses import dataclass

from simhand_mm.experiments import Data, Step


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


def digits_data() -> Data:
    """Return the steps that prepare real hands, which the user provides.

    ``digits/hands.csv`` lists images with the columns ``path,group,label,person``.
    """
    prepare = "simhand prepare {data}/digits/hands.csv {data}/digits/pool --workers 2"
    steps = (Step("prepare", prepare), Step("mine", "simhand mine {data}/digits/pool"))
    return Data("digits", steps)
