"""Export a fine-tuned model as ONNX, compare it with torch, and time both."""

import argparse

from simhand_mm.pose.export import export_onnx


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("out", help="the .onnx file")
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_args()
    report = export_onnx(args.config, args.checkpoint, args.out)
    print(
        f"{args.out}: differs from torch by {report['max_difference']:.2g} at most; one crop takes "
        f"{report['onnxruntime_ms']:.1f} ms in onnxruntime, {report['torch_ms']:.1f} ms in torch"
    )


if __name__ == "__main__":
    main()
