"""What a run would change, told so that nobody has to guess."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from service.cli import run_output
from service.publication.diff import describe_change
from service.publication.results import Difference

ANN = {"identity": "a-2", "name": "Ann Lee", "mentions": 3}
NEW = {"identity": None, "name": "A. Lee", "mentions": 2}


@pytest.mark.parametrize(
    ("kind", "mentions", "details", "words"),
    [
        ("create", 4, {"stays": 4}, "is a new identity of 4 mentions"),
        ("grow", 2, {"stays": 7}, "gains 2 mentions without an identity; has 7 afterwards"),
        ("merge", 3, {"others": [ANN]}, "merges into a-2 Ann Lee; its id redirects there"),
        ("move", 3, {"others": [ANN], "stays": 5}, "moves 3 to a-2 Ann Lee; keeps 5"),
        (
            "split",
            5,
            {"others": [ANN, NEW]},
            "splits: 3 to a-2 Ann Lee, 2 to a new identity A. Lee; keeps none",
        ),
        (
            "split",
            11,
            {"others": [ANN, NEW, NEW, NEW, NEW], "stays": 1, "following": 1},
            "splits: 3 to a-2 Ann Lee, 2 to a new identity A. Lee, 2 to a new identity "
            "A. Lee, 4 to 2 more; keeps 1; 1 of them outside the proposal",
        ),
        (
            "decision",
            3,
            {"others": [ANN], "stays": 5, "decisions": ["d-1", "d-2"]},
            "loses 3 mentions under decisions (d-1, d-2): 3 to a-2 Ann Lee; keeps 5",
        ),
    ],
)
def test_every_line_says_what_becomes_of_the_identity(
    kind: str, mentions: int, details: dict[str, Any], words: str
) -> None:
    assert describe_change(kind, mentions, details) == words


def test_totals_say_where_mentions_go_and_what_the_run_did_not_look_at() -> None:
    told = dict(
        run_output._describe_summary(
            {
                "mentions": 12,
                "mentions_new": 3,
                "mentions_moved": 4,
                "created": 2,
                "merged": 1,
                "split": 0,
                "kept": 5,
                "decisions": 1,
                "mentions_beside": 9,
                "mentions_following": 2,
                "mentions_apart": 1,
            }
        )
    )
    assert told == {
        "mentions": "12 clustered: 5 keep their identity, 4 move to another, 3 had none",
        "identities": "2 new, 1 merged into another, 0 split, 5 kept with changed mentions",
        "not clustered": "9 mentions of these identities were not clustered: 2 follow the majority "
        "of their identity, the others stay; 1 of those clustered get new identities, to avoid "
        "another author of the same work",
        "decisions": "identities that lose mentions with decisions: 1",
    }


def test_hostile_names_cannot_turn_or_clear_the_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = {"identity": "a-2", "name": "\u202eeeL\x1b[2J", "mentions": 3}
    details = {"name": "\x1b[2J", "others": [other], "stays": 1}
    line = Difference(
        rank=0,
        kind="move",
        mentions=3,
        identity="a-1",
        details=details,
        text=describe_change("move", 3, details),
    )
    run: Any = SimpleNamespace(id="r-1", state="proposed", summary={})
    run_output.print_changes(run, [line])
    shown = capsys.readouterr().out
    assert "moves 3" in shown
    assert not {"\u202e", "\x1b"} & set(shown)
