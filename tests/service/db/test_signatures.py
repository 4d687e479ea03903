"""Signature keys of (work id, position), and the identities that signatures are in."""

from __future__ import annotations

from disambig.domain import Signature
from service.db.signatures import read_identity_keys, read_signature_keys, read_signatures
from service.publication.publish import publish
from tests.support.identity_world import add_run, add_works


def test_signature_keys_come_in_order_without_unknown_ones(database) -> None:
    keys = add_works(database, [["Wei Wang", "Ann Lee"], ["Wei Wang"]])
    works = ["w1", "w0", "w0", "w\0", "w\ud800", "w1", "w0"]
    signatures = list(map(Signature, works, [0, 2, 1, 0, 0, 0, 0]))
    with database.read() as connection:
        found = read_signature_keys(connection, signatures)
        assert read_signature_keys(connection, []) == {}
    assert list(found.items()) == [
        (Signature("w1", 0), keys[2]),
        (Signature("w0", 1), keys[1]),
        (Signature("w0", 0), keys[0]),
    ]


def test_identity_keys_leave_out_unassigned_signatures(database, editor) -> None:
    first, second, other = add_works(database, [["Wei Wang"]] * 3)
    add_run(database, "r-1", {first: 0, second: 0, other: 1})
    with database.read() as connection:
        assert read_identity_keys(connection, [first, other]) == {}
    publish(database, editor, "r-1")
    with database.read() as connection:
        identity_keys = read_identity_keys(connection, iter([first, second, 999]))
        assert read_identity_keys(connection, ()) == {}
    assert identity_keys.keys() == {first, second}
    assert len(set(identity_keys.values())) == 1


def test_works_and_positions_are_found_by_key(database) -> None:
    _, second, other = add_works(database, [["Wei Wang", "Ann Lee"], ["Wei Wang"]])
    with database.read() as connection:
        assert read_signatures(connection, iter([other, second, 999])) == {
            second: Signature("w0", 1),
            other: Signature("w1", 0),
        }
        assert read_signatures(connection, ()) == {}
