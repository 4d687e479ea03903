"""Phrase questions, decisions and history of the API for people; read cursors of lists."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit


def read_next_cursor(listing: dict[str, Any]) -> str | None:
    """Return the cursor of the next page; None after the last."""
    after: str | None = listing.get("next")
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
"""Labels of the kinds of tasks, in the order in which they are shown."""


def phrase_question(task: dict[str, Any]) -> str:
    """Phrase the question of a task; its evidence may have any form."""
    evidence = task.get("evidence") or {}
    mentions = task.get("mentions") or 0
    n_identities = len(evidence.get("identities") or ())
    if task["kind"] == "conflict":
        values = [str(value)[:30] for value in (evidence.get("values") or ())[:3]]
        if values:
            return f"Do the ORCID iDs {' and '.join(values)} belong to one person?"
        if evidence.get("scheme"):
            value = str(evidence.get("value", ""))[:100]
            return f"{str(evidence['scheme']).upper()} {value} is on {n_identities} profiles"
        return "Which of these profiles is wrong?"
    if task["kind"] == "merge":
        return f"Are these {n_identities or 2} profiles the same person?"
    if task["kind"] == "split":
        return f"Is this profile ({_count_papers(mentions)}) more than one person?"
    if task["kind"] == "assign":
        return "Which profile does this paper belong to?"
    return str(evidence.get("question") or "Random sample: is this correct?")[:200]


def phrase_chance(task: dict[str, Any]) -> str:
    """Phrase the probability that the published state is wrong; empty if unknown."""
    if not isinstance(task.get("error"), int | float):
        return ""
    chance = f"{task['error'] * 100:.0f} % chance that "
    if task["kind"] == "split":
        return chance + "it is more than one person"
    if task["kind"] == "merge":
        return chance + "they are the same person"
    return chance + "the published state is wrong"


def phrase_decision(comparison: dict[str, Any]) -> str:
    """Phrase what decided whether two author entries are one person."""
    percent = f"{comparison['probability'] * 100:.0f} %"
    decider = {
        "must-link": "decided by a curator",
        "cannot-link": "decided by a curator",
        "identifier": "decided by their ORCID iDs",
        "same work": "both are authors of one work",
        "names": "decided by their names",
        "too little in common": "too little in common to be compared",
    }.get(comparison["decided_by"])
    if decider is None:
        return f"model probability of the same person {percent}"
    return f"{decider} (model alone: {percent})"


_EVENTS = {
    "decision-undone": "Decision undone",
    "decision-redone": "Decision redone",
    "run-published": "Run published",
    "run-rolled-back": "Run rolled back",
    "works-loaded": "Works loaded",
    "works-placed": "New papers assigned",
    "external-id-attached": "External id attached",
    "external-id-detached": "External id detached",
}


def history_title(entry: dict[str, Any]) -> str:
    """Phrase an event in the history of a profile."""
    actor = entry.get("actor")
    if entry["kind"] == "decision-made":
        return f"{actor or 'A curator'} {_phrase_edit(entry.get('before'), entry['after'])}"
    title = _EVENTS.get(entry["kind"]) or entry["kind"].replace("-", " ").capitalize()
    return f"{title} by {actor}" if actor else title


def _phrase_edit(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    mentions = after.get("mentions") or 0
    if before is None:
        return f"created this profile with {_count_papers(mentions)}"
    if after.get("redirect"):
        return f"merged this profile into {after['redirect']}"
    if after.get("status") == "split":
        return "split this profile"
    difference = mentions - (before.get("mentions") or 0)
    if difference > 0:
        return f"merged {_count_papers(difference)} into this profile"
    if difference < 0:
        return f"moved {_count_papers(-difference)} out of this profile"
    return "confirmed this profile"


def history_details(entry: dict[str, Any]) -> str:
    """List what an event changed of a profile: number of papers, display name, years."""
    before, after = entry.get("before"), entry["after"]
    if before is None:
        return f"new profile, {_count_papers(after.get('mentions') or 0)}"
    changes = []
    if before.get("mentions") != after.get("mentions"):
        changes.append(f"papers: {before.get('mentions')} → {after.get('mentions')}")
    if before.get("name") != after.get("name"):
        changes.append(f"name: {before.get('name')} → {after.get('name')}")
    years = [f"{state.get('first_year')}–{state.get('last_year')}" for state in (before, after)]
    if years[0] != years[1] and after.get("first_year"):
        changes.append(f"years: {years[0]} → {years[1]}")
    if after.get("redirect") and before.get("redirect") != after["redirect"]:
        changes.append(f"redirects to {after['redirect']}")
    return "; ".join(changes)


def _count_papers(n: int) -> str:
    return f"{n:,} {'paper' if n == 1 else 'papers'}"
