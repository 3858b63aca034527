"""Turn hand boxes that another program found into a table for tools/prepare_pool.py.

python tools/convert_boxes.py hand_object_detector FOLDER boxes.parquet
python tools/prepare_pool.py VIDEOS_DIR POOL_DIR --detections boxes.parquet
"""

import argparse
import sys
from functools import partial

from simhand_mm.converters.coco_boxes import convert_coco_boxes
from simhand_mm.converters.hand_object_detector import (
    convert_100doh_json,
    convert_100doh_voc,
    convert_hand_object_detector,
)
from simhand_mm.pool import write_detections


def main() -> None:
    """Convert and tell what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    formats = ("hand_object_detector", "100doh_voc", "100doh_json", "coco")
    parser.add_argument("format", choices=formats, help="what SOURCE is")
    parser.add_argument("source", help="folder or file of the boxes")
    parser.add_argument("output", help="table of detections to write (.parquet)")
    parser.add_argument("--min-score", type=float, default=0.5, help="leave out boxes below")
    args = parser.parse_args()
    convert = {
        "hand_object_detector": partial(convert_hand_object_detector, min_score=args.min_score),
        "100doh_voc": convert_100doh_voc,
        "100doh_json": convert_100doh_json,
        "coco": partial(convert_coco_boxes, min_score=args.min_score),
    }[args.format]
    try:
        conversion = convert(args.source)
        print(conversion.summary())
        write_detections(args.output, conversion.boxes)
    except (OSError, ValueError) as error:
        sys.exit(f"convert_boxes: {error}")


if __name__ == "__main__":
    main()
