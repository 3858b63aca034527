"""Run the commands of a plan, each once, from several processes or machines, resumably.

Each job has a folder with ``job.log``, the output of the command; ``job.done``, which exists if it
succeeded; and ``job.lock``, which is locked (``flock``, also on a shared disk) while it runs.
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

from simhand_mm.pool.files import write_text

# The console script may be missing if the package is only on PYTHONPATH.
_PROGRAMS = {
    "simhand": (sys.executable, "-c", "from simhand_mm.cli import main; main()"),
    "python": (sys.executable,),
}


@dataclass(frozen=True)
class Job:
    """One command.

    Attributes:
        folder: Folder of its results, ``job.log`` and ``job.done``.
        arguments: Command line; the first word is ``simhand`` or ``python``. An argument with ``*``
            is a pattern that must match one file when the command starts.
        data: ``SIMHAND_DATA`` of the command.
        environment: Other environment variables, ``NAME=value``.
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
        """Whether exactly this command has succeeded before."""
        mark = self.folder / "job.done"
        return mark.is_file() and mark.read_text(encoding="utf-8").split("\n")[0] == self.command

    def run(self, lock: int | None = None) -> None:
        """Run the command and write ``job.done``.

        Args:
            lock: File descriptor that the command inherits, so that the lock is held until the
                command ends, even if this process is killed.

        Raises:
            RuntimeError: If the command fails; the message has the end of its log.
        """
        start = time.time()
        environment = os.environ | {
            "SIMHAND_DATA": str(self.data),
            "PYTHONWARNINGS": "ignore",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "GOMP_SPINCOUNT": "20000",  # several times faster on shared cores
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
        write_text(self.folder / "job.done", f"{self.command}\n{time.time() - start:.0f}\n")


@contextmanager
def claim(job: Job) -> Iterator[int | None]:
    """Lock a job.

    Yields:
        File descriptor of the lock; None if another process is running the job.
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
    """Run all jobs that are not done.

    Jobs that another process is running are checked again later. A failed job ends its chain and
    all chains that need it; the others continue.

    Args:
        chains: Jobs of each row, in order.
        poll_s: Seconds to wait if other processes are running all remaining jobs.

    Returns:
        Errors by command; empty if there are none.
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
        False if another process is running one of them; True if the chain is finished or failed.
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
    """Return the only file that matches a pattern; other arguments are returned unchanged."""
    if "*" not in argument:
        return argument
    found = glob.glob(argument)
    if len(found) != 1:
        raise RuntimeError(f"{argument} must match one file, but got {sorted(found) or 'none'}.")
    return found[0]
