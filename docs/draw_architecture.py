"""Draw the packages of the three rooms by level, from the import contract in pyproject.toml.

Usage: python docs/draw_architecture.py > docs/images/architecture.svg
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"service": 700, "labeled": 330, "disambig": 740}
"""Width of each room in the drawing, in pixels; from left to right."""
HEIGHT, GAP, LEFT, TOP = 26, 8, 16, 96
COLOURS = {"service": "#2563a8", "labeled": "#8a6d1b", "disambig": "#2f7d4f"}
CAPTIONS = {
    "service": "API, persistence, review, pages; imports disambig",
    "labeled": "gold labels, benchmarks, demo; imports disambig",
    "disambig": "the engine: works in, people out",
}


def read_levels() -> dict[str, list[list[str]]]:
    """Return the packages of each room from the top level down, without the room's name."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    levels = {}
    for contract in document["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            rows = [
                [name.strip().partition(".")[2] for name in layer.split("|")]
                for layer in contract["layers"]
            ]
            levels[contract["name"].partition(":")[0]] = rows
    return levels


def draw_row(names: list[str], x: int, y: int, width: int, colour: str) -> list[str]:
    """Draw the packages of one level as boxes of equal width, as SVG elements."""
    size = (width - 2 * LEFT - GAP * (len(names) - 1)) / len(names)
    elements = []
    for k, name in enumerate(names):
        left = x + LEFT + k * (size + GAP)
        elements.append(
            f'<rect x="{left:.0f}" y="{y}" width="{size:.0f}" height="{HEIGHT}" rx="4" '
            f'fill="#fff" stroke="{colour}"/>'
        )
        elements.append(
            f'<text x="{left + size / 2:.0f}" y="{y + 17}" text-anchor="middle" '
            f'font-size="{12 if len(names) < 6 else 10}">{escape(name)}</text>'
        )
    return elements


def draw() -> str:
    """Return the drawing as SVG."""
    levels = read_levels()
    deepest = max(len(rows) for rows in levels.values())
    height = TOP + deepest * (HEIGHT + GAP) + LEFT
    width = sum(ROOMS.values()) + LEFT * (len(ROOMS) + 1)
    elements = []
    x = LEFT
    for room, room_width in ROOMS.items():
        colour, rows = COLOURS[room], levels[room]
        elements.append(
            f'<rect x="{x}" y="{LEFT}" width="{room_width}" height="{height - 2 * LEFT}" rx="8" '
            f'fill="{colour}" fill-opacity=".07" stroke="{colour}"/>'
        )
        elements.append(
            f'<text x="{x + LEFT}" y="46" font-size="18" font-weight="bold" fill="{colour}">'
            f"{room}/</text>"
        )
        elements.append(f'<text x="{x + LEFT}" y="68" font-size="13">{CAPTIONS[room]}</text>')
        first = TOP + (deepest - len(rows)) * (HEIGHT + GAP)
        for k, names in enumerate(rows):
            elements += draw_row(names, x, first + k * (HEIGHT + GAP), room_width, colour)
        x += room_width + LEFT
    body = "\n".join(elements)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" role="img">\n'
        "<title>Packages of disambig by level</title>\n"
        "<desc>A package imports from lower levels only. service and labeled import disambig; "
        "disambig imports neither.</desc>\n"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    print(draw(), end="")
