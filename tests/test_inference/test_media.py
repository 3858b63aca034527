import struct
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from simhand_mm.inference.media import MediaSource
from simhand_mm.inference.media_writing import MediaWriter, draw_all


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)


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
