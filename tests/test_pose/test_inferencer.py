import struct
import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

from simhand_mm import cli
from simhand_mm.functional.camera import project
from simhand_mm.pool import HandBox
from simhand_mm.pose.inferencer import HandPose3DInferencer
from simhand_mm.pose.media import MediaSource, MediaWriter, draw_all
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


def test_finder_and_json(inferencer, image):
    inferencer.find_hands = lambda image: [HandBox(np.array([20, 30, 90, 100]), "left", 0.7)]
    record = inferencer(image)[0].to_json()
    assert record["handedness"] == "left"
    assert record["bbox_xyxy_px"] == [20, 30, 90, 100]
    assert np.shape(record["keypoints_3d_root_relative_mm"]) == (21, 3)
    assert record["keypoints_3d_root_relative_mm"][0] == [0, 0, 0]
    assert record["wrist_in_camera_mm"] is None
    inferencer.find_hands = lambda image: []
    assert inferencer(image) == []


def test_missing_boxes_are_refused(inferencer, image):
    with pytest.raises(ValueError, match="boxes must be given"):
        inferencer(image)


def test_folder_of_images(tmp_path, image):
    cv2.imwrite(str(tmp_path / "b.png"), image)
    cv2.imwrite(str(tmp_path / "a.jpg"), image)
    (tmp_path / "c.jpg").write_text("not an image")
    source = MediaSource(str(tmp_path))
    assert len(source) == 3
    assert [name for name, _ in source] == ["a.jpg", "b.png"]
    assert source.unreadable == {"c.jpg": "not decodable"}
    assert source.fps is None


def write_video(path, frames):
    height, width = frames[0].shape[:2]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (width, height))
    for frame in frames:
        video.write(frame)
    video.release()


def test_video_round_trip(tmp_path, image):
    write_video(tmp_path / "in.mp4", [image] * 3)
    writer = MediaWriter(tmp_path / "out", MediaSource(str(tmp_path / "in.mp4")))
    for _ in range(3):
        writer.write("frame", image)
    writer.close()
    source = MediaSource(str(tmp_path / "out" / "demo.mp4"))
    assert source.fps == 10
    assert [name for name, _ in source] == ["frame_000000", "frame_000001", "frame_000002"]


def test_rotated_videos_and_photographs_of_phones_are_upright(tmp_path, image):
    write_video(tmp_path / "a.mp4", [image])
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    matrix = content.index(b"tkhd") + 44  # of a track header of version 0
    quarter_turn = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    content[matrix : matrix + 36] = quarter_turn
    (tmp_path / "a.mp4").write_bytes(content)
    assert next(iter(MediaSource(str(tmp_path / "a.mp4"))))[1].shape == (160, 120, 3)
    photo = Image.fromarray(image)
    photo.getexif()[0x0112] = 6  # orientation: turn by 90 degrees
    photo.save(tmp_path / "a.jpg", exif=photo.getexif())
    assert next(iter(MediaSource(str(tmp_path / "a.jpg"))))[1].shape == (160, 120, 3)


def test_grey_16_bit_and_transparent_images_become_8_bit_bgr(tmp_path, image):
    cv2.imwrite(str(tmp_path / "deep.png"), image[..., 0].astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "grey.png"), image[..., 0])
    cv2.imwrite(str(tmp_path / "transparent.png"), np.dstack([image, image[..., :1]]))
    deep, grey, transparent = (photo for _, photo in MediaSource(str(tmp_path)))
    np.testing.assert_array_equal(deep, grey)
    np.testing.assert_array_equal(grey, np.dstack([image[..., 0]] * 3))
    np.testing.assert_array_equal(transparent, image)


def test_images_with_the_same_stem_do_not_overwrite_each_other(tmp_path, image):
    for name in ("a.jpg", "a.png", "b.jpg"):
        (tmp_path / "in").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "in" / name), image)
    source = MediaSource(str(tmp_path / "in"))
    writer = MediaWriter(tmp_path / "out", source)
    for name, photo in source:
        writer.write(name, photo)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["a.png", "a.png.png", "b.png"]
    with pytest.raises(ValueError, match="folder must not be that of the source"):
        MediaWriter(tmp_path / "in", source)


