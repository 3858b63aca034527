"""Options that need more than a Python type."""

import pytest

from simhand_mm.options import parse_shard


def test_shards_are_counted_from_zero():
    assert parse_shard("0/3") == (0, 3)
    assert parse_shard("2/7") == (2, 7)
    for wrong in ("3/3", "1", "a/b", "-1/3", "1/0", "1/2/3", "1/3 ", "²/3"):
        with pytest.raises(ValueError, match="shard must be I/N with 0 <= I < N, but got "):
            parse_shard(wrong)
