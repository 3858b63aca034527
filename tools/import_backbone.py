"""Convert a ResNet checkpoint from another project to a backbone file for our configs.

    simhand import-backbone resnet50_simhand.pth data/weights/simhand.pth

Supported are resnet50_simhand.pth of the authors, the files of PeCLR and torchvision, checkpoints
of mmpretrain and mmpose, and the Lightning layout of the released SiMHand code. No code in the file
is executed.
"""

from pathlib import Path

from simhand_mm.cli import run
from simhand_mm.options import Weights


def main(source: Path, output: Weights, /) -> None:
    """Import the checkpoint and print how well it fits.

    Args:
        source: Checkpoint file.
        output: File to write, e.g. data/weights/resnet50_imagenet.pth.
    """
    from simhand_mm.pool.files import check_not_an_input
    from simhand_mm.pretraining.checkpoints import import_checkpoint

    check_not_an_input(output, source)
    report, layout = import_checkpoint(source, output)
    print(f"{source} ({layout} layout): {report}\nWrote {output}")


if __name__ == "__main__":
    run(main, __doc__)
