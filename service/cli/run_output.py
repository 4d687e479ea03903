"""Terminal output of runs and of their proposed changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from disambig.console import escape_text, make_console
from service.values import to_dict

if TYPE_CHECKING:
    from service.publication.results import Difference
    from service.runs.results import Run

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
NEXT_COMMANDS = {
    "queued": ("show {id} --wait",),
    "running": ("show {id} --wait",),
    "proposed": ("diff {id}", "publish {id}"),
    "published": ("rollback {id}",),
}
"""Suggested next commands by state."""


def to_json(run_view: Run) -> str:
    """Format a run as JSON."""
    return json.dumps(to_dict(run_view), indent=2, ensure_ascii=False, default=_to_plain)


def _to_plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def print_runs(run_list: Sequence[Run]) -> None:
    """Print runs, one per line."""
    from rich.table import Table
    from rich.text import Text

    out = make_console()
    if not run_list:
        out.print("No runs yet. Start one: disambig run start --wait")
        return
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("run", "state", "scope", "requested", "duration"):
        grid.add_column(name, no_wrap=True)
    grid.add_column("proposes", overflow="fold")
    for run in run_list:
        grid.add_row(
            run.id,
            Text(run.state, style=COLOURS.get(run.state, "")),
            run.scope,
            _format_age(run.created_at),
            _format_duration(run),
            Text(_summarize(run), style="red" if run.state == "failed" else ""),
        )
    out.print(grid)


def _summarize(run: Run) -> str:
    """Summarise a run in a few words."""
    if run.state == "failed":
        return escape_text(run.error or "")[:80]
    if run.state == "running":
        return escape_text(run.stage or "")
    summary = run.summary or {}
    counts = [("created", "new"), ("merged", "merged"), ("split", "split"), ("grown", "grown")]
    parts = [f"{summary[name]:,} {word}" for name, word in counts if summary.get(name)]
    return ", ".join(parts) if parts or not summary else "no change"


def print_run(run: Run) -> None:
    """Print one run and the suggested next commands."""
    from rich.table import Table
    from rich.text import Text

    out = make_console()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("run", Text(run.id, style="bold"))
    state = Text(run.state, style=COLOURS.get(run.state, ""))
    if run.state == "running" and run.stage:
        total = "" if run.total is None else f" of {run.total:,}"
        state.append(f"  {escape_text(run.stage)} {run.done:,}{total}", style="")
    grid.add_row("state", state)
    grid.add_row("scope", run.scope + (f", rebased {run.rebases} times" if run.rebases else ""))
    grid.add_row(
        "requested", f"{run.created_at.astimezone():%Y-%m-%d %H:%M} by {escape_text(run.actor)}"
    )
    if run.reason:
        grid.add_row("reason", escape_text(run.reason))
    if run.started_at:
        grid.add_row("duration", _format_duration(run))
    if run.attempts > 1:
        grid.add_row("attempts", f"{run.attempts}")
    if run.error:
        grid.add_row("error", Text(escape_text(run.error), style="red"))
    for name, description in _describe_summary(run.summary or {}):
        grid.add_row(name, description)
    out.print(grid)
    for command in NEXT_COMMANDS.get(run.state, ()):
        out.print(Text(f"next        disambig run {command.format(id=run.id)}", style="dim"))


def _describe_summary(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Describe the summary of a run as (label, text) lines."""
    if not summary:
        return []

    def format_count(name: str) -> str:
        return f"{summary.get(name, 0):,}"

    same = (
        summary.get("mentions", 0)
        - summary.get("mentions_new", 0)
        - summary.get("mentions_moved", 0)
    )
    lines = [
        (
            "mentions",
            f"{format_count('mentions')} clustered: {same:,} keep their identity, "
            f"{format_count('mentions_moved')} move to another, "
            f"{format_count('mentions_new')} had none",
        ),
        (
            "identities",
            f"{format_count('created')} new, {format_count('merged')} merged into another, "
            f"{format_count('split')} split, {format_count('kept')} kept with changed mentions",
        ),
    ]
    if summary.get("mentions_beside"):
        n_apart = summary.get("mentions_apart", 0)
        apart_note = (
            f"; {n_apart:,} of those clustered get new identities, to avoid "
            "another author of the same work"
            if n_apart
            else ""
        )
        lines.append(
            (
                "not clustered",
                f"{format_count('mentions_beside')} mentions of these identities were not "
                "clustered: "
                f"{format_count('mentions_following')} follow the majority of their identity, "
                f"the others stay{apart_note}",
            )
        )
    if summary.get("scored"):
        lines.append(
            ("compared", f"{format_count('scored')} of {format_count('considered')} pairs")
        )
    if summary.get("decisions"):
        lines.append(
            (
                "decisions",
                f"identities that lose mentions with decisions: {format_count('decisions')}",
            )
        )
    for problem in summary.get("problems", [])[:5]:
        lines.append(("problem", escape_text(problem)))
    n_more = summary.get("n_problems", 0) - 5
    if n_more > 0:
        lines.append(("", f"and {n_more:,} more problems"))
    return lines


def print_changes(run: Run, lines: Sequence[Difference]) -> None:
    """Print the changes that publishing a run would make, one per line."""
    from rich.table import Table
    from rich.text import Text

    out = make_console()
    tense = "has changed" if run.state == "published" else "would change"
    out.print(Text(f"What publishing {run.id} {tense}", style="bold"))
    for name, description in _describe_summary(run.summary or {}):
        if name in ("mentions", "identities", "not clustered", "decisions"):
            out.print(Text(f"  {name}: {description}"))
    if not lines:
        out.print("  nothing")
        return
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("mentions", justify="right", no_wrap=True)
    grid.add_column("kind", no_wrap=True)
    grid.add_column("identity", no_wrap=True)
    grid.add_column("name", overflow="ellipsis", no_wrap=True, max_width=28)
    grid.add_column("change", overflow="fold")
    for line in lines:
        word, colour = KINDS.get(line.kind, (line.kind, ""))
        grid.add_row(
            f"{line.mentions:,}",
            Text(word, style=colour),
            line.identity or Text("new", style="dim"),
            escape_text(line.details.get("name") or ""),
            Text(escape_text(line.text)),
        )
    out.print(grid)


def _format_age(at: datetime) -> str:
    """Format the age of a timestamp in one unit."""
    age = datetime.now(UTC) - at
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if age >= timedelta(seconds=size):
            return f"{age // timedelta(seconds=size)} {unit} ago"
    return "just now"


def _format_duration(run: Run) -> str:
    """Format the duration of a run, up to now if it is running."""
    if run.started_at is None:
        return ""
    seconds = int(((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds())
    hours, rest = divmod(max(seconds, 0), 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
