"""Writes hands of our synthetic generator in public layouts of 2D and 3D labels.

Names, keys, flags and orders are those of mmpose's data sets OneHand10K, RHD and COCO-WholeBody and
of MediaPipe; nothing here is imported from our readers.
"""

import numpy as np

from tests.test_converters.official_layouts import copy_image, dump

MMPOSE_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
ONEHAND10K_NAMES = ["wrist", *(f"{f}{joint}" for f in MMPOSE_FINGERS for joint in (1, 2, 3, 4))]
RHD_NAMES = ["wrist", *(f"{f}{joint}" for f in MMPOSE_FINGERS for joint in (4, 3, 2, 1))]
MEDIAPIPE_NAMES = [
    *("WRIST", "THUMB_CMC", "THUMB_MCP", "THUMB_IP", "THUMB_TIP"),
    *(f"{finger}_{joint}" for finger in ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
      for joint in ("MCP", "PIP", "DIP", "TIP")),
]  # fmt: skip
MANO_NAMES = [
    "wrist",
    *(f"{finger}{joint}" for finger in ("index", "middle", "pinky", "ring", "thumb")
      for joint in (1, 2, 3)),
    *(f"{finger}4" for finger in ("thumb", "index", "middle", "ring", "pinky")),
]  # fmt: skip
# Position of each of our keypoints in RHD: the wrist, then each finger from its tip.
RHD_POSITIONS = [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17]


def _xywh(hand):
    x1, y1, x2, y2 = hand["bbox_xyxy"].tolist()
    return [x1, y1, x2 - x1, y2 - y1]


def _write(root, hands, data_root, annotations, names, image_fields=None):
    images = []
    for number, hand in enumerate(hands):
        copy_image(data_root / hand["image_path"], root / "images" / f"{number}.jpg")
        size = {"width": int(hand["width"]), "height": int(hand["height"])}
        images.append({"file_name": f"{number}.jpg", "id": number, **size,
                       **(image_fields(hand) if image_fields else {})})  # fmt: skip
    category = {"id": 1, "name": "hand", "supercategory": "hand"}
    if names:
        category["keypoints"] = names
    content = {"images": images, "annotations": annotations, "categories": [category]}
    dump(root / "annotations" / "hands_train.json", content)
    return content


def write_onehand10k(root, hands, data_root, names=ONEHAND10K_NAMES):
    """2D only, no side; keypoints without a label are three zeros."""
    annotations = []
    for number, hand in enumerate(hands):
        flags = np.ones(21)
        flags[[0, 7]] = 0
        points = np.column_stack([hand["keypoints_2d"], flags])
        points[flags == 0] = 0
        annotations.append({"id": 10 + number, "image_id": number, "category_id": 1, "iscrowd": 0,
                            "bbox": _xywh(hand), "keypoints": points.ravel().tolist()})  # fmt: skip
    return _write(root, hands, data_root, annotations, names)


def write_rhd(root, hands, data_root, names=RHD_NAMES, unit_mm=1.0):
    """3D in the camera frame as ``joint_cam``, nested keypoints, cameras in the images."""
    annotations = []
    for number, hand in enumerate(hands):
        points, pose = np.zeros((21, 3)), np.zeros((21, 3))
        points[RHD_POSITIONS] = np.column_stack([hand["keypoints_2d"], np.ones(21)])
        pose[RHD_POSITIONS] = hand["keypoints_3d"] / unit_mm
        side = hand["handedness"]
        annotations.append({"id": number, "image_id": number, "category_id": 1, "iscrowd": 0,
                            "bbox": _xywh(hand), "keypoints": points.tolist(),
                            "joint_cam": pose.tolist(), "hand_type": side})  # fmt: skip

    def camera(hand):
        (fx, _, cx), (_, fy, cy), _ = hand["camera_matrix"].tolist()
        return {"cam_param": {"focal": [fx, fy], "princpt": [cx, cy]}}

    return _write(root, hands, data_root, annotations, names, camera)


def write_wholebody(root, hands, data_root):
    """Persons with two hands; here the other one is always unlabelled."""
    annotations = []
    for number, hand in enumerate(hands):
        side = hand["handedness"]
        other = "left" if side == "right" else "right"
        points = np.column_stack([hand["keypoints_2d"], np.full(21, 0.7)])
        annotations.append({
            "id": number, "image_id": number, "category_id": 1, "iscrowd": 0,
            "keypoints": [0] * 51, f"{side}hand_valid": True, f"{side}hand_box": _xywh(hand),
            f"{side}hand_kpts": points.ravel().tolist(), f"{other}hand_valid": False,
            f"{other}hand_box": [0.0, 0.0, 0.0, 0.0], f"{other}hand_kpts": [0.0] * 63,
        })  # fmt: skip
    return _write(root, hands, data_root, annotations, ["nose"] * 17)
