"""What decisions demand of a mention that is to be placed."""

from service.assignment.candidates import derive_constraints
from service.assignment.policy import SignatureConstraint
from service.constraints.links import Link


def must(a: int, b: int) -> Link:
    return Link(a, b, True, "d")


def cannot(a: int, b: int) -> Link:
    return Link(a, b, False, "d")


def test_a_must_leads_to_the_identity_also_by_way_of_others() -> None:
    links = [must(1, 2), must(2, 3)]
    assert derive_constraints([1], links, {3: 70}) == {
        1: SignatureConstraint(frozenset({70}), frozenset())
    }


def test_a_cannot_bars_the_identity_of_all_that_the_other_must_be() -> None:
    # 1 must be 2, 2 cannot be 3, 3 must be 4, and 4 is published
    links = [must(1, 2), cannot(3, 2), must(3, 4)]
    assert derive_constraints([1], links, {4: 70}) == {
        1: SignatureConstraint(frozenset(), frozenset({70}))
    }


def test_where_nothing_is_published_nothing_is_said() -> None:
    assert derive_constraints([1, 9], [must(1, 2), cannot(1, 3)], {}) == {}
