"""Look through a pool in the browser: a map of its hands, their pairs, and a list to exclude.

    simhand explore data/pool
    simhand explore data/pool --layout umap --pairs similar
    simhand explore data/pool --features work_dirs/simhand/backbone.pth

The command prints the address of the page, which only this machine can open. Hands that you
exclude on the page are written to exclude.csv, which simhand subset data/pool data/pool-clean
--exclude exclude.csv reads. Stop the command with Ctrl+C.
"""

import logging
from pathlib import Path
from typing import Annotated

from simhand_mm.cli import run
from simhand_mm.explorer.exploration import Exploration
from simhand_mm.explorer.layout import MapSettings, place_hands
from simhand_mm.explorer.server import ExplorerServer
from simhand_mm.options import Csv, Out, Pool
from simhand_mm.pool import HandPool


def main(
    pool_dir: Pool,
    /,
    settings: MapSettings,
    pairs: str | None = None,
    out: Annotated[Out, Csv] = Path("exclude.csv"),
    port: int = 0,
) -> None:
    """Serve the page until it is stopped.

    Args:
        pool_dir: Pool folder.
        settings: How the map is made.
        pairs: Name of the mined pairs that are shown (default: similar, if they exist).
        out: CSV file of the excluded hands; if it exists, it is continued.
        port: Port of this machine; 0 chooses a free one.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pool = HandPool(pool_dir)
    places = place_hands(pool, settings)
    with ExplorerServer(Exploration(pool, places, pairs, out), port) as server:
        print(f"{len(pool):,} hands. Open {server.url}\nStop with Ctrl+C.", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    run(main, __doc__)
