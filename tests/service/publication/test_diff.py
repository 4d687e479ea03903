"""What a proposal would change, on small cases worked out by hand."""

import numpy as np

from service.identities.lifecycle import make_placeholder_key
from service.publication.diff import DiffLine, compute_diff, map_to_targets

NEW = make_placeholder_key


def compared(before: list[int], after: list[int], decided: tuple[int, ...] = (), **more: int):  # type: ignore[no-untyped-def]
    old = np.array(before, dtype=np.int64)
    size = {key: before.count(key) for key in set(before) - {-1}}
    size.update({int(key[1:]): n for key, n in more.items()})
    flags = np.isin(np.arange(len(before)), decided)
    return compute_diff(old, np.array(after, dtype=np.int64), flags, size)


def test_groups_go_to_the_identity_they_continue_or_to_a_new_one() -> None:
    assert map_to_targets(np.array([0, 1, 1, 2]), {1: 70}).tolist() == [NEW(0), 70, 70, NEW(2)]


def test_nothing_changes() -> None:
    found = compared([7, 7, 8], [7, 7, 8])
    assert found.lines == []
    assert (found.totals["mentions"], found.totals["identities"]) == (3, 2)


def test_new_mentions_make_an_identity_or_let_one_grow() -> None:
    found = compared([-1, -1, -1, 7], [NEW(0), NEW(0), 7, 7])
    assert found.lines == [DiffLine("create", NEW(0), 2, (), 2), DiffLine("grow", 7, 1, (), 2)]
    assert found.totals["mentions_new"] == 3


def test_an_identity_goes_into_another() -> None:
    assert compared([7, 8, 8], [8, 8, 8]).lines == [DiffLine("merge", 7, 1, ((8, 1),))]


def test_an_identity_comes_apart() -> None:
    found = compared([7, 7, 7], [7, 7, NEW(1)])
    assert found.lines == [DiffLine("split", 7, 1, ((NEW(1), 1),), 2)]
    assert found.totals["created"] == 1


def test_mentions_move_between_identities_that_go_on() -> None:
    found = compared([7, 7, 7, 8], [7, 8, 8, 8])
    assert found.lines == [DiffLine("move", 7, 2, ((8, 2),), 1)]
    assert found.totals["mentions_moved"] == 2


def test_mentions_outside_of_the_proposal_keep_an_identity_alive() -> None:
    # 7 has two mentions more than the proposal speaks of
    assert compared([7, 8], [8, 8], k7=3).lines == [DiffLine("move", 7, 1, ((8, 1),), 2)]


def test_mentions_that_people_decided_about_are_told_by_themselves() -> None:
    found = compared([7, 7, 8], [8, 8, 8], (0,))
    assert found.lines == [
        DiffLine("merge", 7, 2, ((8, 2),)),
        DiffLine("decision", 7, 1, ((8, 1),)),
    ]


def test_the_largest_come_first() -> None:
    found = compared([-1, 7, 7, 8, 9], [NEW(0), 9, 9, 8, 9])
    assert [(line.kind, line.mentions) for line in found.lines] == [("merge", 2), ("create", 1)]
