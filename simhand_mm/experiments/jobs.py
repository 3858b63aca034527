"""Running the commands of a plan: each once, by several processes or machines, resumable.

A job has a folder. ``job.log`` in it is what the command printed, ``job.done`` says that it ended
well, and ``job.lock`` is held while a process works on it (on a shared disk, by ``flock``).
"""

import fcntl
import glob
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simhand_mm.pool.files import atomic_path

# The console script may be missing where the package is only on PYTHONPATH.
_PROGRAMS = {
    "simhand": (sys.executable, "-c", "from simhand_mm.cli import main; main()"),
    "python": (sys.executable,),
}


@dataclass(frozen=True)
class Job:
    """One command.

    Attributes:
        folder: Where its results, its log and its mark lie.
        arguments: Command line; the first word is ``simhand`` or ``python``. A ``*`` stands for
            the rest of the name of a file that is there when the command starts.
        data: ``SIMHAND_DATA`` of the command.
        environment: More variables, ``NAME=value``.
    """

    folder: Path
    arguments: tuple[str, ...]
    data: Path
    environment: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command line."""
        return " ".join(self.arguments)

    @property
    def is_done(self) -> bool:
        """Whether exactly this command ended well before."""
        mark = self.folder / "job.done"
        return mark.is_file() and mark.read_text(encoding="utf-8").split("\n")[0] == self.command

    def run(self, lock: int | None = None) -> None:
        """Run it and mark it as done.

        Args:
            lock: File descriptor that the command keeps open, so that the lock on it lasts as long
                as the command even if this process is killed.

        Raises:
            RuntimeError: If it fails; the message has the end of its log.
        """
        start = time.time()
        environment = os.environ | {
            "SIMHAND_DATA": str(self.data),
            "PYTHONWARNINGS": "ignore",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "GOMP_SPINCOUNT": "20000",  # several times faster where cores are shared
            **dict(variable.split("=", 1) for variable in self.environment),
        }
        program, *arguments = self.arguments
        command = [*_PROGRAMS[program], *map(_find_file, arguments)]
        log = self.folder / "job.log"
        with log.open("w", encoding="utf-8") as output:
            code = subprocess.run(
                command,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=() if lock is None else (lock,),
            ).returncode
        if code:
            tail = "\n".join(log.read_text(encoding="utf-8").replace("\r", "\n").split("\n")[-15:])
            raise RuntimeError(f"{self.command} failed; its log is {log}:\n{tail}")
        with atomic_path(self.folder / "job.done") as temporary:
            temporary.write_text(f"{self.command}\n{time.time() - start:.0f}\n", encoding="utf-8")


@contextmanager
def claim(job: Job) -> Iterator[int | None]:
    """Lock a job.

    Yields:
        File descriptor of the lock; None if another process is working on the job.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    with (job.folder / "job.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield lock.fileno()


def run_chains(chains: Sequence[Sequence[Job]], poll_s: float = 5.0) -> dict[str, str]:
    """Run what is missing.

    A job that another process holds is left to it and looked at again later. A failed job ends its
    own chain and those that need it; the others go on.

    Args:
        chains: Jobs of each row, in order.
        poll_s: Seconds to wait when every remaining job is held by other processes.

    Returns:
        Errors by command; empty if all went well.
    """
    errors: dict[str, str] = {}
    todo = list(chains)
    while todo:
        waiting = [jobs for jobs in todo if not _advance(jobs, errors)]
        if len(waiting) == len(todo):
            time.sleep(poll_s)
        todo = waiting
    return errors


def _advance(jobs: Sequence[Job], errors: dict[str, str]) -> bool:
    """Run the jobs of a chain in order.

    Returns:
        False if another process holds one of them; True if there is nothing left to do here.
    """
    for job in jobs:
        if job.command in errors:
            return True
        if job.is_done:
            continue
        with claim(job) as lock:
            if lock is None:
                return False
            if job.is_done:
                continue
            print(time.strftime("%H:%M:%S"), job.command, flush=True)
            try:
                job.run(lock)
            except RuntimeError as error:
                print(error, file=sys.stderr, flush=True)
                errors[job.command] = str(error)
                return True
    return True


def _find_file(argument: str) -> str:
    """The one file that a pattern stands for; any other argument as it is."""
    if "*" not in argument:
        return argument
    found = glob.glob(argument)
    if len(found) != 1:
        raise RuntimeError(f"{argument} must match one file, but got {sorted(found) or 'none'}.")
    return found[0]
