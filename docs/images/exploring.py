"""Draw the picture of docs/exploring.md: the page of simhand explore, with a hand and a selection.

python -m docs.images.exploring POOL docs/images/exploring.jpg

The picture's pool is 10k of SynthHands (simhand reproduce synthhands methods --run).
"""

import argparse
import tempfile
import threading
from pathlib import Path

import cv2

from simhand_mm.explorer.exploration import Exploration
from simhand_mm.explorer.layout import MapSettings, place_hands
from simhand_mm.explorer.server import ExplorerServer
from simhand_mm.pool import HandPool, atomic_path
from tools.benchmarks.chromium import Browser

SIZE = (1280, 800)
LASSO = ((0.55, 0.72), (0.85, 0.72), (0.85, 0.98), (0.55, 0.98))


def draw(server: ExplorerServer, folder: Path, column: str, row: int) -> Path:
    """Open the page, colour it, select hands and open one; return a PNG."""
    with Browser(folder / "profile", SIZE) as browser:
        browser.visit(server.url)
        browser.wait_for("document.body.dataset.state === 'ready'")
        browser.evaluate("document.getElementById('title').textContent = 'data/pool'")
        browser.fill("#color", column)
        browser.click("#lasso")
        left, top, right, bottom = browser.box("main")
        places = [(left + x * (right - left), top + y * (bottom - top)) for x, y in LASSO]
        browser.drag(*places)
        browser.wait_for("!document.getElementById('selection').hidden")
        browser.evaluate(f"location.hash = 'hand={row}'")
        browser.wait_for("document.querySelector('#hand .crop img').naturalWidth > 0")
        visible = "[...document.images].filter(i => i.getBoundingClientRect().top < innerHeight)"
        browser.wait_for(f"{visible}.every(image => image.closest('[hidden]') || image.complete)")
        browser.screenshot(folder / "page.png")
    return folder / "page.png"


def main() -> None:
    """Serve the page, draw it, and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pool", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--column", default="sharpness")
    parser.add_argument("--row", type=int, default=4000)
    args = parser.parse_args()
    pool = HandPool(args.pool)
    places = place_hands(pool, MapSettings())
    with tempfile.TemporaryDirectory() as folder:
        exploration = Exploration(pool, places, "similar", Path(folder) / "exclude.csv")
        exploration.exclude_list = Path("exclude.csv")  # as the page shows it; nothing is excluded
        with ExplorerServer(exploration) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            image = cv2.imread(str(draw(server, Path(folder), args.column, args.row)))
            server.shutdown()
    with atomic_path(args.picture) as temporary:
        temporary.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 82])[1])


if __name__ == "__main__":
    main()
