"""Draws samples over time as an SVG: a line for each measure, each on a scale of its own that begins at 0."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 760, 120, 60, 30, 40


def chart(rows: Sequence[Sequence[int]], name: str, column: int, top: int) -> str:
    values = [row[column] for row in rows]
    most = max(*values, 1)
    last = max(rows[-1][0], 1)
    points = " ".join(
        f"{LEFT + row[0] / last * WIDTH:.1f},{top + HEIGHT - row[column] / most * HEIGHT:.1f}" for row in rows
    )
    end = top + HEIGHT
    return f"""\
<text x="{LEFT}" y="{top - 8}" font-weight="bold">{escape(name)}</text>
<path d="M{LEFT} {top}V{end}H{LEFT + WIDTH}" fill="none" stroke="#888"/>
<text x="{LEFT - 6}" y="{top + 4}" text-anchor="end">{most}</text>
<text x="{LEFT - 6}" y="{end}" text-anchor="end">0</text>
<text x="{LEFT + WIDTH}" y="{end + 15}" text-anchor="end">{last} s</text>
<polyline points="{points}" fill="none" stroke="#1668b8" stroke-width="1.5"/>
"""


def svg(rows: Sequence[Sequence[int]], measures: Sequence[tuple[str, int]]) -> str:
    step = HEIGHT + GAP + TOP
    charts = "".join(chart(rows, name, column, TOP + at * step) for at, (name, column) in enumerate(measures))
    height = len(measures) * step + 10
    width = LEFT + WIDTH + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n{charts}</svg>\n'
    )
