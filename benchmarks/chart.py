"""A bar chart as SVG: one scale for all panels, readable on a light and on a dark page."""

from __future__ import annotations

import math
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 230, 60
BAR, STEP, HEAD, TOP = 13, 18, 34, 44
STYLE = (
    "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#75808c}"
    ".own{fill:#2f81f7;font-weight:600}.name{text-anchor:end}.mark{text-anchor:middle;font-size:11px}"
    ".head{font-size:13px;font-weight:600}.title{font-size:15px;font-weight:600}"
    "rect{fill:#8c959f}rect.own{fill:#2f81f7}rect.limit{fill:none;stroke:#8c959f}"
    "line{stroke:#8c959f;stroke-opacity:.35}"
)
"""Greys and a blue with enough contrast to both white and near-black; nothing behind them."""


class Bar(NamedTuple):
    """A name, its figure, and how it is drawn: "own", "limit" or plain."""

    name: str
    value: float
    kind: str = ""


def brief(value: float) -> str:
    """Return a figure as a label: 950, 42 k, 1.3 M."""
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if value >= size * 0.9995:
            scaled = value / size
            text = f"{scaled:.1f}" if scaled < 9.95 else f"{scaled:.0f}"
            return text.removesuffix(".0") + unit
    return f"{value:.0f}"


def draw(title: str, panels: list[tuple[str, list[Bar]]]) -> str:
    """Return the SVG of panels of bars over one logarithmic scale."""
    values = [bar.value for _, bars in panels for bar in bars]
    low = math.floor(math.log10(min(values)))
    high = math.log10(max(values))
    height = TOP + sum(HEAD + STEP * len(bars) for _, bars in panels) + 30

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(value) - low) / (high - low)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' width="{WIDTH}"><title>{escape(title)}</title><style>{STYLE}</style>'
        ),
        f'<text class="title" x="2" y="18">{escape(title)}</text>',
    ]
    for power in range(low, math.floor(high) + 1):
        at = x(10**power)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{height - 24}"/>')
        parts.append(f'<text class="mark" x="{at:.1f}" y="{height - 8}">{brief(10**power)}</text>')
    y = TOP
    for heading, bars in panels:
        parts.append(f'<text class="head" x="2" y="{y + 20}">{escape(heading)}</text>')
        y += HEAD
        for bar in bars:
            own = ' class="own"' if bar.kind == "own" else ""
            kind = f' class="{bar.kind}"' if bar.kind else ""
            name = "own name" if own else "name"
            end = x(bar.value)
            parts += (
                f'<text class="{name}" x="{LEFT - 8}" y="{y + 11}">{escape(bar.name)}</text>',
                f'<rect{kind} x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}"/>',
                f'<text{own} x="{end + 6:.1f}" y="{y + 11}">{brief(bar.value)}</text>',
            )
            y += STEP
    return "\n".join([*parts, "</svg>"]) + "\n"
