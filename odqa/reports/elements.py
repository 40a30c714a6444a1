"""Text goes in, elements of an HTML page come out. All text is escaped here, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from odqa.evaluation.report import Excerpt
from odqa.reports.tables import Row, Table, shown


def lead(text: str) -> str:
    """The paragraph that opens a section."""
    return f'<p class="lead">{escape(text)}</p>'


def terms(pairs: Iterable[tuple[str, str]], look: str = "") -> str:
    """A list of terms with what each is; ``look`` is its class."""
    rows = "".join(f'<div><dt>{escape(term)}</dt><dd dir="auto">{escape(text)}</dd></div>' for term, text in pairs)
    return f'<dl class="{look}">{rows}</dl>' if look else f"<dl>{rows}</dl>"


def figure(svg: str, title: str, caption: str = "", legend: Iterable[tuple[str, str]] = ()) -> str:
    """A figure under its title; ``caption`` is HTML, ``legend`` the class and the name of each colour."""
    keys = "".join(f'<span><span class="key {look}"></span>{escape(name)}</span>' for look, name in legend)
    explained = f'<p class="legend">{keys}</p>' if keys else ""
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure><h3>{escape(title)}</h3>{explained}{svg}{below}</figure>"


def quoted(passage: Excerpt) -> str:
    """A passage with its answer marked; nothing where there is no text."""
    text, start, end = passage.text, passage.start, passage.end
    middle = f"<mark>{escape(text[start:end])}</mark>" if start < end else ""
    inside = f"{escape(text[:start])}{middle}{escape(text[end:])}"
    return f'<blockquote dir="auto">{inside}</blockquote>' if text else ""


def table(content: Table, *, heading: bool = True) -> str:
    """A table that scrolls in a box of its own, under its title where ``heading`` asks for it."""
    title = escape(content.title)
    looks = ["", *(' class="n"' if numeric else "" for numeric in content.numeric())]
    head = ""
    if any(content.head):
        cells = (f'<th scope="col"{look}>{escape(cell)}</th>' for cell, look in zip(content.head, looks, strict=True))
        head = f"<thead><tr>{''.join(cells)}</tr></thead>"
    return "".join(
        [
            f"<h3>{title}</h3>" if heading else "",
            f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table>',
            f"{head}<tbody>",
            *(_row(row, looks[1:]) for row in content.rows),
            "</tbody></table></div>",
        ]
    )


def _row(row: Row, looks: Iterable[str]) -> str:
    mark = ' class="own"' if row.own else ""
    sub = ' class="sub"' if row.sub else ""
    cells = (f"<td{look}>{escape(shown(entry))}</td>" for entry, look in zip(row.entries, looks, strict=True))
    return f'<tr{mark}><th scope="row"{sub}>{escape(shown(row.name))}</th>{"".join(cells)}</tr>'
