"""The confusion matrix as one SVG file: no script, no font, no link; light and dark pages alike.

A cell is the share of its gold strategy's turns; the number in it is the count.  Draws nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from agents.words import STRATEGIES

_CELL = 58
_LEFT = 215
_TOP = 150
_COLUMNS = (*(strategy.value for strategy in STRATEGIES), "not parsed")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.t{font-size:15px;font-weight:600}.w{fill:#fff}.n{text-anchor:middle}.r{text-anchor:end}"
    "@media(prefers-color-scheme:dark){.page{fill:#16181c}.out{fill:#ddd}}"
)


def confusion_svg(counts: Sequence[Sequence[int]], title: str) -> str:
    """An SVG of the table of counts [8, 9] (row = gold, column = predicted, the last = not parsed; left out when nobody is in it)."""
    columns = len(_COLUMNS) if any(row[-1] for row in counts) else len(_COLUMNS) - 1
    width, height = _LEFT + columns * _CELL + 70, _TOP + len(counts) * _CELL + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}" fill="#fff"/>',
        f'<text class="t out" x="16" y="26">{escape(title)}</text>',
        '<text class="out" x="16" y="46">row: what the human chose; column: what the planner chose; colour: share of the row</text>',
    ]
    for column in range(columns):
        x = _LEFT + column * _CELL + _CELL // 2
        parts.append(f'<text class="out" transform="translate({x},{_TOP - 8}) rotate(-30)">{escape(_short(_COLUMNS[column]))}</text>')
    for index, row in enumerate(counts):
        y = _TOP + index * _CELL
        parts.append(f'<text class="r out" x="{_LEFT - 8}" y="{y + _CELL // 2 + 4}">{escape(_COLUMNS[index])}</text>')
        parts += [_cell(_LEFT + column * _CELL, y, row[column], sum(row)) for column in range(columns)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _cell(x: int, y: int, count: int, total: int) -> str:
    share = count / total if total else 0.0
    red, green, blue = (round(255 + share**0.6 * (dark - 255)) for dark in (14, 61, 112))
    ink = "n w" if share > 0.35 else "n"
    return (
        f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" fill="rgb({red},{green},{blue})"><title>{share:.1%}</title></rect>'
        f'<text class="{ink}" x="{x + _CELL // 2 - 1}" y="{y + _CELL // 2 + 3}">{count}</text>'
    )


def _short(name: str) -> str:
    return name.split(" or ", maxsplit=1)[0].split(" and ", maxsplit=1)[0]
