"""Parts of a synthetic data set: one video, or the stills of one person.

A part depends only on the seed, its kind and its number. Parts can therefore be made in any order
and by any number of processes, and the files are always byte-identical.
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
from simhand_mm.synthetic.domains import sample_any_still, sample_clip, sample_still
from simhand_mm.synthetic.ground_truth import GROUND_TRUTH
from simhand_mm.synthetic.hand.mesh import load_hand_mesh
from simhand_mm.synthetic.hand.subjects import sample_subject
from simhand_mm.synthetic.scenes import render_frame

SOURCE = "synthetic"
FRAMES_PER_SECOND = 10
FRAME_WIDTH, FRAME_HEIGHT = 320, 240
STILLS_PER_SUBJECT = 10
_KINDS = ("video", "train", "test")
_VIDEO_SUPERSAMPLING = 1.5
# The scene of a still, and its supersampling.
_STILLS = {"studio": (sample_still, 2.0), "any": (sample_any_still, 1.5)}
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Part:
    """The unit of work of one process.

    Attributes:
        kind: 'video', or 'train' or 'test' for stills.
        number: Index of the part among those of its kind.
        count: Number of frames of the video, or of stills of the person.
        image_size: Side length of a still in px; unused for a video.
        seed: Seed of the data set.
        stills: Appearance of stills, 'studio' or 'any'.
    """

    kind: str
    number: int
    count: int
    image_size: int
    seed: int
    stills: str = "studio"

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Name of the part, unique in the data set; for a video it is the ``video_id``."""
        return f"{self.kind}_{self.number:05d}"

    @property
    def subject_id(self) -> str:
        """ID of the person; each part shows a different person."""
        return f"{self.kind}_subject_{self.number:05d}"

    @property
    def outputs(self) -> list[str]:
        """Paths of the videos or images of the part, relative to the data set."""
        if self.kind == "video":
            return [f"videos/{self.name}.mp4"]
        return [f"images/{self.kind}/{self.name}_{still:02d}.jpg" for still in range(self.count)]

    def record_path(self, root: Path) -> Path:
        """Path of the labels of the part. They are written last and mark the part as finished."""
        return root / "parts" / f"{self.name}.parquet"

    def is_finished(self, root: Path) -> bool:
        """Whether all files of the part exist."""
        paths = [self.record_path(root), *(root / output for output in self.outputs)]
        return all(path.is_file() for path in paths)


def make_part(part: Part, root: Path) -> None:
    """Render a part and write its images, then its labels."""
    rng = np.random.default_rng([part.seed, _KINDS.index(part.kind), part.number])
    if part.kind == "video":
        _make_video(part, root, rng)
    else:
        _make_stills(part, root, rng)


def _make_video(part: Part, root: Path, rng: np.random.Generator) -> None:
    mesh = load_hand_mesh()
    # Three out of every ten consecutive videos show both hands.
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
    sample, supersampling = _STILLS[part.stills]
    records = []
    for output in part.outputs:
        scene = sample(rng, mesh, subject, part.image_size)
        image = render_frame(rng, scene, mesh, 0, supersampling)
        _write_jpeg(root / output, image)
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
    """Write RGB frames as MPEG-4; OpenCV chooses the container by the file name extension."""
    height, width = frames[0].shape[:2]
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(scratch), codec, FRAMES_PER_SECOND, (width, height))
    if not writer.isOpened():
        raise RuntimeError(
            f"OpenCV must be able to write MPEG-4, but cannot open {scratch}. "
            "Install opencv-python-headless from PyPI, which includes FFmpeg."
        )
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    os.replace(scratch, path)


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    encoded = cv2.imencode(".jpg", image[:, :, ::-1], quality)[1]
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _flat(value):
    return value.ravel() if isinstance(value, np.ndarray) else value
