"""Export a pre-trained backbone for mmpretrain, mmpose, torchvision or timm.

simhand export backbone.pth resnet50.pth --to torchvision
"""

from pathlib import Path
from typing import Literal

from simhand_mm.cli import run
from simhand_mm.options import Weights

HOW_TO_LOAD = {
    "mmpretrain": "init_cfg=dict(type='Pretrained', checkpoint='{path}', prefix='backbone.')",
    "mmpose": "init_cfg=dict(type='Pretrained', checkpoint='{path}', prefix='backbone.')",
    "torchvision": "model.load_state_dict(torch.load('{path}'), strict=False)  # all but fc",
    "timm": "timm.create_model(..., num_classes=0).load_state_dict(torch.load('{path}'))",
}


def main(
    source: Path, output: Weights, /, *, to: Literal["mmpretrain", "mmpose", "torchvision", "timm"]
) -> None:
    """Export the backbone and print how to load it.

    Args:
        source: backbone.pth, or a checkpoint of pre-training.
        output: File to write (.pth).
        to: Framework that reads the file.
    """
    from simhand_mm.pool.files import check_not_an_input
    from simhand_mm.pretraining.checkpoints import export_backbone

    check_not_an_input(output, source)
    report = export_backbone(source, output, to)
    print(f"{to}: {report}\nWrote {output}; load it with")
    print("  " + HOW_TO_LOAD[to].format(path=output))


if __name__ == "__main__":
    run(main, __doc__)
