"""Failures: a message for errors that the user can correct, a traceback for defects."""

import itertools
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

# Packages that cannot be in an extra (the reason is in pyproject.toml), by their import name.
WITHOUT_REQUIREMENTS = {
    "mmengine": "mmengine==0.10.7",
    "mmcv": "mmcv-lite==2.1.0",
    "mmpretrain": "mmpretrain==1.2.0",
    "mmpose": "mmpose==1.3.2",
    "mmdet": "mmdet==3.3.0",
    "mediapipe": "mediapipe==0.10.21",
}


@contextmanager
def messages_instead_of_tracebacks(program: str) -> Iterator[None]:
    """Exit with code 1 and a message if an error occurs that its message explains.

    Other errors, which indicate a defect of the program, keep their traceback. All errors keep it
    if the environment variable ``SIMHAND_TRACEBACK`` is set.

    Args:
        program: The command, with which messages begin.
    """
    try:
        yield
    except KeyboardInterrupt:
        print(f"\n{program}: stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader has closed the pipe, as `simhand ... | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("SIMHAND_TRACEBACK") or not _is_explained(error):
            raise
        print(f"{program}: {_message_of(error)}", file=sys.stderr)
        sys.exit(1)


def _is_explained(error: Exception) -> bool:
    """Whether it is a wrong value, file, config or installation, or a RuntimeError of our code."""
    if isinstance(error, (OSError, ValueError, ImportError, SyntaxError, UnpicklingError)):
        return True
    origin = traceback.extract_tb(error.__traceback__)[-1]
    package = Path(__file__).parent
    if isinstance(error, RuntimeError):
        # Errors inside torch, whose last line of Python is ours, are defects.
        is_raised = (origin.line or "").startswith("raise ")
        is_ours = map(Path(origin.filename).is_relative_to, (package, package.parent / "tools"))
        return is_raised and any(is_ours)
    return _is_of_config(error)


def _is_of_config(error: Exception) -> bool:
    """Whether an entry of a config is missing, or its type is unknown or has other arguments."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, (KeyError, AttributeError)):
        return _is_in_mmengine(frames[-1], "config", "registry")
    if isinstance(error, TypeError) and "argument" in str(error):
        # The registry calls a class, which may pass arguments on to its base.
        calls = itertools.dropwhile(lambda frame: frame.name == "__init__", reversed(frames))
        return any(_is_in_mmengine(frame, "registry") for frame in itertools.islice(calls, 1))
    return False


def _is_in_mmengine(frame: traceback.FrameSummary, *packages: str) -> bool:
    return Path(frame.filename).parts[-3:-1] in [("mmengine", package) for package in packages]


def _message_of(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is missing. {what_to_install(error)}"
    is_in_the_way = isinstance(error, (FileExistsError, NotADirectoryError))
    if is_in_the_way and error.filename and Path(error.filename).is_file():
        return f"{error.filename} must be a folder, but a file has this name. Choose another name."
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # ours, without the number that str(error) begins with
    if isinstance(error, SyntaxError):
        of_file = f" of {error.filename}" if Path(error.filename or "").is_file() else ""
        return f"{error.msg} in line {error.lineno}{of_file}: {(error.text or '').strip()}"
    if str(error).startswith("Failed to import custom modules"):
        return (
            f"custom_imports must name modules that can be imported, but gives: {_root_of(error)}. "
            "PYTHONPATH must name the folder that contains your own."
        )
    if _is_of_config(error):
        text = f"the config must be complete and correct, but gives: {error.args[0]}"
        if "simhand_mm." in text and "is not in the" in text:
            text += (
                "\ncustom_imports of a config replace those of its base: keep "
                "simhand_mm.pretraining or simhand_mm.pose in the list."
            )
        return text
    origin = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    if origin.parent.match("mmengine/optim/scheduler"):
        return f"param_scheduler must fit train_cfg, but gives: {error}. Change both together."
    return str(error)


def _root_of(error: BaseException) -> BaseException:
    """Return the error because of which this one was raised."""
    cause = error.__cause__ or error.__context__
    return error if cause is None else _root_of(cause)


def what_to_install(error: ImportError) -> str:
    """Return the command that installs a missing package."""
    name = (error.name or "").split(".")[0]
    if name in WITHOUT_REQUIREMENTS:
        every = " ".join(WITHOUT_REQUIREMENTS.values())
        return f"Run: pip install --no-deps {every}"
    return 'Run: pip install "simhand-mm[all]"'
