"""Turn a ResNet checkpoint from elsewhere into a backbone file for our configs.

    simhand import-backbone resnet50_simhand.pth data/weights/simhand.pth

Takes the authors' resnet50_simhand.pth, PeCLR's and torchvision's files, checkpoints of mmpretrain
and mmpose, and the Lightning layout of the released SiMHand code. Nothing in the file is executed.
"""

from pathlib import Path

from simhand_mm.cli import run


def main(source: Path, output: Path, /) -> None:
    """Import and print how it fits.

    Args:
        source: Checkpoint file.
        output: File to write, e.g. data/weights/resnet50_imagenet.pth.
    """
    from simhand_mm.pretraining.checkpoints import import_checkpoint

    report, layout = import_checkpoint(source, output)
    print(f"{source} ({layout} layout): {report}\nWrote {output}")


if __name__ == "__main__":
    run(main, __doc__)
