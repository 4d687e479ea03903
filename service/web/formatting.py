"""Pages of lists: from the API's next page to the page's own.

Questions in words.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit


def following(found: dict[str, Any]) -> str | None:
    """The cursor of the page after this one; None after the last."""
    after: str | None = found.get("next")
    if not after:
        return None
    cursors: list[str] = parse_qs(urlsplit(after).query).get("cursor", [])
    return cursors[0] if cursors else None


KINDS = {
    "conflict": "Conflicts",
    "merge": "Merge?",
    "split": "Split?",
    "assign": "Assign?",
    "sample": "Sample",
}
"""Kinds of questions, in the order in which they are shown."""


def question(task: dict[str, Any]) -> str:
    """What a task asks; its evidence may be of any form."""
    evidence = task.get("evidence") or {}
    mentions = task.get("mentions") or 0
    people = len(evidence.get("identities") or ())
    if task["kind"] == "conflict":
        values = [str(value)[:30] for value in (evidence.get("values") or ())[:3]]
        if values:
            return f"ORCID iDs {' and '.join(values)}: are they of one person?"
        if evidence.get("scheme"):
            value = str(evidence.get("value", ""))[:100]
            return f"{str(evidence['scheme']).upper()} {value} is on {people} people"
        return "What contradicts itself here?"
    if task["kind"] == "merge":
        return f"Are these {people or 2} one person?"
    if task["kind"] == "split":
        return f"Is this person of {mentions} papers several?"
    if task["kind"] == "assign":
        return "Whose paper is this?"
    return str(evidence.get("question") or "Drawn at random: is this right?")[:200]
