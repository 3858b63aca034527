"""The hand pool on disk, through which all stages exchange data (docs/data_format.md)."""

from simhand_mm.pool.detections import HandBox, read_detections, write_detections
from simhand_mm.pool.embeddings import load_pose_embeddings
from simhand_mm.pool.files import atomic_path, read_json, write_json
from simhand_mm.pool.hand_poses import HandPose3D, describe_json
from simhand_mm.pool.pairs import HandPairs, load_pairs, save_pairs
from simhand_mm.pool.poses import read_poses, write_poses
from simhand_mm.pool.predictions import read_predictions, write_predictions
from simhand_mm.pool.reader import HandPool
from simhand_mm.pool.schema import DropRecord, HandRecord
from simhand_mm.pool.text_tables import read_rows
from simhand_mm.pool.video_statuses import SourceFile, VideoStatus
from simhand_mm.pool.writer import PoolWriter

__all__ = [
    "DropRecord",
    "HandBox",
    "HandPairs",
    "HandPool",
    "HandPose3D",
    "HandRecord",
    "PoolWriter",
    "SourceFile",
    "VideoStatus",
    "atomic_path",
    "describe_json",
    "load_pairs",
    "load_pose_embeddings",
    "read_detections",
    "read_json",
    "read_poses",
    "read_predictions",
    "read_rows",
    "save_pairs",
    "write_detections",
    "write_json",
    "write_poses",
    "write_predictions",
]
