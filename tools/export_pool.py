"""Export a hand pool as COCO keypoints, Hugging Face parquet or WebDataset.

    simhand export-pool data/pool out --to coco
    simhand export-pool data/pool out --to huggingface --pairs similar
    simhand export-pool data/pool out --to webdataset

The exported images are the crops: left hands are mirrored, and keypoints are in px in the crop.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.options import Pool
from simhand_mm.pool import HandPool
from simhand_mm.pool.exporting import ExportFormat, export_pool


def main(pool: Pool, output: Path, /, to: ExportFormat, pairs: tuple[str, ...] = ()) -> None:
    """Export the pool and print the number of hands.

    Args:
        pool: Pool folder.
        output: Folder to write; it must be new or empty.
        to: Format: coco for mmpose, FiftyOne and CVAT; huggingface for datasets.load_dataset;
            webdataset for tar files.
        pairs: Names of mined pairs whose positives are also exported (not for coco).
    """
    source = HandPool(pool)
    export_pool(source, output, to, pairs)
    print(f"{output}: {len(source)} hands")


if __name__ == "__main__":
    run(main, __doc__)
