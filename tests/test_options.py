"""Options with a special syntax."""

import os
from pathlib import Path
from typing import get_args

import pytest

from simhand_mm.mining.search import ENGINES, Engine
from simhand_mm.options import parse_file_to_write, parse_key_values, parse_ranks, parse_shard


def test_shards_are_counted_from_zero():
    assert parse_shard("0/3") == (0, 3)
    assert parse_shard("2/7") == (2, 7)
    for wrong in ("3/3", "1", "a/b", "-1/3", "1/0", "1/2/3", "1/3 ", "²/3"):
        with pytest.raises(ValueError, match="shard must be I/N with 0 <= I < N, but got "):
            parse_shard(wrong)


def test_parse_key_values():
    assert parse_key_values(["num_threads=4", "device=cuda:1"]) == {
        "num_threads": 4,
        "device": "cuda:1",
    }
    with pytest.raises(ValueError, match="KEY=VALUE, but got 'fast'"):
        parse_key_values(["fast"])


def test_parse_ranks():
    assert parse_ranks("1,2,50") == (1, 2, 50)
    with pytest.raises(ValueError, match=r"ranks must be numbers .* '1,x'"):
        parse_ranks("1,x")


def test_choices_of_the_engine_option_are_all_engines():
    assert get_args(Engine) == tuple(ENGINES)


def test_files_to_write_are_checked_before_the_work(tmp_path, monkeypatch):
    for name in ("a.html", "b.HTM", "new/folder/c.html"):
        path = tmp_path / name
        assert parse_file_to_write(str(path), (".html", ".htm")) == path
    assert parse_file_to_write("here.html", (".html",)) == Path("here.html")
    for name in ("a.json", "a", "html", "a.html.gz"):
        with pytest.raises(ValueError, match=f"must end in .html or .htm, but got {name}"):
            parse_file_to_write(name, (".html", ".htm"))
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ValueError, match=r"must be a file, but .*folder.html is a folder"):
        parse_file_to_write(str(tmp_path / "folder.html"), (".html",))
    monkeypatch.setattr(os, "access", lambda folder, _: Path(folder) != tmp_path)
    with pytest.raises(ValueError, match="folder in which you have write permission"):
        parse_file_to_write(str(tmp_path / "new" / "a.html"), (".html",))
