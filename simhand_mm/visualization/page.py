"""A self-contained HTML page: text, tables and figures, with all resources inline.

A page needs no server, no script and no other file. It follows the light or dark theme of the
browser and can be printed. The same content gives the same bytes.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

from simhand_mm.pool.files import write_text
from simhand_mm.visualization.images import data_uri
from simhand_mm.visualization.style import STYLE


class Page:
    """Collects the parts of a page in reading order, and numbers tables and figures.

    Text arguments are escaped; ``content`` of :meth:`figure` must be HTML.

    Args:
        title: Heading of the page.
        subtitle: One line below it.
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]
        if subtitle:
            self._parts.append(f'<p class="subtitle">{escape(subtitle)}</p>')
        self._num_tables = 0
        self._num_figures = 0

    def heading(self, text: str) -> None:
        """Start a section."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """Add a paragraph of text."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def note(self, text: str) -> None:
        """Add a highlighted remark."""
        self._parts.append(f'<p class="note">{escape(text)}</p>')

    def missing(self, what: str, command: str) -> None:
        """Add a remark that a stage has no results yet, with the command that makes them."""
        self._parts.append(
            f'<p class="missing">{escape(what)}: not run yet. <code>{escape(command)}</code></p>'
        )

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> None:
        """Add a table: one column of labels, then columns of numbers.

        ``header`` may be empty; its cells may contain line feeds.
        """
        self._num_tables += 1
        head = "".join(f"<th>{escape(cell).replace(chr(10), '<br>')}</th>" for cell in header)
        head = f"<thead><tr>{head}</tr></thead>" if header else ""
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        self._parts.append(
            f'<figure class="wide"><figcaption><b>Table {self._num_tables}.</b> {escape(caption)}'
            f'</figcaption><div class="scroll"><table class="numbers">{head}'
            f"<tbody>{body}</tbody></table></div></figure>"
        )

    def figure(self, content: str, caption: str) -> None:
        """Add a figure; ``content`` is HTML made by this package."""
        self._num_figures += 1
        self._parts.append(
            f'<figure class="wide"><div class="scroll">{content}</div><figcaption>'
            f"<b>Figure {self._num_figures}.</b> {escape(caption)}</figcaption></figure>"
        )

    def charts(self, charts: Iterable[str | None], caption: str) -> None:
        """Add charts side by side as one figure; None stands for a chart without data."""
        if drawn := [chart for chart in charts if chart]:
            self.figure(f'<div class="charts">{"".join(drawn)}</div>', caption)

    def html(self) -> str:
        """Return the HTML of the whole page."""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{escape(self.title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
            + "\n".join(self._parts)
            + "\n</main></body></html>\n"
        )

    def save(self, path: str | Path) -> Path:
        """Write the page atomically; return the path."""
        write_text(path, self.html())
        return Path(path)


def image_html(
    image: np.ndarray, label: str = "", size: int | None = None, kind: str = "jpeg", style: str = ""
) -> str:
    """Return the HTML of an inline image with optional lines of text below.

    Args:
        image: ``[H, W, 3]`` uint8, BGR.
        label: Lines below the image, separated by line feeds; long lines are shortened with an
            ellipsis.
        size: Displayed width in px; by default the width of the image.
        kind: ``jpeg`` for photographs, ``png`` for drawings.
        style: CSS class of the image.
    """
    height, width = image.shape[:2]
    shown = size or width
    tag = (
        f'<img class="{style}" src="{data_uri(image, kind)}" alt="{escape(label, quote=True)}" '
        f'width="{shown}" height="{round(shown * height / width)}">'
    )
    lines = "".join(
        f'<span title="{escape(line, quote=True)}">{escape(line)}</span>'
        for line in label.split("\n")
        if line
    )
    return f'<div class="picture" style="width:{shown}px">{tag}{lines}</div>'


def gallery(images: Iterable[str]) -> str:
    """Return the HTML of images in lines that wrap at the width of the page."""
    return f'<div class="gallery">{"".join(images)}</div>'


def image_grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the HTML of a grid of images with column headings; the cells are HTML."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f'<table class="pictures"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
