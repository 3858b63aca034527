"""Search for near-duplicates: which copies are found, and time and memory for millions of hands.

    python tools/benchmarks/duplicates.py --pool POOL --write docs/performance.md

Copies are made of crops of a pool, each by one change. For time and memory, the hashes of these
crops are repeated with random bits flipped, so that they are distributed as those of real crops.
"""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from parts import parts_parser, run_parts, seconds_of

from simhand_mm.functional.near_duplicates import (
    MAX_KEY_DISTANCE,
    find_near_duplicates,
    hamming_distance,
)
from simhand_mm.mining.duplicate_hands import CERTAIN_DISTANCE, DuplicateSettings
from simhand_mm.mining.perceptual_hashing import hash_crop
from simhand_mm.pool import HandPool

HANDS_PER_VIDEO = 72
FLIPPED_SHARE = 0.15


def encoded(image: np.ndarray, quality: int = 90) -> bytes:
    """Return the JPEG of a BGR image."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def scaled(image: np.ndarray, factor: float) -> np.ndarray:
    """Shrink an image and enlarge it to its size."""
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[1::-1])


def moved(image: np.ndarray, share: float) -> np.ndarray:
    """Move an image by a share of its side in x and y, as another box of the hand would."""
    side = len(image)
    matrix = np.array([[1, 0, share * side], [0, 1, -share * side]])
    return cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)


def drawn_over(image: np.ndarray) -> np.ndarray:
    """Draw five lines from the wrist to the fingers and a line of text."""
    side, image = len(image), image.copy()
    for finger in range(5):
        tip = (int(side * (0.2 + 0.15 * finger)), int(side * 0.2))
        cv2.line(image, (side // 2, int(side * 0.8)), tip, (0, 255, 0), max(1, side // 75))
    place = (side // 20, side - side // 20)
    return cv2.putText(image, "@name", place, 0, side / 200, (255, 255, 255), max(1, side // 100))


CHANGES: dict[str, Callable[[np.ndarray], bytes]] = {
    "JPEG quality 50": lambda image: encoded(image, 50),
    "JPEG quality 15": lambda image: encoded(image, 15),
    "scaled to 1/2": lambda image: encoded(scaled(image, 1 / 2)),
    "scaled to 1/4": lambda image: encoded(scaled(image, 1 / 4)),
    "mirrored": lambda image: encoded(image[:, ::-1]),
    "brighter by 30 %": lambda image: encoded(cv2.convertScaleAbs(image, alpha=1.3)),
    "box moved by 1 % in x and y": lambda image: encoded(moved(image, 0.01)),
    "box moved by 3 % in x and y": lambda image: encoded(moved(image, 0.03)),
    "drawn over": lambda image: encoded(drawn_over(image)),
}


def key_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the number of different bits in the first words."""
    return hamming_distance(a[..., :1], b[..., :1])


def sample(pool_dir: Path, num_hands: int) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    """Return crops, their hashes ``[n, 2, 4]`` and videos, evenly over a pool."""
    pool = HandPool(pool_dir)
    rows = np.linspace(0, len(pool) - 1, min(num_hands, len(pool))).astype(int)
    crops = [pool.read_crop(int(row)) for row in rows]
    return crops, np.stack([hash_crop(crop) for crop in crops]), pool.video_index[rows]


def copies(pool_dir: Path, num_hands: int) -> Iterator[str]:
    """Yield a table of the copies that are found, by change."""
    crops, hashes, videos = sample(pool_dir, num_hands)
    other = videos[:, None] != videos
    limit = DuplicateSettings().max_distance
    yield f"| copy | found, at most {limit} bits | at most {CERTAIN_DISTANCE} bits | median bits |"
    yield "| --- | --- | --- | --- |"
    false_matches = np.zeros(len(crops), bool)
    for name, change in CHANGES.items():
        images = [cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR) for crop in crops]
        changed = np.stack([hash_crop(change(image)) for image in images])
        distance = np.full((len(crops), len(crops)), 256)
        for view in (0, 1):  # the crop as it is, and mirrored
            pairs = (changed[:, None, view], hashes[None, :, 0])
            near = key_distance(*pairs) <= MAX_KEY_DISTANCE
            distance = np.where(near, np.minimum(distance, hamming_distance(*pairs)), distance)
        own = np.diag(distance)
        false_matches |= ((distance <= limit) & other).any(axis=1)
        shares = [(own <= bits).mean() for bits in (limit, CERTAIN_DISTANCE)]
        yield f"| {name} | {shares[0]:.1%} | {shares[1]:.1%} | {np.median(own):.0f} |"
    yield ""
    yield (
        f"* {len(crops):,} crops of {len(np.unique(videos)):,} videos; {false_matches.sum()} of "
        f"them have a copy that matches a hand of another video"
    )


def search(pool_dir: Path, num_hands: int, num_search: int, num_threads: int) -> Iterator[str]:
    """Yield a table of time and memory of the search."""
    rng = np.random.default_rng(0)
    origins = sample(pool_dir, num_hands)[1][:, 0]
    find_near_duplicates(origins, np.arange(len(origins)), max_distance=1)  # compile
    limit = DuplicateSettings().max_distance
    yield "| hashes | seconds | core-seconds | pairs found | memory beyond the hashes, MB |"
    yield "| --- | --- | --- | --- | --- |"
    for count in (num_search // 10, num_search):
        hashes = origins[rng.integers(0, len(origins), count)]
        for start in range(0, count, 100_000):
            part = hashes[start : start + 100_000]
            flips = rng.random((len(part), 256), np.float32) < FLIPPED_SHARE
            part ^= np.packbits(flips, axis=1).view(np.uint64)
        groups = np.sort(rng.integers(0, count // HANDS_PER_VIDEO + 1, count))
        found: list[np.ndarray] = []

        def run(hashes=hashes, groups=groups, found=found) -> None:
            found[:] = find_near_duplicates(
                hashes, groups, max_distance=limit, num_threads=num_threads
            )

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, core = seconds_of(run)
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        yield f"| {count:,} | {wall:.1f} | {core:.1f} | {(found[0] >= 0).sum():,} | {memory:.0f} |"


PARTS = {
    "copies": lambda args: copies(args.pool, args.hands),
    "search": lambda args: search(args.pool, args.hands, args.search, args.threads),
}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--pool", type=Path, required=True, help="pool that crops are taken from")
    parser.add_argument("--hands", type=int, default=1000, help="number of its crops")
    parser.add_argument("--search", type=int, default=2_000_000, help="largest number of hashes")
    parser.add_argument("--threads", type=int, default=2)
    run_parts("duplicates", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
