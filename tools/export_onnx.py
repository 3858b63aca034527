"""Export a fine-tuned model as ONNX, compare it with torch, and time both.

simhand export-onnx CONFIG CHECKPOINT model.onnx
"""

from pathlib import Path
from typing import Annotated

from simhand_mm.cli import run
from simhand_mm.options import Onnx


def main(config: Path, checkpoint: Path, output: Annotated[Path, Onnx], /) -> None:
    """Export the model and print the comparison.

    Args:
        config: Config file of a fine-tuned model.
        checkpoint: Checkpoint file.
        output: File to write (.onnx).
    """
    from simhand_mm.pose.export import export_onnx

    report = export_onnx(str(config), str(checkpoint), output)
    print(
        f"{output}: largest difference from torch {report['max_difference']:.2g}; one crop takes "
        f"{report['onnxruntime_ms']:.1f} ms in onnxruntime, {report['torch_ms']:.1f} ms in torch"
    )


if __name__ == "__main__":
    run(main, __doc__)
