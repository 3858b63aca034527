"""Write a hand pool for other programs: COCO keypoints, Hugging Face parquet or WebDataset.

    simhand export-pool data/pool out --to coco
    simhand export-pool data/pool out --to huggingface --pairs similar
    simhand export-pool data/pool out --to webdataset

The images are the crops: all hands look like right hands, and keypoints are in pixels of the crop.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.options import Pool
from simhand_mm.pool import HandPool
from simhand_mm.pool.exporting import ExportFormat, export_pool


def main(pool: Pool, output: Path, /, to: ExportFormat, pairs: tuple[str, ...] = ()) -> None:
    """Export and print how many hands.

    Args:
        pool: The pool.
        output: Folder to write; must be new or empty.
        to: coco for mmpose, FiftyOne and CVAT, huggingface for datasets.load_dataset, webdataset
            for tar files.
        pairs: Names of mined pairs whose positives are written too (not for coco).
    """
    source = HandPool(pool)
    export_pool(source, output, to, pairs)
    print(f"{output}: {len(source)} hands")


if __name__ == "__main__":
    run(main, __doc__)
