"""Convert hand boxes of another detector to a table for `simhand prepare --detections`.

    simhand convert-boxes hand_object_detector FOLDER boxes.parquet
    simhand prepare VIDEOS POOL --detections boxes.parquet

For boxes in images that ffmpeg extracted at 10 frames per second, numbered from 1:

    simhand convert-boxes coco boxes.json boxes.parquet --frame-offset 1 \\
        --frame-fps 10 --videos VIDEOS
"""

from functools import partial
from pathlib import Path
from typing import Literal

from simhand_mm.cli import run
from simhand_mm.converters.boxes import DEFAULT_MIN_SCORE, BoxConversion
from simhand_mm.converters.coco_boxes import convert_coco_boxes
from simhand_mm.converters.csv_boxes import convert_csv_boxes
from simhand_mm.converters.frame_numbers import (
    NUMBERING_100DOH,
    FrameNumbering,
    VideoFiles,
    to_source_frames,
)
from simhand_mm.converters.hand_object_detector import (
    convert_100doh_json,
    convert_100doh_voc,
    convert_hand_object_detector,
)
from simhand_mm.options import Table
from simhand_mm.pool import write_detections
from simhand_mm.pool.files import check_not_an_input
from simhand_mm.preparation.video_files import find_videos
from simhand_mm.preparation.videos import frame_times

Format = Literal["hand_object_detector", "100doh_voc", "100doh_json", "coco", "csv"]


def main(
    format: Format,
    source: Path,
    output: Table,
    /,
    numbering: FrameNumbering,
    min_score: float = DEFAULT_MIN_SCORE,
    videos: Path | None = None,
) -> None:
    """Convert the boxes and print a summary.

    Args:
        format: Format of SOURCE.
        source: Folder or file with the boxes.
        output: Table of detections to write (.parquet).
        numbering: How the image names number the frames. The default for 100DOH is 0.5 frames per
            second, numbered from 1.
        min_score: Minimum score; boxes below it are dropped.
        videos: Folder of the videos, as for `simhand prepare`. Boxes get the IDs of these videos;
            boxes of other videos are dropped.
    """
    convert = {
        "hand_object_detector": partial(convert_hand_object_detector, min_score=min_score),
        "100doh_voc": convert_100doh_voc,
        "100doh_json": convert_100doh_json,
        "coco": partial(convert_coco_boxes, min_score=min_score),
        "csv": partial(convert_csv_boxes, min_score=min_score),
    }[format]
    check_not_an_input(output, source)
    conversion: BoxConversion = convert(source)
    if format.startswith("100doh") and numbering == FrameNumbering():
        numbering = NUMBERING_100DOH
    files = None
    if videos is not None:
        paths = {video.video_id: video.path for video in find_videos(videos)}
        files = VideoFiles(paths, frame_times)
    to_source_frames(conversion, numbering, files)
    print(conversion.summary())
    write_detections(output, conversion.boxes)


if __name__ == "__main__":
    run(main, __doc__)
