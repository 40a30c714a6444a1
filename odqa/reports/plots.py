"""Values go in, a small figure comes out as inline SVG, its colours the classes of the page's style. Escapes all text.

A figure is 400 wide, so that its text can be read on a phone too. What it is and what each mark is worth are in
``<title>``, for those who hear the page and those who point at it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from odqa.evaluation.report import Bin, Interval

WIDTH, HEIGHT = 400, 290
LEFT, RIGHT, TOP, BOTTOM = 60, 380, 20, 240  # Where the data lie, but for horizontal bars.
STEPS = 5  # Between the ends of an axis.
BAR_LEFT, BAR_RIGHT = 10, 330  # Horizontal bars have their labels above them and their values after them.
ROW = 44  # From one horizontal bar to the next.
WIDEST = 40  # Of a column.
SMALLEST, LARGEST = 3, 12  # The radius of a point.


@dataclass(frozen=True, slots=True)
class Bar:
    """A horizontal bar. ``look`` is its class; without a value there is its label and a dash."""

    label: str
    value: float | None
    look: str = "a"
    interval: Interval = None


@dataclass(frozen=True, slots=True)
class Series:
    """One column in each group, all of the class ``look``."""

    name: str
    values: Sequence[float | None]
    look: str = "a"
    intervals: Sequence[Interval] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points (across, up), of the class ``look``."""

    name: str
    points: Sequence[tuple[float, float]]
    look: str = "a"


def step(largest: float) -> float:
    """The step of an axis from 0: the smallest of 1, 2 or 5 times a power of ten of which five reach ``largest``."""
    power = 10.0 ** math.floor(math.log10(largest / STEPS))
    return next(power * some for some in (1, 2, 5, 10) if STEPS * power * some >= largest * (1 - 1e-9))


def bars(title: str, rows: Sequence[Bar], label: str, *, digits: int = 3, largest: float = 1.0) -> str:
    """Horizontal bars from 0, each with its label above and its value after it."""
    end = STEPS * step(largest)
    bottom = ROW * len(rows) + 8
    scale = (BAR_RIGHT - BAR_LEFT) / end
    parts = []
    for number in range(STEPS + 1):
        tick = end * number / STEPS
        across = BAR_LEFT + scale * tick
        parts += [_line(across, 0, across, bottom, "grid"), _text(across, bottom + 18, f"{tick:,g}")]
    for at, row in enumerate(rows):
        top = ROW * at + 20
        parts.append(_text(BAR_LEFT, top - 6, row.label, "name", "start"))
        if row.value is None:
            parts.append(_text(BAR_LEFT, top + 13, "-", "value", "start"))
            continue
        shown = f"{row.value:,.{digits}f}"
        parts.append(_rectangle(BAR_LEFT, top, scale * row.value, 16, row.look, f"{row.label}: {shown}"))
        furthest = row.value
        if row.interval:
            low, furthest = row.interval
            parts += _whisker(BAR_LEFT + scale * low, top + 8, BAR_LEFT + scale * furthest, top + 8)
        parts.append(_text(BAR_LEFT + scale * furthest + 6, top + 13, shown, "value", "start"))
    parts.append(_text((BAR_LEFT + BAR_RIGHT) / 2, bottom + 40, label, "axis"))
    return _svg(title, parts, bottom + 50)


def columns(title: str, groups: Sequence[str], series: Sequence[Series], x_label: str, y_label: str) -> str:
    """Groups of columns from 0 to 1, at equal distances."""
    room = (RIGHT - LEFT) / max(len(groups), 1)
    width = min(WIDEST, 0.7 * room / len(series))
    parts = _y_axis(1.0, y_label)
    for at, group in enumerate(groups):
        middle = LEFT + room * (at + 0.5)
        parts.append(_text(middle, BOTTOM + 18, group))
        for number, one in enumerate(series):
            value = one.values[at]
            if value is None:
                continue
            left = middle + width * (number - len(series) / 2)
            what = f"{one.name}, {group}: {value:.3f}"
            parts.append(_rectangle(left + 1, y(value), width - 2, BOTTOM - y(value), one.look, what))
            highest = value
            if one.intervals and (interval := one.intervals[at]):
                low, highest = interval
                parts += _whisker(left + width / 2, y(low), left + width / 2, y(highest))
            parts.append(_text(left + width / 2, y(highest) - 5, f"{value:.2f}", "value"))
    parts.append(_text((LEFT + RIGHT) / 2, BOTTOM + 40, x_label, "axis"))
    return _svg(title, parts)


