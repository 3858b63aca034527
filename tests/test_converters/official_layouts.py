"""Writes hands of our synthetic generator in the folder layouts of three official data sets.

Names, keys, units and orders follow the official toolkits and what users of the files say, not our
readers; nothing here is imported from them.
"""

import json
import shutil

import numpy as np
import yaml

# Our keypoint k has index TIP_FIRST[k] in AssemblyHands: fingers from the tip, the wrist last.
TIP_FIRST = [20, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16]


def dump(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def copy_image(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def write_freihand(root, hands, data_root):
    """Write ``hands`` (right hands only) as both training and test set."""
    xyz = [(hand["keypoints_3d"] / 1000).tolist() for hand in hands]
    cameras = [hand["camera_matrix"].tolist() for hand in hands]
    for folder, versions in (("training", 4), ("evaluation", 1)):
        dump(root / f"{folder}_K.json", cameras)
        dump(root / f"{folder}_scale.json", [0.03] * len(hands))
        for number in range(versions * len(hands)):
            image = data_root / hands[number % len(hands)]["image_path"]
            copy_image(image, root / folder / "rgb" / f"{number:08d}.jpg")
    dump(root / "training_xyz.json", xyz)
    dump(root.with_name(f"{root.name}_eval") / "evaluation_xyz.json", xyz)


# Official serial numbers of DexYCB's cameras.
SERIALS = (
    *("836212060125", "839512060362", "840412060917", "841412060263"),
    *("932122060857", "932122060861", "932122061900", "932122062010"),
)


def write_dexycb(root, hands, data_root, subjects=("01", "07")):
    """100 sequences a subject, of which the first is a frame long and the others are empty.

    Each of the eight cameras sees a different hand.
    """
    hands = [hands[number % len(hands)] for number in range(len(SERIALS))]
    for serial, hand in zip(SERIALS, hands, strict=True):
        (fx, _, ppx), (_, fy, ppy), _ = hand["camera_matrix"].tolist()
        path = root / "calibration" / "intrinsics" / f"{serial}_640x480.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        color = {"fx": fx, "fy": fy, "ppx": ppx, "ppy": ppy}
        path.write_text(yaml.safe_dump({"color": color, "depth": color}))
    for subject in subjects:
        folder = root / f"20200709-subject-{subject}"
        for number in range(100):
            sequence = folder / f"20200709_{140000 + number}"
            for serial in SERIALS:
                (sequence / serial).mkdir(parents=True)
            meta = {
                "serials": list(SERIALS),
                "num_frames": int(number == 0),
                "ycb_ids": [1, 11],
                "ycb_grasp_ind": 0,
                "mano_sides": [hands[0]["handedness"]],
                "mano_calib": ["20200709-subject-01_left"],
            }
            (sequence / "meta.yml").write_text(yaml.safe_dump(meta))
        write_dexycb_frame(
            root / f"20200709-subject-{subject}" / "20200709_140000", hands, data_root
        )


def write_dexycb_frame(sequence, hands, data_root, frame=0):
    for serial, hand in zip(SERIALS, hands, strict=True):
        copy_image(data_root / hand["image_path"], sequence / serial / f"color_{frame:06d}.jpg")
        np.savez(
            sequence / serial / f"labels_{frame:06d}.npz",
            seg=np.zeros((4, 4), np.uint8),
            pose_y=np.zeros((2, 3, 4), np.float32),
            joint_3d=(hand["keypoints_3d"] / 1000)[None].astype(np.float32),
            joint_2d=hand["keypoints_2d"][None].astype(np.float32),
            pose_m=np.ones((1, 51), np.float32),
        )


def write_assemblyhands(root, hands, data_root, split="train"):
    """Write one frame per hand, in a world frame that differs from the camera frame."""
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    shift = rng.normal(size=3) * 100
    images, annotations, joints, intrinsics, extrinsics = [], [], {}, {}, {}
    for number, hand in enumerate(hands):
        frame = f"{10 * number:06d}"
        camera = f"HMC_{number}"
        name = f"ego_images_rectified/{split}/seq_a/{camera}_mono10bit/{frame}.jpg"
        copy_image(data_root / hand["image_path"], root / "images" / name)
        offset = 0 if hand["handedness"] == "right" else 21
        camera_coordinates = np.full((42, 3), 1.0)
        camera_coordinates[np.array(TIP_FIRST) + offset] = hand["keypoints_3d"]
        world = (camera_coordinates - shift) @ turn  # camera = turn @ world + shift
        joints[frame] = {"world_coord": world.tolist()}
        extrinsics[frame] = {f"{camera}_mono10bit": np.column_stack([turn, shift]).tolist()}
        intrinsics[f"{camera}_mono10bit"] = hand["camera_matrix"].tolist()
        images.append(
            {
                "id": number,
                "seq_name": "seq_a",
                "camera": camera,
                "frame_idx": int(frame),
                "file_name": name,
                "width": int(hand["width"]),
                "height": int(hand["height"]),
            }
        )
        valid = np.zeros(42, int)
        valid[np.array(TIP_FIRST) + offset] = hand["keypoints_valid"]
        other = "left" if hand["handedness"] == "right" else "right"
        boxes = {hand["handedness"]: hand["bbox_xyxy"].tolist(), other: None}
        annotations.append(
            {"id": number, "image_id": number, "bbox": boxes, "joint_valid": valid.tolist()}
        )
    name = f"assemblyhands_{split}"
    folder = root / "annotations" / split
    dump(folder / f"{name}_ego_data_v1-1.json", {"images": images, "annotations": annotations})
    calibration = {"intrinsics": intrinsics, "extrinsics": extrinsics}
    dump(folder / f"{name}_ego_calib_v1-1.json", {"calibration": {"seq_a": calibration}})
    dump(folder / f"{name}_joint_3d_v1-1.json", {"annotations": {"seq_a": joints}})


def assemblyhands_file_name(number, split="train"):
    """Return the ``file_name`` of the n-th hand."""
    return f"ego_images_rectified/{split}/seq_a/HMC_{number}_mono10bit/{10 * number:06d}.jpg"
