"""Turn the annotations that the authors of SiMHand released into a hand pool and pairs.

    simhand import-hand100m frames data/pools/ego4d-50k Hand100M_Ego4D_50k_v1-1.json

The pool then has pairs/hand100m.npz, the released positives. May be killed and started again.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.converters.hand100m import import_hand100m
from simhand_mm.executors import ExecutorSettings
from simhand_mm.options import Pool


def main(
    frames: Path,
    pool: Pool,
    annotations: tuple[Path, ...],
    /,
    executor: ExecutorSettings,
    crop_size: int = 224,
) -> None:
    """Import and print what came out.

    Args:
        frames: Folder of the extracted frames, <video>/frame_000030.jpg.
        pool: Folder of the pool.
        annotations: Annotation files, one of each source.
        executor: Who does the work.
        crop_size: Side of the crops in px.
    """
    info = import_hand100m(annotations, frames, pool, crop_size, executor.build())
    print(f"{pool}: {info['num_hands']} hands of {info['num_videos']} videos")
    print("left out:", ", ".join(f"{n} {reason}" for reason, n in info["num_drops"].items()))


if __name__ == "__main__":
    run(main, __doc__)
