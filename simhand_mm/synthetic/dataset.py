"""Write a synthetic data set: videos with ground truth, and labelled still images.

OUT/videos/<video_id>.mp4     ten frames per second      OUT/ground_truth.parquet
OUT/images/{train,test}/      JPEG stills                OUT/poses/{train,test}.parquet
OUT/synthetic.json            summary of the data set, written last
OUT/parts/                    labels of the finished parts; an interrupted run continues from them
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
from tyro.conf import arg

from simhand_mm.executors import Executor, LocalExecutor, run_all
from simhand_mm.pool.files import read_json, sha256_of, write_json
from simhand_mm.pool.parquet_tables import write_table
from simhand_mm.synthetic.parts import STILLS_PER_SUBJECT, Part, make_part

GENERATOR_VERSION = 1
_TABLES = {
    "video": "ground_truth.parquet",
    "train": "poses/train.parquet",
    "test": "poses/test.parquet",
}


@dataclass(frozen=True)
class Contents:
    """Size and seed of a synthetic data set. Equal contents give identical bytes.

    Attributes:
        num_videos: Number of videos (320x240 px); three out of ten show two hands.
        num_frames: Number of frames per video, at ten frames per second.
        num_train_stills: Number of labelled images for training.
        num_test_stills: Number of labelled images for testing, of different people.
        seed: The only source of randomness.
        image_size: Side length of the square images in px.
        stills: Appearance of the stills: ``studio``, or ``any`` for models that must work on real
            images: any pose, view, light and background, smaller hands, often two.

    Raises:
        ValueError: If a value is too small.
    """

    num_videos: Annotated[int, arg(name="videos")] = 80
    num_frames: Annotated[int, arg(name="frames")] = 24
    num_train_stills: Annotated[int, arg(name="stills-train")] = 300
    num_test_stills: Annotated[int, arg(name="stills-test")] = 300
    seed: int = 0
    image_size: int = 128
    stills: Literal["studio", "any"] = "studio"

    def __post_init__(self) -> None:
        least = {"num_frames": 1, "image_size": 32}
        for name, value in self.parameters().items():
            if isinstance(value, str):
                continue
            bound = least.get(name, 0)
            if value < bound:
                raise ValueError(
                    f"{name} must be at least {bound}, but got {value}. Choose a larger value."
                )

    def parameters(self) -> dict[str, Any]:
        """Return what ``synthetic.json`` records: ``stills`` only if they are not ``studio``."""
        parameters = asdict(self)
        if self.stills == "studio":
            del parameters["stills"]
        return parameters


def synthesize(
    output_dir: str | Path,
    contents: Contents,
    executor: Executor = LocalExecutor(),  # noqa: B008 (frozen)
) -> dict:
    """Make a synthetic data set, or complete an interrupted one.

    The files are byte-identical for every executor and after any number of interruptions.

    Args:
        output_dir: Folder of the data set.
        contents: Size and seed of the data set.
        executor: Runs the rendering; by default in this process.

    Returns:
        The content of ``synthetic.json``.

    Raises:
        ValueError: If ``output_dir`` was started with different contents.
        NotADirectoryError: If ``output_dir`` is a file.
        RuntimeError: If a worker died. Finished parts are kept.
    """
    parameters = contents.parameters()
    root = Path(output_dir)
    parts = _plan(parameters)
    finished = _claim(root, parameters)
    outputs = [output for part in parts for output in part.outputs]
    if finished and all((root / name).is_file() for name in [*outputs, *finished["sha256"]]):
        return finished
    for folder in ("videos", "images/train", "images/test", "parts"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for leftover in (root / folder).glob(".*.tmp"):  # from an interrupted run
            leftover.unlink()
    todo = [part for part in parts if not part.is_finished(root)]
    if todo:
        run_all(executor, todo, _WorkerRecipe(root, executor.threads_per_worker), "parts")
    return _conclude(root, parts, parameters)


def _plan(parameters: dict[str, Any]) -> list[Part]:
    """List the parts of a data set."""
    common = {"image_size": parameters["image_size"], "seed": parameters["seed"]}
    parts = [
        Part("video", number, parameters["num_frames"], **common)
        for number in range(parameters["num_videos"])
    ]
    for kind in ("train", "test"):
        total = parameters[f"num_{kind}_stills"]
        for number, begin in enumerate(range(0, total, STILLS_PER_SUBJECT)):
            count = min(STILLS_PER_SUBJECT, total - begin)
            stills = parameters.get("stills", "studio")
            parts.append(Part(kind, number, count, **common, stills=stills))
    return parts


def _claim(root: Path, parameters: dict[str, Any]) -> dict | None:
    """Reserve the folder for these parameters; return its summary if it is already complete."""
    if root.exists() and not root.is_dir():
        raise NotADirectoryError(
            f"output_dir must be a folder, but {root} is a file. Choose another name."
        )
    path = root / "synthetic.json"
    header = {"generator_version": GENERATOR_VERSION, "parameters": parameters}
    if not path.is_file():
        write_json(path, header | {"is_complete": False})
        return None
    present = read_json(path)
    for name, wanted in (header | parameters).items():
        found = present.get("parameters", {}).get(name, present.get(name))
        if found != wanted and name != "parameters":
            raise ValueError(
                f"output_dir must be new or started with the same arguments, but {root} has "
                f"{name}={found}, and {name}={wanted} was requested. Choose another folder, or "
                "delete this one."
            )
    return present if present["is_complete"] else None


@dataclass(frozen=True)
class _WorkerRecipe:
    """Builds the function that makes a part, once in each worker process."""

    root: Path
    num_threads: int

    def __call__(self) -> Callable[[Part], None]:
        cv2.setNumThreads(self.num_threads)
        return partial(make_part, root=self.root)


def _conclude(root: Path, parts: list[Part], parameters: dict[str, Any]) -> dict:
    """Concatenate the labels of all parts and write the summary."""
    tables, counts = {}, {}
    for kind, name in _TABLES.items():
        paths = [part.record_path(root) for part in parts if part.kind == kind]
        if paths:
            table = pa.concat_tables([pq.read_table(path) for path in paths])
            write_table(root / name, table)
            tables[name] = sha256_of(root / name)
            counts[name] = table.num_rows
    summary = {
        "generator_version": GENERATOR_VERSION,
        "parameters": parameters,
        "is_complete": True,
        "num_rows": counts,
        "sha256": tables,
    }
    write_json(root / "synthetic.json", summary)
    return summary
