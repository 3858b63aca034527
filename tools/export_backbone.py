"""Write a pre-trained backbone as mmpretrain, mmpose, torchvision or timm stores it."""

import argparse

from simhand_mm.pretraining.checkpoints import TARGETS, export_backbone

HOW_TO_LOAD = {
    "mmpretrain": "init_cfg=dict(type='Pretrained', checkpoint='{path}', prefix='backbone.')",
    "mmpose": "init_cfg=dict(type='Pretrained', checkpoint='{path}', prefix='backbone.')",
    "torchvision": "model.load_state_dict(torch.load('{path}'), strict=False)  # all but fc",
    "timm": "timm.create_model(..., num_classes=0).load_state_dict(torch.load('{path}'))",
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="backbone.pth or a checkpoint of pre-training")
    parser.add_argument("target", help="file to write")
    parser.add_argument("--to", choices=TARGETS, required=True, help="framework")
    args = parser.parse_args()
    report = export_backbone(args.source, args.target, args.to)
    print(f"{args.to}: {report}\nWrote {args.target}; load it with")
    print("  " + HOW_TO_LOAD[args.to].format(path=args.target))


if __name__ == "__main__":
    main()
