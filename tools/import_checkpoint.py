"""Turn a ResNet checkpoint of somebody else into a backbone file for our configs.

Takes the authors' resnet50_simhand.pth, PeCLR's and torchvision's files, checkpoints of mmpretrain
and mmpose, and the Lightning layout of the released SiMHand code. Nothing in the file is executed.
"""

import argparse

from simhand_mm.pretraining.checkpoints import import_checkpoint


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="checkpoint file")
    parser.add_argument("target", help="file to write, e.g. data/weights/resnet50_imagenet.pth")
    args = parser.parse_args()
    report, layout = import_checkpoint(args.source, args.target)
    print(f"{args.source} ({layout} layout): {report}\nWrote {args.target}")


if __name__ == "__main__":
    main()
