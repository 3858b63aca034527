"""The Python snippets of README.md run as they are printed."""

import re
import shutil
from pathlib import Path

import pytest

from simhand_mm.synthetic import Contents, synthesize

README = Path(__file__).parents[1] / "README.md"


def snippet(name: str) -> str:
    """Return the code block after ``<!-- runs: NAME -->``."""
    found = re.search(
        rf"<!-- runs: {name} -->\n```python\n(.*?)```", README.read_text("utf-8"), re.S
    )
    assert found, name
    return found[1]


def test_loss():
    names: dict = {}
    exec(snippet("loss"), names)
    assert names["projections"].grad.abs().sum() > 0


@pytest.mark.slow
def test_hands_of_a_picture(tmp_path, monkeypatch, capsys):
    synthesize(tmp_path, Contents(num_videos=0, num_train_stills=0, num_test_stills=1))
    shutil.copy(next((tmp_path / "images" / "test").iterdir()), tmp_path / "picture.jpg")
    monkeypatch.chdir(tmp_path)
    exec(snippet("inference"), {})
    assert re.search(r"(left|right) \[\[", capsys.readouterr().out)
