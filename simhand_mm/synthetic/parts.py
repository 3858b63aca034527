"""Parts of a synthetic data set: one video, or the stills of one person.

A part depends on the seed, its kind and its number alone, so parts can be made in any order, by any
number of processes, at any time, and come out the same to the byte.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.pool.files import atomic_path
from simhand_mm.pool.poses import write_poses
from simhand_mm.synthetic.domains import sample_clip, sample_still
from simhand_mm.synthetic.ground_truth import GROUND_TRUTH
from simhand_mm.synthetic.hand.mesh import load_hand_mesh
from simhand_mm.synthetic.hand.subjects import sample_subject
from simhand_mm.synthetic.scenes import render_frame

SOURCE = "synthetic"
FRAMES_PER_SECOND = 10
FRAME_WIDTH, FRAME_HEIGHT = 320, 240
STILLS_PER_SUBJECT = 10
_KINDS = ("video", "train", "test")
_VIDEO_SUPERSAMPLING, _STILL_SUPERSAMPLING = 1.5, 2.0
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Part:
    """What one process makes at a time.

    Args:
        kind: 'video', or 'train' or 'test' for stills.
        number: Which one of its kind.
        count: Frames of the video, or stills of the person.
        image_size: Side of a still in px; unused for a video.
        seed: Seed of the data set.
    """

    kind: str
    number: int
    count: int
    image_size: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the part, unique in the data set; a video's is its ``video_id``."""
        return f"{self.kind}_{self.number:05d}"

    @property
    def subject_id(self) -> str:
        """The person; nobody appears in two parts."""
        return f"{self.kind}_subject_{self.number:05d}"

    @property
    def outputs(self) -> list[str]:
        """Paths of what the part leaves for users, relative to the data set."""
        if self.kind == "video":
            return [f"videos/{self.name}.mp4"]
        return [f"images/{self.kind}/{self.name}_{still:02d}.jpg" for still in range(self.count)]

    def record_path(self, root: Path) -> Path:
        """Path of the part's labels, written last: where it exists, the part is finished."""
        return root / "parts" / f"{self.name}.parquet"

    def is_finished(self, root: Path) -> bool:
        """Whether all that the part makes is there."""
        paths = [self.record_path(root), *(root / output for output in self.outputs)]
        return all(path.is_file() for path in paths)


def make_part(part: Part, root: Path) -> None:
    """Render a part and write its pictures, then its labels."""
    rng = np.random.default_rng([part.seed, _KINDS.index(part.kind), part.number])
    if part.kind == "video":
        _make_video(part, root, rng)
    else:
        _make_stills(part, root, rng)


def _make_video(part: Part, root: Path, rng: np.random.Generator) -> None:
    mesh = load_hand_mesh()
    # Exactly three videos in ten show both hands, whatever the number of videos.
    two_hands = (3 * part.number + 8) // 10 > (3 * part.number + 5) // 10
    scene = sample_clip(rng, mesh, part.count, FRAME_WIDTH, FRAME_HEIGHT, two_hands)
    frames = [
        render_frame(rng, scene, mesh, frame, _VIDEO_SUPERSAMPLING) for frame in range(part.count)
    ]
    _write_video(root / part.outputs[0], frames, scratch=root / "parts" / f".{part.name}.mp4")
    rows = [
        {
            "video_id": part.name,
            "subject_id": part.subject_id,
            "frame_index": frame,
            "time_s": frame / FRAMES_PER_SECOND,
            **label,
        }
        for frame in range(part.count)
        for label in sorted(scene.hand_labels(frame), key=lambda label: label["handedness"])
    ]
    columns = {name: [_flat(row[name]) for row in rows] for name in GROUND_TRUTH.names}
    with atomic_path(part.record_path(root)) as temporary:
        pq.write_table(pa.table(columns, schema=GROUND_TRUTH), temporary)


def _make_stills(part: Part, root: Path, rng: np.random.Generator) -> None:
    mesh = load_hand_mesh()
    subject = sample_subject(rng, mesh)
    records = []
    for output in part.outputs:
        scene = sample_still(rng, mesh, subject, part.image_size)
        picture = render_frame(rng, scene, mesh, 0, _STILL_SUPERSAMPLING)
        _write_jpeg(root / output, picture)
        records.append(
            {
                "sample_id": Path(output).stem,
                "image_path": output,
                "width": part.image_size,
                "height": part.image_size,
                "keypoints_valid": np.ones(21, bool),
                "subject_id": part.subject_id,
                "sequence_id": part.name,
                "source": SOURCE,
                **scene.hand_labels(0)[0],
            }
        )
    write_poses(part.record_path(root), records)


def _write_video(path: Path, frames: list[np.ndarray], scratch: Path) -> None:
    """Write RGB frames as MPEG-4; OpenCV chooses the container by the ending of the name."""
    height, width = frames[0].shape[:2]
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(scratch), codec, FRAMES_PER_SECOND, (width, height))
    if not writer.isOpened():
        raise RuntimeError(
            f"OpenCV must be able to write MPEG-4, but cannot open {scratch}. "
            "Install opencv-python-headless from PyPI; it carries FFmpeg."
        )
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    os.replace(scratch, path)


def _write_jpeg(path: Path, picture: np.ndarray) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    encoded = cv2.imencode(".jpg", picture[:, :, ::-1], quality)[1]
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _flat(value):
    return value.ravel() if isinstance(value, np.ndarray) else value
