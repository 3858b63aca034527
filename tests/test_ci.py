"""The public workflow runs the scripts of the repository on all supported versions."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def commands(workflow):
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def test_workflows_run_the_scripts_of_the_repository():
    (path,) = WORKFLOWS
    workflow = yaml.safe_load(path.read_text())
    assert set(workflow) == {"name", True, "permissions", "concurrency", "env", "jobs"}  # True: on
    for command in commands(workflow):
        assert re.match(r"bash tools/(setup_env|run_tests|build_docs)\.sh\b", command), command
        for name in re.findall(r"\b(?:tools|tests)/[\w/]+\.\w+", command):
            assert (ROOT / name).is_file(), command
    assert "tools/run_tests.sh" in (ROOT / ".ci" / "run").read_text()


def test_workflows_cover_the_supported_python_versions():
    matrix = yaml.safe_load(WORKFLOWS[0].read_text())["jobs"]["fast"]["strategy"]["matrix"]
    setup = (ROOT / "tools" / "setup_env.sh").read_text()
    offered = re.search(r"PYTHON:-([^}]*)}", setup)[1].split()
    assert {f"python{version}" for version in matrix["python"]} == {
        name for name in offered if "." in name
    }
    oldest = re.search(r'"torch>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())[1]
    tried = [entry["torch"] for entry in matrix["include"]]
    assert any(torch.startswith(f"torch=={oldest}.") for torch in tried)


def test_workflows_contain_no_package_index():
    for path in WORKFLOWS:
        assert not re.search(r"://|index.url", path.read_text())
