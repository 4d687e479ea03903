"""Terminal output of runs and of their proposed changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from disambig.console import console, safe
from service.publication.diff import describe_change

if TYPE_CHECKING:
    from service.publication.proposals import ChangeLine
    from service.runs.store import RunView

COLOURS = {
    "queued": "cyan",
    "running": "cyan",
    "proposed": "yellow",
    "published": "green",
    "failed": "red",
    "cancelled": "dim",
    "superseded": "dim",
    "rolled-back": "magenta",
}
KINDS = {
    "conflict": ("ORCID iDs", "bold red"),
    "decision": ("decided", "red"),
    "merge": ("merge", "yellow"),
    "split": ("split", "magenta"),
    "move": ("move", "cyan"),
    "create": ("create", "green"),
    "grow": ("grow", "green"),
}
NEXT = {
    "queued": ("show {id} --wait",),
    "running": ("show {id} --wait",),
    "proposed": ("diff {id}", "publish {id}"),
    "published": ("rollback {id}",),
}
"""Suggested next commands by state."""


def as_json(found: RunView) -> str:
    """Format a run as JSON."""
    return json.dumps(asdict(found), indent=2, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def table(found: Sequence[RunView]) -> None:
    """Print runs, one per line."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not found:
        out.print("No runs yet. Start one: disambig run start --wait")
        return
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("run", "state", "scope", "asked", "took"):
        shown.add_column(name, no_wrap=True)
    shown.add_column("proposes", overflow="fold")
    for run in found:
        shown.add_row(
            run.id,
            Text(run.state, style=COLOURS.get(run.state, "")),
            run.scope,
            _ago(run.created_at),
            _took(run),
            Text(_brief(run), style="red" if run.state == "failed" else ""),
        )
    out.print(shown)


def _brief(run: RunView) -> str:
    """Summarise a run in a few words."""
    if run.state == "failed":
        return safe(run.error or "")[:80]
    if run.state == "running":
        return safe(run.stage or "")
    found = run.summary or {}
    counts = [("created", "new"), ("merged", "merged"), ("split", "split"), ("grown", "grown")]
    told = [f"{found[name]:,} {word}" for name, word in counts if found.get(name)]
    return ", ".join(told) if told or not found else "no change"


def show(run: RunView) -> None:
    """Print one run and the suggested next commands."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("run", Text(run.id, style="bold"))
    state = Text(run.state, style=COLOURS.get(run.state, ""))
    if run.state == "running" and run.stage:
        of = "" if run.total is None else f" of {run.total:,}"
        state.append(f"  {safe(run.stage)} {run.done:,}{of}", style="")
    grid.add_row("state", state)
    grid.add_row("scope", run.scope + (f", rebased {run.rebases} times" if run.rebases else ""))
    grid.add_row("asked", f"{run.created_at.astimezone():%Y-%m-%d %H:%M} by {safe(run.actor)}")
    if run.reason:
        grid.add_row("reason", safe(run.reason))
    if run.started_at:
        grid.add_row("took", _took(run))
    if run.attempts > 1:
        grid.add_row("attempts", f"{run.attempts}")
    if run.error:
        grid.add_row("error", Text(safe(run.error), style="red"))
    for name, told in _summary(run.summary or {}):
        grid.add_row(name, told)
    out.print(grid)
    for command in NEXT.get(run.state, ()):
        out.print(Text(f"next        disambig run {command.format(id=run.id)}", style="dim"))


def _summary(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Describe the summary of a run as (label, text) lines."""
    if not found:
        return []

    def n(name: str) -> str:
        return f"{found.get(name, 0):,}"

    same = found.get("mentions", 0) - found.get("mentions_new", 0) - found.get("mentions_moved", 0)
    lines = [
        (
            "mentions",
            f"{n('mentions')} clustered: {same:,} keep their identity, "
            f"{n('mentions_moved')} move to another, {n('mentions_new')} had none",
        ),
        (
            "identities",
            f"{n('created')} new, {n('merged')} merged into another, {n('split')} "
            f"split, {n('kept')} kept with changed mentions",
        ),
    ]
    if found.get("mentions_beside"):
        apart = found.get("mentions_apart", 0)
        away = (
            f"; {apart:,} of those clustered get new identities, to avoid "
            "another author of the same work"
            if apart
            else ""
        )
        lines.append(
            (
                "beside",
                f"{n('mentions_beside')} mentions of these identities were not clustered: "
                f"{n('mentions_following')} follow the majority of their identity, the others stay{away}",
            )
        )
    if found.get("scored"):
        lines.append(("compared", f"{n('scored')} of {n('considered')} pairs"))
    if found.get("decisions"):
        lines.append(("decided", f"identities that lose mentions with decisions: {n('decisions')}"))
    for problem in found.get("problems", [])[:5]:
        lines.append(("problem", safe(problem)))
    more = found.get("n_problems", 0) - 5
    if more > 0:
        lines.append(("", f"and {more:,} more problems"))
    return lines


def changes(run: RunView, lines: Sequence[ChangeLine]) -> None:
    """Print the changes that publishing a run would make, one per line."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    tense = "has changed" if run.state == "published" else "would change"
    out.print(Text(f"What publishing {run.id} {tense}", style="bold"))
    for name, told in _summary(run.summary or {}):
        if name in ("mentions", "identities", "beside", "decided"):
            out.print(Text(f"  {name}: {told}"))
    if not lines:
        out.print("  nothing")
        return
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("mentions", justify="right", no_wrap=True)
    shown.add_column("kind", no_wrap=True)
    shown.add_column("identity", no_wrap=True)
    shown.add_column("name", overflow="ellipsis", no_wrap=True, max_width=28)
    shown.add_column("change", overflow="fold")
    for line in lines:
        word, colour = KINDS.get(line.kind, (line.kind, ""))
        shown.add_row(
            f"{line.mentions:,}",
            Text(word, style=colour),
            line.identity or Text("new", style="dim"),
            safe(line.details.get("name") or ""),
            Text(safe(describe_change(line.kind, line.mentions, line.details))),
        )
    out.print(shown)


def _ago(at: datetime) -> str:
    """Format the age of a timestamp in one unit."""
    past = datetime.now(UTC) - at
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if past >= timedelta(seconds=size):
            return f"{past // timedelta(seconds=size)} {unit} ago"
    return "just now"


def _took(run: RunView) -> str:
    """Format the duration of a run, up to now if it is running."""
    if run.started_at is None:
        return ""
    seconds = int(((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds())
    hours, rest = divmod(max(seconds, 0), 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
