import json
import re

import pytest

from simhand_mm.experiments import jobs


@pytest.fixture
def stub_jobs(monkeypatch):
    """Replace jobs by stubs that write the outputs of the real commands; return the commands.

    The result of a test run with seed s is 30 + s mm, the accuracies of a probing are 0.6 and 0.7.
    """
    done = []

    def run(job, lock=None):
        command = job.command
        done.append(command)
        if command.startswith("simhand test"):
            error = 30 + int(re.search(r"seed(\d+)/test", str(job.folder))[1])
            score = {"mpjpe_mm": error, "pck_auc_20_50": 0.6}
            protocols = dict.fromkeys(("root_scale", "procrustes", "root"), score)
            (job.folder / "metrics.json").write_text(json.dumps({"protocols": protocols}))
        if command.startswith("simhand probe"):
            names = ("backbone", "random weights", "2D keypoints")
            scores = {"knn": {"mean": 0.6}, "linear": {"mean": 0.7}}
            result = {"rows": [{"name": n, **scores} for n in names], "chance": {"mean": 0.1}}
            (job.folder / "probe.json").write_text(json.dumps(result))
        gpu = "    GPU 0: NVIDIA H100 80GB HBM3\n" * ("pretrain" in job.folder.parts)
        (job.folder / "job.log").write_text(f"{gpu}Pose retrieval of 10 hands, score: 0.50\n")
        (job.folder / "job.done").write_text(f"{command}\n7\n")

    monkeypatch.setattr(jobs.Job, "run", run)
    return done
