"""The bundled sample: the papers of four author pages, and who wrote them, decided by hand.

How it was made and how sure it is, says ``seeds/README.md`` beside the data.
"""

from __future__ import annotations

from pathlib import Path

from disambig.domain import Label, Work
from disambig.ingest import read_labels, read_works

WORKS_FILE = Path(__file__).parents[1] / "seeds" / "works.jsonl"
LABELS_FILE = Path(__file__).parents[1] / "seeds" / "labels.jsonl"

#: The names whose pages the sample was made from.
PAGE_NAMES = ("Kimin Lee", "Deepak Pathak", "Kuang-Huei Lee", "Junhyuk Oh")


def sample_works() -> list[Work]:
    """The 135 works, without abstracts."""
    return list(read_works([WORKS_FILE], strict=True))


def sample_labels() -> list[Label]:
    """Who 604 of their 606 author mentions are; the split is "seed"."""
    return list(read_labels([LABELS_FILE]))
