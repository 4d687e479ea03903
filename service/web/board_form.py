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

from disambig.domain import Signature
from service.errors import Invalid
from service.web.sessions import Form

MAX_COLUMN_NUMBER = 2_000
"""Maximum number of columns."""
_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class FormMention:
    """A mention at its position on the board."""

    column: int
    group: str
    number: int
    signature: Signature


@dataclass
class FormArrangement:
    """Changed columns in the format of the API, undecidable mentions, other answered tasks."""

    columns: list[dict[str, Any]] = field(default_factory=list)
    unsure: list[dict[str, Any]] = field(default_factory=list)
    also_answered: list[str] = field(default_factory=list)

    def to_body(self) -> dict[str, Any]:
        """Return the request body of a preview."""
        return {"columns": self.columns, "unsure": self.unsure, "also": self.also_answered}

    @property
    def is_empty(self) -> bool:
        """Whether the form changes nothing."""
        return not (self.columns or self.unsure or self.also_answered)


def parse_board_form(form: Form) -> FormArrangement:
    """Parse the arrangement of a form.

    Raises
    ------
    Invalid
        If a field is not a valid column.
    """
    arrangement = _parse_moves(form)
    arrangement.also_answered = form.all("also") if form.get("rest") else []
    return arrangement


def _parse_moves(form: Form) -> FormArrangement:
    mentions = list(_parse_mentions(form))
    identities = {n: value or None for n, value in _parse_columns(form)}
    answer = form.get("answer")
    if answer:
        return _parse_answer(form, mentions, identities, answer)
    current_columns: dict[str, list[Signature]] = {}
    target_columns: dict[str, list[Signature]] = {}
    unsure: list[Signature] = []
    for mention in mentions:
        current = str(mention.column)
        target = _parse_target(form, mention) or current
        if target == "u":
            unsure.append(mention.signature)  # mentions in no column are not moved
            continue
        if target not in (current, "n") and identities.get(int(target), "") is None:
            raise Invalid(
                f"column {target} holds unassigned mentions", "move papers to a new column instead"
            )
        current_columns.setdefault(current, []).append(mention.signature)
        target_columns.setdefault(target, []).append(mention.signature)
    columns = [
        _build_column(
            identities.get(int(name)) if name != "n" else None, target_columns.get(name, ())
        )
        for name in sorted({*current_columns, *target_columns}, key=_sort_key)
        if current_columns.get(name) != target_columns.get(name)
        and target_columns.get(name)
        and not _is_unassigned(name, identities)
    ]
    return FormArrangement(columns, [_build_mention(s) for s in unsure])


def _parse_answer(
    form: Form, mentions: list[FormMention], identities: dict[int, str | None], answer: str
) -> FormArrangement:
    """Parse a same, different or unsure answer to the question of the board."""
    question_columns = {int(n) for n in form.all("asked") if _NUMBER.fullmatch(n)}
    groups = set(form.all("between"))
    question_mentions = [m for m in mentions if m.column in question_columns]
    if answer == "unsure":
        unsure_mentions = [m for m in question_mentions if m.group in groups] or question_mentions
        return FormArrangement(unsure=[_build_mention(m.signature) for m in unsure_mentions])
    by_column: dict[int, list[Signature]] = {}
    for mention in question_mentions:
        by_column.setdefault(mention.column, []).append(mention.signature)
    if groups:
        return _parse_split_answer(question_mentions, groups, identities, answer)
    if answer == "same":
        kept_column = next(
            (n for n in sorted(by_column) if identities.get(n)), min(by_column, default=0)
        )
        all_signatures = [s for n in sorted(by_column) for s in by_column[n]]
        return FormArrangement(
            [_build_column(identities.get(kept_column), all_signatures)] if all_signatures else []
        )
    return FormArrangement(
        [_build_column(identities.get(n), by_column[n]) for n in sorted(by_column)]
    )


def _parse_split_answer(
    question_mentions: list[FormMention],
    groups: set[str],
    identities: dict[int, str | None],
    answer: str,
) -> FormArrangement:
    """Parse the answer whether some groups belong to the identity of the others."""
    group_signatures = [m.signature for m in question_mentions if m.group in groups]
    other_mentions = [m for m in question_mentions if m.group not in groups]
    other_column = next((m.column for m in other_mentions if identities.get(m.column)), None)
    other_signatures = [m.signature for m in other_mentions if m.column == other_column]
    kept_columns = (
        [] if other_column is None else [_build_column(identities[other_column], other_signatures)]
    )
    if answer == "same" and kept_columns:
        return FormArrangement(
            [_build_column(kept_columns[0]["identity"], other_signatures + group_signatures)]
        )
    return FormArrangement([*kept_columns, _build_column(None, group_signatures)])


def _parse_mentions(form: Form) -> Iterable[FormMention]:
    for text in form.all("m"):
        try:
            column, group, number, work, position = orjson.loads(text)
            yield FormMention(
                int(column), str(group), int(number), Signature(str(work), int(position))
            )
        except (ValueError, TypeError):
            raise Invalid("a field of the form is invalid", "reload the board") from None


def _parse_columns(form: Form) -> Iterable[tuple[int, str]]:
    for name, value in form.pairs:
        number = name.removeprefix("c:")
        if number != name and _NUMBER.fullmatch(number):
            yield int(number), value


def _parse_target(form: Form, mention: FormMention) -> str:
    text = form.get(f"p:{mention.group}:{mention.number}") or form.get(f"g:{mention.group}")
    text = text.lower()
    if text in ("", "n", "u"):
        return text
    if text in ("new", "?"):
        return "n" if text == "new" else "u"
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_COLUMN_NUMBER:
        raise Invalid(
            f"{text[:20]!r} is not a column",
            "enter the number of a column, n for a new one, or u for not sure",
        )
    return str(int(text))


def _is_unassigned(name: str, identities: dict[int, str | None]) -> bool:
    return name != "n" and int(name) in identities and identities[int(name)] is None


def _sort_key(name: str) -> tuple[int, int]:
    return (1, 0) if name == "n" else (0, int(name))


def _build_column(identity: str | None, signatures: Iterable[Signature]) -> dict[str, Any]:
    return {"identity": identity, "mentions": [_build_mention(s) for s in signatures]}


def _build_mention(signature: Signature) -> dict[str, Any]:
    return {"work": signature.work, "position": signature.position}
