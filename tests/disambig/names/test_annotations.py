"""Name fields that hold more than a name."""

from __future__ import annotations

import pytest

from disambig.names.annotations import split_email, split_persons


@pytest.mark.parametrize(
    ("printed", "persons"),
    [
        ("Ann Roe and Bo van Dam", ("Ann Roe", "Bo van Dam")),
        ("Roe, A.; van Dam, B.", ("Roe, A.", "van Dam, B.")),
        ("Roe, A. and Dam, B.", ("Roe, A.", "Dam, B.")),
        ("A. Roe, B. Dam & C. Poe", ("A. Roe", "B. Dam", "C. Poe")),
        ("Ann Roe / Bo Dam", ("Ann Roe", "Bo Dam")),
        ("Ann Roe und Bo Dam", ("Ann Roe", "Bo Dam")),
    ],
)
def test_several_whole_names_are_several_persons(printed: str, persons: tuple[str, ...]) -> None:
    assert split_persons(printed) == persons


@pytest.mark.parametrize(
    "printed",
    [
        "Jo and Ann Roe",
        "José Ortega y Gasset",
        "Roe; Ann",
        "Physics and Astronomy Group",
        "Institute of Law and Ann Roe",
        "Ann Roe et al.",
        "Roe, Ann",
        "Garcia Lopez, Ana Maria",
        "Ann Roe, PhD",
    ],
)
def test_a_text_that_may_be_one_name_is_not_split(printed: str) -> None:
    assert split_persons(printed) == (printed,)


@pytest.mark.parametrize(
    "printed",
    ["Ann Roe a.roe@uni.example", "Ann Roe, <a.roe@uni.example>", "a.roe@uni.example; Ann Roe"],
)
def test_an_email_address_is_separated_from_the_name(printed: str) -> None:
    assert split_email(printed) == ("Ann Roe", "a.roe@uni.example")
