"""Charts of the report as inline SVG: dots with intervals, lines, stacked bars.  Text and numbers only; no script, no outside resource.

Every chart scales with its column, has a title for screen readers, and takes its colours from the page's style by class name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 360
HEIGHT = 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 14, 30

Point = tuple[str, float, float, float]
"""Name, value, low, high."""


def dots(title: str, points: Sequence[Point], *, zero: bool = False, digits: int = 2) -> str:
    """Values with their intervals, one column each."""
    lows, highs = [point[2] for point in points], [point[3] for point in points]
    scale = _scale([*lows, *highs, *([0.0] if zero else [])])
    parts = [_axis(scale, digits)]
    if zero and scale[0] < 0 < scale[1]:
        parts.append(f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(0, scale)}" y2="{_y(0, scale)}"/>')
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points))
    for place, (name, value, low, high) in enumerate(points):
        x = LEFT + step * (place + 0.5)
        parts.append(f'<line class="span" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(low, scale)}" y2="{_y(high, scale)}"/>')
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{_y(value, scale)}" r="4"/>')
        parts.append(f'<text class="value" x="{x + 8:.1f}" y="{_y(value, scale)}" dy=".32em">{value:.{digits}f}</text>')
        parts.append(_label(x, name))
    return _svg(title, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, digits: int = 2, horizontal: str = "") -> str:
    """Curves over a common horizontal axis, with a legend.

    Args:
        title: for the figure and for screen readers.
        series: points (x, y) by name.
        digits: of the vertical axis.
        horizontal: what the horizontal axis shows.
    """
    everything = [point for points in series.values() for point in points]
    if not everything:
        return f'<p class="nothing">{escape(title)}: nothing to show.</p>'
    scale = _scale([y for _, y in everything])
    first, last = min(x for x, _ in everything), max(x for x, _ in everything)
    width = (last - first) or 1.0
    parts = [_axis(scale, digits)]
    for place, (name, points) in enumerate(series.items()):
        at = " ".join(f"{LEFT + (WIDTH - LEFT - RIGHT) * (x - first) / width:.1f},{_y(y, scale)}" for x, y in points)
        parts.append(f'<polyline class="line c{place % 8}" points="{at}"><title>{escape(name)}</title></polyline>')
    parts.append(f'<text class="tick" x="{LEFT}" y="{HEIGHT - 10}">{first:g}</text>')
    parts.append(f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{last:g}</text>')
    parts.append(f'<text class="tick" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(horizontal)}</text>')
    return _svg(title, parts, legend(list(series)))


def stacks(title: str, columns: Mapping[str, Sequence[float]], names: Sequence[str]) -> str:
    """Shares that sum to 1, one bar a column; the legend is drawn once by `legend`."""
    parts = [_axis((0.0, 1.0), 1)]
    step = (WIDTH - LEFT - RIGHT) / max(1, len(columns))
    for place, (column, shares) in enumerate(columns.items()):
        x, y = LEFT + step * (place + 0.15), float(HEIGHT - BOTTOM)
        for kind, (name, share) in enumerate(zip(names, shares, strict=True)):
            tall = share * (HEIGHT - TOP - BOTTOM)
            y -= tall
            words = f"{column}, {name}: {share:.0%}"
            parts.append(
                f'<rect class="fill c{kind % 8}" x="{x:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{tall:.1f}">'
                f"<title>{escape(words)}</title></rect>"
            )
        parts.append(_label(x + step * 0.35, column))
    return _svg(title, parts)


def legend(names: Sequence[str]) -> str:
    """A line of names with their colours."""
    items = "".join(f'<li><span class="key c{place % 8}"></span>{escape(name)}</li>' for place, name in enumerate(names))
    return f'<ul class="legend">{items}</ul>'


def _svg(title: str, parts: Sequence[str], below: str = "") -> str:
    label = escape(title, quote=True)
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>{below}</figure>"
    )


def _scale(values: Sequence[float]) -> tuple[float, float]:
    """A range with a little room; never empty."""
    low, high = min(values), max(values)
    room = (high - low) * 0.12 or abs(high) * 0.1 or 0.5
    return low - room, high + room


def _y(value: float, scale: tuple[float, float]) -> str:
    low, high = scale
    return f"{HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM):.1f}"


def _axis(scale: tuple[float, float], digits: int) -> str:
    low, high = scale
    parts = []
    for part in range(5):
        value = low + (high - low) * part / 4
        y = _y(value, scale)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y}" dy=".32em" text-anchor="end">{value:.{digits}f}</text>')
    return "".join(parts)


def _label(x: float, words: str) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(words)}</text>'
