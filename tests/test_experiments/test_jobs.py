"""Jobs: run once, shared with other processes; a failure ends only jobs that depend on it."""

import fcntl
import subprocess
import sys
import threading
import time

import pytest

from simhand_mm.experiments.jobs import Job, claim, run_chains


def job(folder, code):
    folder.mkdir(parents=True, exist_ok=True)
    return Job(folder, ("python", "-c", code), folder)


def test_finished_jobs_are_not_run_again(tmp_path):
    once = job(tmp_path / "job", "import os; print(os.environ['SIMHAND_DATA'])")
    assert not once.is_done
    assert run_chains([[once], [once]]) == {}
    assert once.is_done
    assert (once.folder / "job.log").read_text() == f"{once.folder}\n"
    assert not job(tmp_path / "job", "print('another command')").is_done


def test_failure_ends_its_chain_only(tmp_path, capsys):
    bad = job(tmp_path / "bad", "raise SystemExit('no data')")
    after = job(tmp_path / "after", "print(1)")
    other = job(tmp_path / "other", "print(2)")
    errors = run_chains([[bad, after], [other], [bad, other]])
    assert list(errors) == [bad.command]
    assert (after.is_done, other.is_done, bad.is_done) == (False, True, False)
    assert "no data" in errors[bad.command] and str(bad.folder / "job.log") in errors[bad.command]
    assert capsys.readouterr().out.count("no data") == 1  # announced once: it was run once


def test_waits_for_a_job_of_another_process(tmp_path):
    shared = job(tmp_path / "shared", "print(1)")
    with claim(shared) as lock:
        assert lock is not None
        thread = threading.Thread(target=run_chains, args=([[shared]], 0.01))
        thread.start()
        time.sleep(0.1)
        assert thread.is_alive() and not shared.is_done
        with claim(shared) as second:
            assert second is None
        shared.run(lock)
    thread.join(5)
    assert not thread.is_alive()


def test_lock_is_held_until_the_command_ends(tmp_path):
    """Even if its parent process is killed, no other process may train in the same folder."""
    runner = (
        "import sys; from pathlib import Path; from simhand_mm.experiments.jobs import *; "
        "run_chains([[Job(Path(sys.argv[1]), ('python', '-c', 'import time; time.sleep(2)'), "
        "Path('.'))]])"
    )
    process = subprocess.Popen([sys.executable, "-c", runner, str(tmp_path)])
    log = tmp_path / "job.log"
    while not log.exists():
        time.sleep(0.02)
    time.sleep(0.2)
    process.kill()
    process.wait()
    with (tmp_path / "job.lock").open() as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(lock, fcntl.LOCK_EX)  # free once the command has ended


def test_pattern_must_match_one_file(tmp_path):
    (tmp_path / "best_epoch_5.pth").touch()
    code = "import sys; print(sys.argv[1])"
    show = Job(tmp_path, ("python", "-c", code, str(tmp_path / "best_*.pth")), tmp_path)
    show.run()
    assert (tmp_path / "job.log").read_text().strip().endswith("best_epoch_5.pth")
    (tmp_path / "best_epoch_9.pth").touch()
    with pytest.raises(RuntimeError, match=r"best_\*\.pth must match one file, but got \['"):
        show.run()
