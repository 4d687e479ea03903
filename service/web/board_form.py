"""Parse the form of a board into an arrangement for the API; pure.

Every mention has a hidden field ``m``: ``[column, group, index in the group, work, position]``.
A field ``g:GROUP`` or ``p:GROUP:INDEX`` is the target of a group or of one of its papers: the
number of a column, ``n`` for a new one, ``u`` for not sure; empty: not moved. A field ``c:NUMBER``
is the identity of a column, empty for unassigned mentions. Fields ``also`` are ids of other tasks
that the columns answer, if ``rest`` is ticked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from service.errors import Invalid
from service.web.sessions import Form

MOST = 2_000
"""Maximum number of columns."""
_NUMBER = re.compile(r"[0-9]{1,4}")
Place = tuple[str, int]
"""Work and position of a mention."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A mention at its position on the board."""

    column: int
    group: str
    number: int
    place: Place


@dataclass
class Arrangement:
    """Changed columns in the format of the API, undecidable mentions, other answered tasks."""

    columns: list[dict[str, Any]] = field(default_factory=list)
    unsure: list[dict[str, Any]] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """Return the request body of a preview."""
        return {"columns": self.columns, "unsure": self.unsure, "also": self.also}

    @property
    def empty(self) -> bool:
        """Whether the form changes nothing."""
        return not (self.columns or self.unsure or self.also)


def wanted(form: Form) -> Arrangement:
    """Parse the arrangement of a form.

    Raises
    ------
    Invalid
        If a field is not a valid column.
    """
    found = _arranged(form)
    found.also = form.all("also") if form.get("rest") else []
    return found


def _arranged(form: Form) -> Arrangement:
    mentions = list(_mentions(form))
    identities = {n: value or None for n, value in _columns(form)}
    answer = form.get("answer")
    if answer:
        return _answered(form, mentions, identities, answer)
    before: dict[str, list[Place]] = {}
    after: dict[str, list[Place]] = {}
    unsure: list[Place] = []
    for mention in mentions:
        here = str(mention.column)
        target = _target(form, mention) or here
        if target == "u":
            unsure.append(mention.place)  # mentions in no column are not moved
            continue
        if target not in (here, "n") and identities.get(int(target), "") is None:
            raise Invalid(
                f"column {target} holds unassigned mentions", "move papers to a new column instead"
            )
        before.setdefault(here, []).append(mention.place)
        after.setdefault(target, []).append(mention.place)
    columns = [
        _column(identities.get(int(name)) if name != "n" else None, after.get(name, ()))
        for name in sorted({*before, *after}, key=_order)
        if before.get(name) != after.get(name)
        and after.get(name)
        and not _nowhere(name, identities)
    ]
    return Arrangement(columns, [_mention(place) for place in unsure])


def _answered(
    form: Form, mentions: list[Shown], identities: dict[int, str | None], answer: str
) -> Arrangement:
    """Parse a same, different or unsure answer to the question of the board."""
    asked = {int(n) for n in form.all("asked") if _NUMBER.fullmatch(n)}
    groups = set(form.all("between"))
    about = [m for m in mentions if m.column in asked]
    if answer == "unsure":
        chosen = [m for m in about if m.group in groups] or about
        return Arrangement(unsure=[_mention(m.place) for m in chosen])
    parts: dict[int, list[Place]] = {}
    for mention in about:
        parts.setdefault(mention.column, []).append(mention.place)
    if groups:
        return _divided(about, groups, identities, answer)
    if answer == "same":
        kept = next((n for n in sorted(parts) if identities.get(n)), min(parts, default=0))
        everyone = [place for n in sorted(parts) for place in parts[n]]
        return Arrangement([_column(identities.get(kept), everyone)] if everyone else [])
    return Arrangement([_column(identities.get(n), parts[n]) for n in sorted(parts)])


def _divided(
    about: list[Shown], groups: set[str], identities: dict[int, str | None], answer: str
) -> Arrangement:
    """Parse the answer whether some groups belong to the identity of the others."""
    some = [m.place for m in about if m.group in groups]
    others = [m for m in about if m.group not in groups]
    there = next((m.column for m in others if identities.get(m.column)), None)
    rest = [m.place for m in others if m.column == there]
    stay = [] if there is None else [_column(identities[there], rest)]
    if answer == "same" and stay:
        return Arrangement([_column(stay[0]["identity"], rest + some)])
    return Arrangement([*stay, _column(None, some)])


def _mentions(form: Form) -> Iterable[Shown]:
    for text in form.all("m"):
        try:
            column, group, number, work, position = orjson.loads(text)
            yield Shown(int(column), str(group), int(number), (str(work), int(position)))
        except (ValueError, TypeError):
            raise Invalid("a field of the form is invalid", "reload the board") from None


def _columns(form: Form) -> Iterable[tuple[int, str]]:
    for name, value in form.pairs:
        number = name.removeprefix("c:")
        if number != name and _NUMBER.fullmatch(number):
            yield int(number), value


def _target(form: Form, mention: Shown) -> str:
    text = form.get(f"p:{mention.group}:{mention.number}") or form.get(f"g:{mention.group}")
    text = text.lower()
    if text in ("", "n", "u"):
        return text
    if text in ("new", "?"):
        return "n" if text == "new" else "u"
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MOST:
        raise Invalid(
            f"{text[:20]!r} is not a column",
            "enter the number of a column, n for a new one, or u for not sure",
        )
    return str(int(text))


def _nowhere(name: str, identities: dict[int, str | None]) -> bool:
    return name != "n" and int(name) in identities and identities[int(name)] is None


def _order(name: str) -> tuple[int, int]:
    return (1, 0) if name == "n" else (0, int(name))


def _column(identity: str | None, places: Iterable[Place]) -> dict[str, Any]:
    return {"identity": identity, "mentions": [_mention(place) for place in places]}


def _mention(place: Place) -> dict[str, Any]:
    return {"work": place[0], "position": place[1]}
