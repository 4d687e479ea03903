"""Decoding what a source encoded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.decode import decode_text, is_decoded


@pytest.mark.parametrize(
    ("encoded", "text", "problems"),
    [
        (r"Erd{\H o}s, Fran\c{c}ois", "Erdős, François", ("TeX",)),
        (r"{\L}ukasz \v{C}ern{\'y}", "Łukasz Černý", ("TeX",)),
        ("{van den Berg}, {H.}", "van den Berg, H.", ("TeX",)),
        (r"Roe\thanks{Funded by X.}", "Roe", ("TeX",)),
        (r"{\it E. coli} in $\mathbb{R}^2$", r"E. coli in $\mathbb{R}^2$", ("TeX",)),
        ("M&uuml;ller &amp; S&#246;hne", "Müller & Söhne", ("HTML entities",)),
        ("O&amp;#039;Connor", "O'Connor", ("HTML entities",)),
        ("JiÅ™Ã\xad DvoÅ™Ã¡k", "Jiří Dvořák", ("UTF-8 read as another encoding",)),
        ("Ð®Ñ€Ð¸Ð¹", "Юрий", ("UTF-8 read as another encoding",)),
        ("JosÃƒÂ©", "José", ("UTF-8 read as another encoding",)),
    ],
)
def test_an_encoded_text_is_decoded(encoded: str, text: str, problems: tuple[str, ...]) -> None:
    assert decode_text(encoded) == (text, problems)


@pytest.mark.parametrize(
    "text", [r"C:\temp\new", "AT&T; R&D", "São Ângela VIÑA", "O(n^{2})", "Müller & Söhne", "{a"]
)
def test_what_is_not_certainly_encoded_stays(text: str) -> None:
    assert decode_text(text) == (text, ())


@given(st.text())
def test_a_text_that_needs_no_decoding_is_unchanged(text: str) -> None:
    assert not is_decoded(text) or decode_text(text) == (text, ())