def test_unusable_sources_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'.*none\.mp4' does not exist"):
        MediaSource(str(tmp_path / "none.mp4"))
    with pytest.raises(FileNotFoundError, match="must contain images"):
        MediaSource(str(tmp_path))
    (tmp_path / "a.mp4").write_text("not a video")
    with pytest.raises(ValueError, match=r"must be an image, video or camera"):
        MediaSource(str(tmp_path / "a.mp4"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
def test_a_truncated_image_is_reported(tmp_path, image, suffix):
    whole = cv2.imencode(suffix, image)[1].tobytes()
    (tmp_path / f"cut{suffix}").write_bytes(whole[: len(whole) // 2])
    (tmp_path / f"whole{suffix}").write_bytes(whole)
    source = MediaSource(str(tmp_path))
    assert [name for name, _ in source] == [f"whole{suffix}"]
    assert list(source.unreadable) == [f"cut{suffix}"]


def timed_video(path, times_ms, last_ms):
    """A video with the given time stamps; each frame has a different grey value."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4" if path.suffix == ".mp4" else "libvpx", rate=10_000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10_000)
        packets = []
        for number, time_ms in enumerate(times_ms):
            grey = np.full((48, 64, 3), 20 + 10 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="bgr24")
            frame.pts, frame.time_base = round(10 * time_ms), Fraction(1, 10_000)
            packets += stream.encode(frame)
        packets += stream.encode()
        stamps = [*(packet.pts for packet in packets), round(10 * (times_ms[-1] + last_ms))]
        for packet, end in zip(packets, stamps[1:], strict=True):
            packet.duration = end - packet.pts
            file.mux(packet)


VARIABLE = [0, 40, 80, 400, 440, 1500, 1540, 2900]


@pytest.mark.parametrize(
    "name, times_ms, last_ms",
    [
        ("fast.mp4", np.arange(20) / 1.055, 1 / 1.055),
        ("very_fast.mp4", np.arange(20) / 8, 30),
        ("variable.mp4", VARIABLE, 400),
        ("variable.webm", VARIABLE, 33),
    ],
)
def test_output_has_the_duration_of_the_input(tmp_path, name, times_ms, last_ms):
    """Time stamps of all frames and the duration are kept at any frame rate."""
    av = pytest.importorskip("av")
    timed_video(tmp_path / name, times_ms, last_ms)
    source = MediaSource(str(tmp_path / name))
    writer = MediaWriter(tmp_path / "out", source)
    results = draw_all(source, writer, lambda image: (image, []))
    assert len(results) == len(times_ms)
    with av.open(str(tmp_path / name)) as before, av.open(str(tmp_path / "out/demo.mp4")) as after:
        expected, found = before.duration, after.duration
        stamps = [[frame.time for frame in file.decode(video=0)] for file in (before, after)]
    assert found == pytest.approx(expected, abs=2_000, rel=0.01)
    np.testing.assert_allclose(*(np.subtract(times, times[0]) for times in stamps), atol=6e-4)


def test_video_of_odd_size(tmp_path, image):
    write_video(tmp_path / "in.mp4", [image] * 2)
    source = MediaSource(str(tmp_path / "in.mp4"))
    draw_all(source, MediaWriter(tmp_path / "out", source), lambda i: (i[:-1, :-3], []))
    assert next(iter(MediaSource(str(tmp_path / "out/demo.mp4"))))[1].shape == (120, 158, 3)


def test_one_bad_image_does_not_end_a_run(tmp_path, image):
    (tmp_path / "in").mkdir()
    for name in "abc":
        cv2.imwrite(str(tmp_path / "in" / f"{name}.png"), image)
    numbers = iter(range(3))

    def draw(image):
        if next(numbers) == 1:
            raise RuntimeError("test failure")
        return image, []

    source = MediaSource(str(tmp_path / "in"))
    results = draw_all(source, MediaWriter(tmp_path / "out", source), draw)
    assert [result["image"] for result in results] == ["a.png", "c.png"]
    assert source.unreadable == {"b.png": "RuntimeError: test failure"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]


def test_a_source_without_usable_image_is_refused(tmp_path, image):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_text("not an image")
    source = MediaSource(str(tmp_path / "in"))
    with pytest.raises(ValueError, match=r"all 1 failed \(a.jpg: not decodable\)"):
        draw_all(source, MediaWriter(tmp_path / "out", source), lambda image: (image, []))


@pytest.mark.parametrize("names, expected", [("a", 0), ("ab", 3), ("b", 1)])
def test_exit_codes_of_the_demo(inferencer, tmp_path, image, names, expected, monkeypatch, capsys):
    """0: all images were processed, 3: some were dropped, 1: all failed."""
    (tmp_path / "in").mkdir()
    whole = cv2.imencode(".jpg", image)[1].tobytes()
    for name, content in (("a", whole), ("b", whole[: len(whole) // 2])):
        if name in names:
            (tmp_path / "in" / f"{name}.jpg").write_bytes(content)
    arguments = [CONFIG, tmp_path / "a.pth", tmp_path / "in", "--out", tmp_path / "out"]
    box = ["--box", 10, 10, 90, 90]
    monkeypatch.setattr(sys, "argv", ["simhand", "demo", *map(str, [*arguments, *box])])
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    assert code == expected
    messages = capsys.readouterr().err
    assert ("b.jpg" in messages) == ("b" in names)
    assert (tmp_path / "out" / "a.png").exists() == ("a" in names)
