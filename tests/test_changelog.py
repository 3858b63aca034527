"""The format of CHANGELOG.md: versions in order, each with its changes of results."""

import re
from pathlib import Path

from simhand_mm.version import __version__

TEXT = (Path(__file__).parents[1] / "CHANGELOG.md").read_text()
VERSIONS = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Numerics"}


def title(version):
    return version.splitlines()[0]


def test_versions_are_newest_first():
    assert title(VERSIONS[0]) == "Unreleased"
    numbers = [tuple(map(int, re.findall(r"\d+", title(v).split()[0]))) for v in VERSIONS[1:]]
    assert numbers == sorted(numbers, reverse=True)
    released = tuple(map(int, __version__.split(".")[:3]))
    assert all(number <= released for number in numbers)


def test_every_version_lists_its_changes_of_results():
    for version in VERSIONS:
        kinds = dict(
            part.split("\n", 1) for part in re.split(r"^### ", version, flags=re.MULTILINE)[1:]
        )
        assert set(kinds) <= KINDS, f"{title(version)}: kinds must be among {sorted(KINDS)}"
        assert "Numerics" in kinds, f"{title(version)} must have a heading Numerics"
        for kind, text in kinds.items():
            assert re.search(r"^\* \S", text, re.MULTILINE), f"{title(version)}: {kind} is empty"
