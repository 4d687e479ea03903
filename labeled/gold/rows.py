"""Serialise works and labels as rows of the native JSONL format; lossless."""

from __future__ import annotations

import json
from typing import Any

from disambig.domain import Author, Label, Work


def format_work(work: Work) -> str:
    """Format a work as one line of JSON without its missing values."""
    row = {
        "id": work.id,
        "title": work.title,
        "abstract": work.abstract,
        "venue": work.venue,
        "year": work.year,
        "keywords": list(work.keywords),
        "ids": dict(work.ids),
        "citations": work.citations,
        "authors": [_author_to_dict(author) for author in work.authors],
    }
    return _format_row(row)


def format_label(label: Label) -> str:
    """Format a label as one line of JSON: work, position, name, person, block and split."""
    row = {
        "work": label.signature.work,
        "position": label.signature.position,
        "name": label.name,
        "person": label.person,
        "block": label.block,
        "split": label.split,
    }
    return json.dumps(row, ensure_ascii=False)


def _author_to_dict(author: Author) -> dict[str, Any]:
    row = {
        "name": author.name,
        "given": author.given,
        "family": author.family,
        "affiliations": list(author.affiliations),
        "orcid": author.orcid,
        "email": author.email,
    }
    return {key: value for key, value in row.items() if value not in (None, [])}


def _format_row(row: dict[str, Any]) -> str:
    nonempty = {key: value for key, value in row.items() if value not in (None, [], {})}
    return json.dumps(nonempty, ensure_ascii=False)