def reliability(title: str, bins: Sequence[Bin]) -> str:
    """Confidence against the share that is right: the diagonal, and a point for each bin, of an area as its count."""
    parts = [*_y_axis(1.0, "share that is right"), *_x_axis("confidence"), _line(LEFT, BOTTOM, RIGHT, TOP, "ideal")]
    most = max((one.count for one in bins), default=1)
    for one in bins:
        across, up = x(one.confidence), y(one.right)
        parts.append(_line(across, y(one.confidence), across, up, "gap"))
        radius = max(SMALLEST, LARGEST * math.sqrt(one.count / most))
        what = f"confidence {one.confidence:.3f}, right {one.right:.3f}, {one.count:,} answers"
        parts.append(
            f'<circle class="a point" cx="{_n(across)}" cy="{_n(up)}" r="{_n(radius)}"><title>{what}</title></circle>'
        )
    return _svg(title, parts)


def curve(title: str, points: Sequence[Sequence[float]], x_label: str, y_label: str) -> str:
    """A line through points whose first coordinate goes from 0 to 1, above the area that it encloses."""
    largest = max([0.05, *(value for _, value in points)])
    end = STEPS * step(largest)
    parts = [*_y_axis(end, y_label), *_x_axis(x_label)]
    if points:
        corners = [(x(across), y(value / end)) for across, value in points]
        path = " ".join(f"{_n(across)},{_n(up)}" for across, up in corners)
        first, last = corners[0][0], corners[-1][0]
        parts.append(f'<polygon class="under" points="{_n(first)},{BOTTOM} {path} {_n(last)},{BOTTOM}"/>')
        parts.append(f'<polyline class="line" points="{path}"/>')
    return _svg(title, parts)


def lines(title: str, series: Sequence[Line], x_label: str, y_label: str) -> str:
    """Lines through points of any size, over axes from 0 to what the largest of them needs, their names below."""
    ends = [
        STEPS * step(max([least, *(point[at] for one in series for point in one.points)]))
        for at, least in ((0, 1.0), (1, 0.05))
    ]
    parts = [*_y_axis(ends[1], y_label), *_x_axis(x_label, ends[0])]
    for at, one in enumerate(series):
        corners = [(x(across / ends[0]), y(up / ends[1])) for across, up in one.points]
        path = " ".join(f"{_n(across)},{_n(up)}" for across, up in corners)
        parts.append(f'<polyline class="line {one.look}" points="{path}"/>')
        parts += [f'<circle class="{one.look}" cx="{_n(across)}" cy="{_n(up)}" r="2"/>' for across, up in corners]
        parts.append(_text(RIGHT, TOP + 14 + 16 * at, one.name, f"name {one.look}", "end"))
    return _svg(title, parts)


def x(share: float) -> float:
    """Where a share of the axis, from 0 to 1, lies from the left."""
    return LEFT + (RIGHT - LEFT) * share


def y(share: float) -> float:
    """Where a share of the axis, from 0 to 1, lies from the top."""
    return BOTTOM - (BOTTOM - TOP) * share


def _y_axis(end: float, label: str) -> list[str]:
    parts = []
    for number in range(STEPS + 1):
        up = y(number / STEPS)
        parts += [
            _line(LEFT, up, RIGHT, up, "grid"),
            _text(LEFT - 8, up + 4, f"{end * number / STEPS:g}", anchor="end"),
        ]
    middle = (TOP + BOTTOM) / 2
    turned = f'transform="rotate(-90 16 {_n(middle)})"'
    return [*parts, _text(16, middle, label, "axis", more=turned)]


def _x_axis(label: str, end: float = 1.0) -> list[str]:
    ticks = [_text(x(number / STEPS), BOTTOM + 18, f"{end * number / STEPS:g}") for number in range(STEPS + 1)]
    return [*ticks, _text((LEFT + RIGHT) / 2, BOTTOM + 40, label, "axis")]


def _whisker(left: float, top: float, right: float, bottom: float) -> list[str]:
    """An interval: a line with a short stroke across either end."""
    aside, up = (0, 4) if top == bottom else (4, 0)
    return [
        _line(left, top, right, bottom, "whisker"),
        *(_line(a - aside, b - up, a + aside, b + up, "whisker") for a, b in ((left, top), (right, bottom))),
    ]


def _rectangle(left: float, top: float, width: float, height: float, look: str, what: str) -> str:
    place = f'x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}"'
    return f'<rect class="{look}" {place}><title>{escape(what)}</title></rect>'


def _line(left: float, top: float, right: float, bottom: float, look: str) -> str:
    return f'<line class="{look}" x1="{_n(left)}" y1="{_n(top)}" x2="{_n(right)}" y2="{_n(bottom)}"/>'


def _text(left: float, top: float, text: str, look: str = "tick", anchor: str = "middle", more: str = "") -> str:
    place = f'x="{_n(left)}" y="{_n(top)}" text-anchor="{anchor}"'
    return f'<text class="{look}" {place}{" " if more else ""}{more}>{escape(text)}</text>'


def _svg(title: str, parts: Iterable[str], height: int = HEIGHT) -> str:
    inside = "\n".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">\n<title>{escape(title)}</title>\n{inside}\n</svg>'


def _n(value: float) -> str:
    """A coordinate to a tenth, without needless zeros."""
    return f"{round(value, 1) + 0.0:g}"
