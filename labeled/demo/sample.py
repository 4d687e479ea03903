"""The bundled sample: the papers of four author pages, labelled by hand.

``seeds/README.md`` documents how the sample was made and how reliable its labels are.
"""

from __future__ import annotations

from pathlib import Path

from disambig.domain import Label, Work
from disambig.ingest import read_labels, read_works

WORKS_FILE = Path(__file__).parents[1] / "seeds" / "works.jsonl"
LABELS_FILE = Path(__file__).parents[1] / "seeds" / "labels.jsonl"

#: Names of the author pages in the sample.
PAGE_NAMES = ("Kimin Lee", "Deepak Pathak", "Kuang-Huei Lee", "Junhyuk Oh")


def read_sample_works() -> list[Work]:
    """Read the 135 works, without abstracts."""
    return list(read_works([WORKS_FILE], strict=True))


def read_sample_labels() -> list[Label]:
    """Read the labels of 604 of the 606 author mentions; the split is "seed"."""
    return list(read_labels([LABELS_FILE]))
