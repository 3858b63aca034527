"""Shows images in a web browser of this machine, while they are made."""

import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

_PAGE = b"""<!doctype html><meta charset="utf-8"><title>simhand demo</title>
<style>body{margin:0;background:#222}img{display:block;margin:auto;max-width:100vw;max-height:100vh}
</style><img src="stream" alt="The newest image with the hands in it">"""
_SECONDS_WITHOUT_IMAGE = 10.0


class LiveView:
    """A page with the newest image, at ``url``.

    Only programs on this machine can read it, and only those that know its address, which contains
    a random token: the images may be those of a camera.

    Attributes:
        url: Address of the page.
    """

    def __init__(self) -> None:
        self._newest, self._number = b"", 0
        self._changed, self._is_open = threading.Condition(), True
        self._path = f"/{secrets.token_urlsafe(16)}/"
        view = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                view._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)  # any free port
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{self._path}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def show(self, image: np.ndarray) -> None:
        """Replace the image, ``[H, W, 3]`` uint8, BGR."""
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        with self._changed:
            self._newest, self._number = encoded, self._number + 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the streams and close the page."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send the page, or images until the view or the browser closes."""
        if request.path not in (self._path, f"{self._path}stream"):
            request.send_error(404)
            return
        is_page = request.path == self._path
        kind = "text/html" if is_page else "multipart/x-mixed-replace; boundary=image"
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Cache-Control", "no-store")
        request.end_headers()
        try:
            if is_page:
                request.wfile.write(_PAGE)
            else:
                self._stream(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the browser has left

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        sent = 0
        while True:
            with self._changed:
                if self._is_open and self._number == sent:
                    self._changed.wait(_SECONDS_WITHOUT_IMAGE)
                if not self._is_open:
                    return
                image, is_new, sent = self._newest, self._number > sent, self._number
            if is_new:
                head = (
                    f"--image\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
                )
                request.wfile.write(head.encode() + image + b"\r\n")
