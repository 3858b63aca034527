import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmpose.apis import MMPoseInferencer

from simhand_mm import cli
from simhand_mm.functional.camera import project
from simhand_mm.pool import HandBox
from simhand_mm.pose.export import export_onnx
from simhand_mm.pose.inferencer import HandPose3DInferencer
from simhand_mm.pose.publishing import save_model
from tests.test_pose.test_stock_mmpose import CONFIG


@pytest.fixture
def inferencer(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMHAND_DATA", str(tmp_path))
    config = Config.fromfile(CONFIG)
    init_default_scope("mmpose")
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.head.mean_bone_length_mm.fill_(80.0)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "a.pth")
    return HandPose3DInferencer(config, tmp_path / "a.pth")


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)


def test_left_hand_is_the_mirror_image_of_a_right_hand(inferencer, image):
    """A mirrored image with the other handedness gives the mirrored hand."""
    right = inferencer(image, [HandBox(np.array([20, 30, 90, 100]), "right")])[0]
    box = np.array([160 - 90, 30, 160 - 20, 100])
    left = inferencer(image[:, ::-1].copy(), [HandBox(box, "left")])[0]
    np.testing.assert_allclose(left.keypoints_3d, right.keypoints_3d * [-1, 1, 1], atol=1e-3)
    np.testing.assert_allclose(left.keypoints_2d[:, 0], 159 - right.keypoints_2d[:, 0], atol=1e-3)
    np.testing.assert_allclose(left.keypoints_2d[:, 1], right.keypoints_2d[:, 1], atol=1e-3)


def test_camera_gives_the_position(inferencer, image):
    camera = np.array([[200.0, 0, 80], [0, 200, 60], [0, 0, 1]])
    boxes = [HandBox(np.array([20, 30, 90, 100]), "left", 0.7)]
    hand = inferencer(image, boxes, camera)[0]
    assert hand.position.shape == (3,)

    # The position minimises the projection error: moving the hand increases it.
    def misfit(position):
        rays = (hand.keypoints_3d + position) @ camera.T
        algebraic = rays[:, :2] - rays[:, 2:] * hand.keypoints_2d
        return (hand.keypoint_score[:, None] ** 2 * algebraic**2).sum()

    for step in 5 * np.eye(3):
        assert misfit(hand.position) <= min(misfit(hand.position + s * step) for s in (-1, 1))
    assert project(hand.keypoints_3d + hand.position, camera).shape == (21, 2)


def test_json(inferencer, image):
    boxes = [HandBox(np.array([20, 30, 90, 100]), "left", 0.7)]
    record = inferencer(image, boxes)[0].to_json()
    assert record["handedness"] == "left"
    assert record["bbox_xyxy_px"] == [20, 30, 90, 100]
    assert np.shape(record["keypoints_3d_root_relative_mm"]) == (21, 3)
    assert record["keypoints_3d_root_relative_mm"][0] == [0, 0, 0]
    assert record["wrist_in_camera_mm"] is None
    assert inferencer(image, []) == []


def test_onnxruntime_gives_the_same_hands(inferencer, image, tmp_path):
    boxes = [HandBox(np.array([20, 30, 90, 100]), side) for side in ("left", "right")]
    config = inferencer.model.cfg
    other = HandPose3DInferencer(config, tmp_path / "a.pth", runtime="onnxruntime")
    for ours, theirs in zip(inferencer(image, boxes), other(image, boxes), strict=True):
        for name in ("keypoints_2d", "keypoint_score", "keypoints_3d"):
            is_equal = np.isclose(getattr(ours, name), getattr(theirs, name), atol=1e-2)
            assert is_equal.mean() > 0.9  # maps of random weights have nearly equal maxima
    with pytest.raises(ValueError, match="device must be cpu"):
        HandPose3DInferencer(config, tmp_path / "a.pth", "meta", runtime="onnxruntime")


def test_a_published_model_needs_no_config(inferencer, image, tmp_path):
    state = inferencer.model.state_dict()
    save_model(tmp_path / "published.pth", state, inferencer.model.cfg, {"seed": 0})
    boxes = [HandBox(np.array([20, 30, 90, 100]), "left")]
    published = HandPose3DInferencer(None, tmp_path / "published.pth")
    expected, found = inferencer(image, boxes)[0], published(image, boxes)[0]
    np.testing.assert_allclose(
        found.keypoints_3d, expected.keypoints_3d, atol=1.0
    )  # half precision
    with pytest.raises(ValueError, match="config must be given"):
        HandPose3DInferencer(None, tmp_path / "a.pth")


def test_mmpose_inferencer_finds_the_same_keypoints(inferencer, image, tmp_path):
    """It reads our configs, and takes every hand for a right one."""
    stock = MMPoseInferencer(
        str(CONFIG), str(tmp_path / "a.pth"), device="cpu", det_model="whole_image"
    )
    found = next(stock(image, return_datasamples=True))["predictions"][0].pred_instances
    expected = inferencer(image, [HandBox(np.array([0, 0, 160, 120]), "right")])[0]
    np.testing.assert_allclose(found.keypoints[0], expected.keypoints_2d, atol=1e-3)
    np.testing.assert_allclose(found.keypoints_3d[0], expected.keypoints_3d, atol=1e-3)


@pytest.mark.parametrize("names, expected", [("a", 0), ("ab", 3), ("b", 1)])
def test_exit_codes_of_the_demo(inferencer, tmp_path, image, names, expected, monkeypatch, capsys):
    """0: all images were processed, 3: some were dropped, 1: all failed."""
    (tmp_path / "in").mkdir()
    whole = cv2.imencode(".jpg", image)[1].tobytes()
    for name, content in (("a", whole), ("b", whole[: len(whole) // 2])):
        if name in names:
            (tmp_path / "in" / f"{name}.jpg").write_bytes(content)
    model = ["--config", CONFIG, "--checkpoint", tmp_path / "a.pth"]
    arguments = [tmp_path / "in", *model, "--out", tmp_path / "out"]
    box = ["--box", 10, 10, 90, 90]
    monkeypatch.setattr(sys, "argv", ["simhand", "demo", *map(str, [*arguments, *box])])
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    assert code == expected
    said, messages = capsys.readouterr()
    assert said.startswith(f"Model: {tmp_path / 'a.pth'}")
    assert ("b.jpg" in messages) == ("b" in names)
    assert (tmp_path / "out" / "a.png").exists() == ("a" in names)


def test_backbones_and_models_of_another_size_are_not_taken_for_models(inferencer, tmp_path):
    """Their heads would stay random, and the poses would still look like poses."""
    weights = inferencer.model.state_dict()
    backbone = {name: value for name, value in weights.items() if name.startswith("backbone.")}
    half = {name: v[: len(v) // 2] if v.dim() else v for name, v in weights.items()}
    for content in (backbone, half):
        torch.save({"state_dict": content}, tmp_path / "b.pth")
        for use in (
            lambda: HandPose3DInferencer(CONFIG, tmp_path / "b.pth"),
            lambda: export_onnx(CONFIG, str(tmp_path / "b.pth"), tmp_path / "b.onnx"),
        ):
            with pytest.raises(ValueError, match="checkpoint must have every weight of the model"):
                use()
    assert not (tmp_path / "b.onnx").exists()
