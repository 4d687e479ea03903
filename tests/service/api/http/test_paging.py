"""Cursors: what goes in comes out, and nothing else is taken for one."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.http.paging import BadCursor, make_cursor, read_cursor


@given(
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.integers(-(2**63) + 1, 2**63 - 1),
)
def test_a_cursor_gives_back_what_it_was_made_of(text: str, number: int) -> None:
    assert read_cursor("list", make_cursor("list", text, number), (str, int)) == (text, number)


def test_no_cursor_is_the_first_page() -> None:
    assert read_cursor("list", None, (int,)) is None


@given(st.data())
def test_a_cursor_with_one_letter_changed_is_refused(data: st.DataObject) -> None:
    made = make_cursor("list", "work/17", 3)
    place = data.draw(st.integers(0, len(made) - 1))
    letter = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_"))
    changed = made[:place] + letter + made[place + 1 :]
    # the last letter carries bits that stand for nothing; what reads the same is the same
    if base64.urlsafe_b64decode(changed + "=" * (-len(changed) % 4)) != base64.urlsafe_b64decode(
        made + "=" * (-len(made) % 4)
    ):
        with pytest.raises(BadCursor):
            read_cursor("list", changed, (str, int))


@given(st.text())
def test_any_text_is_a_cursor_or_refused_as_one(text: str) -> None:
    with pytest.raises(BadCursor) as caught:
        read_cursor("list", text, (str, int))
    assert caught.value.field == "cursor"


def test_a_cursor_of_another_list_or_sorting_is_refused() -> None:
    with pytest.raises(BadCursor):
        read_cursor("works-year", make_cursor("works-title", "w", 1), (str, int))


@pytest.mark.parametrize(
    ("values", "types"),
    [
        ((1,), (str,)),
        (("a",), (int,)),
        ((True,), (int,)),
        ((1, 2), (int,)),
        (("a\0b",), (str,)),
        ((2**64,), (int,)),
        (("x",), (float,)),
    ],
)
def test_values_of_other_types_are_refused(
    values: tuple[str | int, ...], types: tuple[type, ...]
) -> None:
    try:
        made = make_cursor("list", *values)
    except TypeError:  # a number that JSON of our writer cannot hold never comes into a cursor
        return
    with pytest.raises(BadCursor):
        read_cursor("list", made, types)
