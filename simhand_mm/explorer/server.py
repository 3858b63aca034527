"""The server of the page: on this machine only, and only for those who know its address.

The address contains a random token. Requests without it are refused, and so are those in which a
page of another site uses its own name for this machine (DNS rebinding).
"""

import json
import logging
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from simhand_mm.explorer.exploration import Exploration

logger = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_PAGE = Path(__file__).parent / "page"
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_BINARY, _JSON, _JPEG = "application/octet-stream", "application/json", "image/jpeg"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Answer = tuple[str, bytes]
"""Media type and content."""


class ExplorerServer(ThreadingHTTPServer):
    """Serves the page of an exploration.

    Args:
        exploration: What is shown.
        port: Port of 127.0.0.1; 0: a free one.

    Raises:
        OSError: If the port is in use.
    """

    daemon_threads = True

    def __init__(self, exploration: Exploration, port: int = 0) -> None:
        self.exploration = exploration
        self.token = secrets.token_urlsafe(16)
        try:
            super().__init__((_HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise OSError(
                f"port must be free and at most 65535, but {port} gives: {str(error).rstrip('.')}. "
                "Choose another --port, or 0."
            ) from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report defects of the program, but not that a page was closed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """Address of the page, with the token."""
        return f"http://{_HOST}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def explorer(self) -> ExplorerServer:
        assert isinstance(self.server, ExplorerServer)
        return self.server

    def do_GET(self) -> None:
        self._respond(self._get)

    def do_POST(self) -> None:
        self._respond(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep requests, which contain the token, out of the terminal."""

    def _respond(self, answer_to: Callable[[str, dict[str, str]], Answer]) -> None:
        address = urlsplit(self.path)
        token, _, name = address.path.lstrip("/").partition("/")
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        if not secrets.compare_digest(token.encode(), self.explorer.token.encode()):
            return self._refuse("the address must contain the token that was printed")
        if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in (_HOST, "localhost"):
            return self._refuse("the page must be opened as 127.0.0.1 or localhost")
        try:
            kind, content = answer_to(name, query)
        except (ValueError, KeyError, IndexError, OSError) as error:
            return self._send(HTTPStatus.BAD_REQUEST, "text/plain", str(error).encode())
        return self._send(HTTPStatus.OK, kind, content)

    def _get(self, name: str, query: dict[str, str]) -> Answer:
        exploration = self.explorer.exploration
        if name == "overview":
            return _JSON, json.dumps(exploration.overview()).encode()
        if name == "places":
            return _BINARY, exploration.places.astype("<f4").tobytes()
        if name == "codes":
            codes, legend = exploration.codes(query["column"])
            text = json.dumps(legend).encode()
            return _BINARY, len(text).to_bytes(4, "little") + text + codes.tobytes()
        if name == "hand":
            return _JSON, json.dumps(exploration.hand(self._row(query))).encode()
        if name == "crop":
            return _JPEG, exploration.crop(self._row(query))
        if name == "matching":
            is_match = exploration.matching(query.get("where", ""), query.get("text", ""))
            return _BINARY, _packed(is_match)
        if name == "excluded":
            return _BINARY, _packed(exploration.is_excluded)
        return self._file(name or "index.html")

    def _post(self, name: str, query: dict[str, str]) -> Answer:
        length = int(self.headers.get("Content-Length") or 0)
        num_hands = len(self.explorer.exploration.pool)
        if name != "excluded" or length != -(-num_hands // 8):
            self.close_connection = True  # the content was not read
            raise ValueError(f"excluded must have one bit per hand, {num_hands}, but got {name!r}")
        bits = np.frombuffer(self.rfile.read(length), np.uint8)
        is_excluded = np.unpackbits(bits, count=num_hands, bitorder="little").astype(bool)
        self.explorer.exploration.exclude(is_excluded)
        return _JSON, b"{}"

    def _row(self, query: dict[str, str]) -> int:
        row, num_hands = int(query["row"]), len(self.explorer.exploration.pool)
        if not 0 <= row < num_hands:
            raise ValueError(f"row must be 0 to {num_hands - 1}, but got {row}.")
        return row

    def _file(self, name: str) -> Answer:
        files = {path.name: path for path in _PAGE.iterdir() if path.suffix in _KINDS}
        if name not in files:
            raise ValueError(f"there is no {name!r}")
        return _KINDS[files[name].suffix] + "; charset=utf-8", files[name].read_bytes()

    def _refuse(self, reason: str) -> None:
        self._send(HTTPStatus.FORBIDDEN, "text/plain", reason.encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        if status != HTTPStatus.OK:
            self.close_connection = True
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _packed(is_true: np.ndarray) -> bytes:
    """One bit per hand, the first in the lowest bit."""
    return np.packbits(is_true, bitorder="little").tobytes()
