"""The self-contained HTML page."""

from html.parser import HTMLParser

import numpy as np

from simhand_mm.visualization.page import Page, gallery, image_grid, image_html


class Checker(HTMLParser):
    """Collects tags and attributes, and tags that are not closed in order."""

    VOID = frozenset(("meta", "img", "line", "rect", "br"))

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(html):
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    return checker


def make_page():
    page = Page("A <title>", "below & beside")
    page.heading("Numbers")
    page.note("careful")
    page.table(("name", "mm"), [("a<b", 1.5)], "A table.")
    image = np.zeros((4, 8, 3), np.uint8)
    page.figure(gallery([image_html(image, "one\ntwo", 16), image_html(image)]), "A gallery.")
    page.figure(image_grid(["x"], [[image_html(image)]]), "A grid.")
    page.missing("Mining", "simhand mine POOL")
    return page


def test_page_is_self_contained_and_well_formed():
    checker = check(make_page().html())
    assert "script" not in checker.tags
    assert "link" not in checker.tags
    assert checker.addresses
    assert all(address.startswith("data:image/") for address in checker.addresses)


def test_page_escapes_text_and_numbers_figures_and_tables():
    html = make_page().html()
    assert "A &lt;title&gt;" in html
    assert "a&lt;b" in html
    assert "Table 1." in html
    assert "Figure 2." in html


def test_page_is_deterministic():
    assert make_page().html() == make_page().html()


def test_image_html_keeps_the_aspect_ratio():
    assert 'width="16" height="8"' in image_html(np.zeros((4, 8, 3), np.uint8), size=16)


def test_save_writes_into_new_folders(tmp_path):
    path = make_page().save(tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8") == make_page().html()
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]
