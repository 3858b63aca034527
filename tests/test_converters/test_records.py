"""Counts of converted samples, compared with official ones."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from simhand_mm.converters import assemblyhands, dexycb, freihand
from simhand_mm.converters.conversion import STAGES, Conversion, OfficialCount
from tests.test_converters import official_layouts as layouts

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "found, verdict",
    [
        (325_250, "equal"),
        (325_350, "equal"),
        (325_351, "DIFFERS by +51"),
        (9, "DIFFERS by -325,291"),
    ],
)
def test_rounded_counts_are_compared_within_their_rounding(found, verdict):
    claim = OfficialCount("kept", 325_300, "paper", 100)
    assert claim.compare(found) == f"325,300 (paper, rounded to 100): {verdict}"


def test_summary_compares_each_stage_with_official_counts():
    conversion = Conversion("set train", records=[{}] * 5)
    conversion.drop("no hand", "b", is_labelled=False)
    conversion.drop("image missing", "c")
    conversion.drop("image missing", "d")
    official = [OfficialCount("read", 8, "authors"), OfficialCount("labelled", 6, "others")]
    assert conversion.summary(official).splitlines() == [
        "set train",
        "  read             8; official 8 (authors): equal",
        "  labelled         7; official 6 (others): DIFFERS by +1",
        "  kept             5",
        "  dropped 2: image missing (first: c)",
        "  dropped 1: no hand (first: b)",
    ]


def test_official_counts_have_known_splits_and_stages():
    for module in (assemblyhands, freihand):
        assert set(module.OFFICIAL_COUNTS) <= set(module.SPLITS)
    setups = {f"{setup} {split}" for setup in get_args(dexycb.Setup) for split in dexycb.SPLITS}
    assert set(dexycb.OFFICIAL_COUNTS) <= setups
    for module in (assemblyhands, dexycb, freihand):
        for claims in module.OFFICIAL_COUNTS.values():
            assert {claim.stage for claim in claims} <= set(STAGES)


def run_tool(*args):
    tool = [sys.executable, "-W", "ignore", str(ROOT / "tools/convert_dataset.py")]
    return subprocess.run([*tool, *map(str, args)], capture_output=True, text=True, check=False)


def test_tool_shows_a_mismatch(tmp_path, hands, data_root):
    lefts = [hand for hand in hands if hand["handedness"] == "left"]
    layouts.write_dexycb(tmp_path, lefts, data_root)
    options = ["--splits", "train", "--setup", "s0", "--min-inside", "0"]
    done = run_tool("dexycb", tmp_path, *options, "--allow-missing-subjects")
    assert done.returncode == 0, done.stderr
    expected = f"16; official 465,504 (the toolkit): DIFFERS by {16 - 465_504:+,}"
    assert expected in done.stdout
    assert (tmp_path / "poses" / "train.parquet").is_file()


def test_unreadable_split_does_not_stop_the_others(tmp_path, hands, data_root):
    """With one subject of DexYCB, only train can be converted."""
    lefts = [hand for hand in hands if hand["handedness"] == "left"]
    layouts.write_dexycb(tmp_path, lefts, data_root, subjects=("01",))
    done = run_tool("dexycb", tmp_path, "--min-inside", "0", "--allow-missing-subjects")
    assert done.returncode == 1
    assert "wrote 8 to" in done.stdout
    assert "dexycb val is skipped: DexYCB s1 val must have all its subjects" in done.stderr
    assert "2 were skipped: val, test" in done.stderr
    assert "Traceback" not in done.stderr


def test_assemblyhands_holds_out_training_sequences(tmp_path, hands, data_root):
    """The official val is the test set, so checkpoints are chosen on training sequences."""
    for split in ("train", "val"):
        layouts.write_assemblyhands(tmp_path, hands, data_root, split)
    done = run_tool("assemblyhands", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "official 61,153" in done.stdout
    assert {path.name for path in (tmp_path / "poses").iterdir()} == {
        *("train.parquet", "holdout.parquet", "val.parquet")
    }
