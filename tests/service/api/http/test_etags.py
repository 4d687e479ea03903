"""Versions over HTTP: which If-Match and If-None-Match are taken, and which are not."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import RequestFactory

from service.api.http.etags import (
    PreconditionRequired,
    make_etag,
    matches_etag,
    read_expected_version,
)
from service.errors import Invalid


def asked(if_match: str | None) -> Any:
    headers = {} if if_match is None else {"If-Match": if_match}
    return RequestFactory().post("/", headers=headers)


@pytest.mark.parametrize("text", ['"17"', 'W/"17"', '"17-0a1b2c"', '"17-0a1b2c.gz"', ' "17" '])
def test_an_etag_as_it_was_read_names_its_version(text: str) -> None:
    assert read_expected_version(asked(text)) == 17


def test_the_etag_of_an_answer_names_its_version() -> None:
    assert read_expected_version(asked(make_etag(b"body", 42))) == 42


def test_a_star_is_any_version() -> None:
    assert read_expected_version(asked("*")) is None


def test_an_edit_without_a_version_is_refused_unless_none_is_required() -> None:
    with pytest.raises(PreconditionRequired) as caught:
        read_expected_version(asked(None))
    assert (caught.value.status, caught.value.field) == (428, "If-Match")
    assert read_expected_version(asked(None), required=False) is None


@pytest.mark.parametrize(
    "text", ["17", '"x"', '""', '"1", "2"', '"-1"', '"99999999999999999999"', '"9' + "9" * 18 + '"']
)
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_expected_version(asked(text))
    assert caught.value.field == "If-Match"


@pytest.mark.parametrize("sent", ['"a"', 'W/"a"', '"b", "a"', "*", '"a.gz"'])
def test_a_reader_that_has_the_answer_is_recognised(sent: str) -> None:
    assert matches_etag(sent, '"a"')
    assert matches_etag(sent, '"a.gz"')


@pytest.mark.parametrize("sent", [None, "", '"b"', "a", '"a'])
def test_a_reader_that_has_another_answer_is_not(sent: str | None) -> None:
    assert not matches_etag(sent, '"a"')


def test_different_answers_of_one_version_have_different_etags() -> None:
    assert make_etag(b"one", 1) != make_etag(b"two", 1)
