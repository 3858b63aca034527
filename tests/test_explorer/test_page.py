"""The page in a headless Chromium, used by mouse and keyboard as a person would."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from simhand_mm.pool import HandPool
from simhand_mm.pool.id_lists import read_hand_ids
from tests.pools import write_pool
from tests.test_explorer.pools import EVIL, add_pairs, explored_pool
from tools.benchmarks.chromium import CHROMIUM, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs the program chromium"),
]
SIMHAND = [sys.executable, "-c", "from simhand_mm.cli import main; main()"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def explore(tmp_path):
    """Start the command in a folder and open its page."""
    opened = []

    def start(*arguments):
        command = [*SIMHAND, "explore", *arguments]
        server = subprocess.Popen(
            command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        )
        opened.append(server)
        assert server.stdout is not None
        url = re.search(r"http://\S+", server.stdout.readline())[0]
        browser = Browser(tmp_path / f"profile{len(opened)}", (1280, 800))
        opened.append(browser.__enter__())
        browser.visit(url)
        browser.wait_for("document.body.dataset.state === 'ready'")
        browser.evaluate(
            "import('./app.js').then(({map, state}) => { Object.assign(window, {map, state}) })"
        )
        return url, browser

    yield start
    for item in reversed(opened):
        item.__exit__(None, None, None) if isinstance(item, Browser) else item.terminate()


def place_of(browser, row):
    """Place of a hand in the window."""
    browser.wait_for("!map.pending")
    left, top, _, _ = browser.box("#marks")
    x, y = browser.evaluate(f"map.screenOf({row})")
    return left + x, top + y


def text_of(browser, selector):
    return browser.evaluate(f"document.querySelector('{selector}').innerText")


def test_a_selection_on_the_map_makes_a_smaller_pool(explore, tmp_path):
    pool = explored_pool(tmp_path / "pool")
    url, browser = explore("pool")
    assert "24 of 24 hands shown" in text_of(browser, "#counts")
    assert "1 without usable keypoints" in text_of(browser, "#counts")
    browser.fill("#where", "sharpness < 6")
    browser.wait_for("document.getElementById('counts').textContent.startsWith('12 of')")
    browser.click("#lasso")
    left, top, right, bottom = browser.box("main")
    left, top, right, bottom = left + 5, top + 45, right - 5, bottom - 5  # below the buttons
    browser.drag((left, top), (right, top), (right, bottom), (left, bottom))
    browser.wait_for("document.getElementById('num-selected').textContent === '12 selected'")
    thumbs = (
        "[...document.querySelectorAll('#thumbs .thumb')].map(thumb => Number(thumb.dataset.row))"
    )
    assert browser.evaluate(thumbs) == [*range(6), *range(12, 18)]
    browser.fill("#color", "sharpness")
    browser.wait_for("document.getElementById('order').innerText.startsWith('by sharpness')")
    assert browser.evaluate(thumbs) == [0, 12, 1, 13, 2, 14, 3, 15, 4, 16, 5, 17]
    browser.wait_for(
        "[...document.querySelectorAll('#thumbs img')].every(i => i.naturalWidth === 32)"
    )
    browser.click("#exclude")
    browser.wait_for(
        "document.getElementById('counts').textContent.includes('exclude.csv: 12 excluded')"
    )
    assert browser.errors == []
    assert all(address.startswith((url, "data:")) for address in browser.requests)
    subset = [*SIMHAND, "subset", "pool", "clean", "--exclude", "exclude.csv"]
    subprocess.run(subset, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True)
    kept = HandPool(tmp_path / "clean")
    assert len(kept) == 12 and kept.sharpness.min() == 6
    assert (kept.rows_of(read_hand_ids(tmp_path / "exclude.csv")) == -1).all()
    assert len(pool) == 24


def test_a_click_shows_the_hand_and_its_positives(explore, tmp_path):
    pool = explored_pool(tmp_path / "pool")
    add_pairs(pool)
    _, browser = explore("pool", "--pairs", "similar")
    browser.move(*place_of(browser, 3))
    browser.wait_for(
        f"document.querySelector('#tip span').innerText.startsWith({pool.hand_id(3)!r})"
    )
    browser.wait_for("document.querySelector('#tip img').naturalWidth === 32")
    browser.drag(place_of(browser, 3))
    browser.wait_for("document.querySelector('#hand h2')")
    assert text_of(browser, "#hand h2") == pool.hand_id(3)
    assert "stored mirrored" in text_of(browser, "#hand")
    assert browser.evaluate("document.querySelectorAll('#hand .crop line').length") == 20
    assert browser.evaluate("map.focus.positives") == [4, 5]
    assert re.search(r"Top-2\s+0.75", text_of(browser, "#hand .grid"))
    browser.click("#hand .grid .thumb")
    browser.wait_for(f"document.querySelector('#hand h2').innerText === {pool.hand_id(4)!r}")
    browser.evaluate("history.back()")
    browser.wait_for(f"document.querySelector('#hand h2').innerText === {pool.hand_id(3)!r}")
    browser.click("#toggle-hand")
    browser.wait_for("document.querySelector('#toggle-hand').innerText === 'Keep this hand'")
    assert read_hand_ids(tmp_path / "exclude.csv") == [pool.hand_id(3)]
    browser.evaluate("location.hash = 'hand=0'")
    browser.wait_for("document.querySelector('#hand').innerText.includes('no positive')")
    assert browser.errors == []


def test_values_are_colours_and_conditions(explore, tmp_path):
    explored_pool(tmp_path / "pool")
    _, browser = explore("pool")
    assert browser.evaluate("document.title") == "pool: simhand explore"  # EVIL is text
    names = "[...document.querySelectorAll('#legend .name')].map(name => name.innerText)"
    assert browser.evaluate(names) == [EVIL, "l0", "l1"]
    browser.click("#legend button:nth-child(2)")
    browser.wait_for("document.getElementById('counts').textContent.startsWith('12 of')")
    browser.click("#legend button:nth-child(1)")
    browser.wait_for("document.getElementById('counts').textContent.startsWith('14 of')")
    browser.fill("#color", "sharpness")
    browser.wait_for("document.querySelector('#legend canvas')")
    left, top, right, _ = browser.box("#legend canvas")
    browser.drag(((left + right) / 2, top + 9), (right - 1, top + 9), (right + 9, top + 9))
    browser.wait_for("document.getElementById('where').value.includes(' and sharpness >= 5.5')")
    browser.wait_for("document.getElementById('counts').textContent.startsWith('6 of')")
    browser.fill("#where", "sharpness > nothing")
    browser.wait_for("document.getElementById('problem').textContent.includes('column must be')")
    assert "No pairs named similar" in browser.evaluate("state.overview.advice")


def test_empty_pool(explore, tmp_path):
    write_pool(tmp_path / "pool", {"a": []})
    _, browser = explore("pool")
    assert text_of(browser, "#message") == "The pool has no hands."
    browser.click("#select-shown")
    browser.click("#whole")
    assert browser.errors == []
