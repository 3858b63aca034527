"""Counts beside the official ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from simhand_mm.converters import assemblyhands, dexycb, freihand
from simhand_mm.converters.records import STAGES, Conversion, OfficialCount
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


def test_summary_sets_each_stage_beside_its_official_counts():
    conversion = Conversion("set train", records=[{}] * 5)
    conversion.drop("no hand", "b", is_labelled=False)
    conversion.drop("picture missing", "c")
    conversion.drop("picture missing", "d")
    official = [OfficialCount("read", 8, "authors"), OfficialCount("labelled", 6, "others")]
    assert conversion.summary(official).splitlines() == [
        "set train",
        "  read             8; official 8 (authors): equal",
        "  labelled         7; official 6 (others): DIFFERS by +1",
        "  kept             5",
        "  left out 2: picture missing (first: c)",
        "  left out 1: no hand (first: b)",
    ]


def test_official_counts_are_of_splits_and_stages_that_exist():
    for module in (assemblyhands, freihand):
        assert set(module.OFFICIAL_COUNTS) <= set(module.SPLITS)
    setups = {f"{setup} {split}" for setup in dexycb.SETUPS for split in dexycb.SPLITS}
    assert set(dexycb.OFFICIAL_COUNTS) <= setups
    for module in (assemblyhands, dexycb, freihand):
        for claims in module.OFFICIAL_COUNTS.values():
            assert {claim.stage for claim in claims} <= set(STAGES)


def test_tool_shows_a_mismatch_at_once(tmp_path, hands, data_root):
    lefts = [hand for hand in hands if hand["handedness"] == "left"]
    layouts.write_dexycb(tmp_path, lefts, data_root)
    tool = [sys.executable, "-W", "ignore", str(ROOT / "tools/convert_dataset.py"), "dexycb"]
    options = ["--splits", "train", "--setup", "s0", "--min-inside", "0"]
    done = subprocess.run(
        [*tool, str(tmp_path), *options], capture_output=True, text=True, check=True
    )
    num = 2 * len(lefts)
    expected = f"{num:,}; official 465,504 (the toolkit): DIFFERS by {num - 465_504:+,}"
    assert expected in done.stdout
    assert (tmp_path / "poses" / "train.parquet").is_file()
