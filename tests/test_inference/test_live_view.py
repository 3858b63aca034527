from http.client import HTTPConnection

import cv2
import numpy as np
import pytest

from simhand_mm.inference.live_view import LiveView


@pytest.fixture
def view():
    view = LiveView()
    yield view
    view.close()


def read_image(stream):
    """Read the next image of the stream."""
    lines = [stream.readline().strip() for _ in range(4)]
    assert lines[:2] == [b"--image", b"Content-Type: image/jpeg"] and lines[3] == b""
    image = stream.read(int(lines[2].split()[-1]))
    assert stream.readline().strip() == b""
    return cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)


def get(view, path):
    connection = HTTPConnection(view.url.split("/")[2], timeout=5)
    connection.request("GET", path)
    return connection.getresponse()


def path_of(view):
    """The path of the page, with its token."""
    return "/" + view.url.split("/", 3)[3]


def test_a_browser_gets_a_page_and_then_every_new_image(view):
    assert view.url.startswith("http://127.0.0.1:")
    page = get(view, path_of(view))
    assert page.status == 200 and b'src="stream"' in page.read()
    view.show(np.full((20, 30, 3), 50, np.uint8))
    stream = get(view, f"{path_of(view)}stream")
    first = read_image(stream)
    assert first.shape == (20, 30, 3) and abs(int(first.mean()) - 50) < 3
    view.show(np.full((20, 30, 3), 200, np.uint8))
    assert abs(int(read_image(stream).mean()) - 200) < 3


def test_other_pages_do_not_exist_and_closing_ends_the_stream(view):
    for path in ("/", "/stream", "/wrong-token/stream", f"{path_of(view)}../etc/passwd"):
        assert get(view, path).status == 404
    view.show(np.zeros((8, 8, 3), np.uint8))
    stream = get(view, f"{path_of(view)}stream")
    read_image(stream)
    view.close()
    assert stream.read() == b""
