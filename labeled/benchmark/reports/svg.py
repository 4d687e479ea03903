"""Standalone SVG files of the benchmark's figures."""

from __future__ import annotations

from disambig.evaluation.plots import draw_reliability
from labeled.benchmark.run import CorpusResult

_PALETTE = "--ink:#1c1e21;--muted:#6b7076;--rule:#d5d8dc;--accent:#2563a8;--warn:#b4452c"
_XLINK = "http://www.w3.org/1999/xlink"


def draw_reliability_figure(result: CorpusResult) -> str:
    """Draw the reliability of the pair model on one corpus, as a standalone SVG file."""
    calibration = result.calibration
    figure = draw_reliability(
        calibration.curve,
        f"Reliability on {result.name}",
        f"{calibration.pairs:,} labelled pairs of split {result.split}; "
        f"expected calibration error {calibration.error:.4f}",
    )
    return to_svg_file(figure)


def to_svg_file(figure: str) -> str:
    """Convert inline SVG to a standalone file with its own colours."""
    style = f"{_PALETTE};background:#fff;font-family:sans-serif"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="{_XLINK}" style="{style}" '
    return figure.replace("<svg ", head, 1)
