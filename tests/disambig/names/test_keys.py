"""Under which keys names are filed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.names import make_block_keys, make_order_free_key, parse_name


def keys(printed: str, given: str | None = None, family: str | None = None) -> tuple[str, ...]:
    return make_block_keys(parse_name(printed, given, family))


@pytest.mark.parametrize(
    ("printed", "primary"),
    [
        ("J.L. Pons", "j pons"),
        ("Pons JL", "j pons"),
        ("Wang Yi", "w yi"),
        ("Wolfgang Müller", "w muller"),
        ("Laurens van der Maaten", "l maaten"),
        ("Gerard Pons-Moll", "g moll"),
        ("zhuben", "zhuben"),
        ("李伟", "w li"),
    ],
)
def test_primary_key_is_initial_and_last_word(printed: str, primary: str) -> None:
    assert keys(printed)[0] == primary


def test_stated_family_name_is_kept_whole_in_the_primary_key() -> None:
    assert keys("Antal van den Bosch", "Antal", "van den Bosch")[0] == "a van den bosch"


def test_name_without_letters_has_no_key() -> None:
    assert keys("...") == ()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Wang Yi", "Yi Wang"),
        ("Wolfgang Mueller", "Wolfgang Müller"),
        ("Koenraad DeSmedt", "Koenraad de Smedt"),
        ("Gertjan Noord", "Gertjan van Noord"),
        ("Edgar González", "Edgar González Pellicer"),
        ("Daniel Tapias", "Daniel Tapias Merino"),
        ("Olivia Sanchez", "Olivia Sanchez-Graillet"),
        ("Bill Gates", "William Gates"),
        ("E.J. Briscoe", "Ted Briscoe"),
        ("Richard Zhang", "Hao (Richard) Zhang"),
        ("Detmar Meurers", "W. Detmar Meurers"),
        ("Bong-Yeung Lai", "Tom Bong-yeung Lai"),
        ("Felipe Gonzalez", "Luis Felipe Gonzalez"),
        ("Rajendran S", "S. Rajendran"),
        ("Xiaowen Jiang", "XiaowenJiang"),
        ("Pons JL", "Jose Pons"),
    ],
)
def test_forms_of_one_name_share_a_key(a: str, b: str) -> None:
    assert set(keys(a)) & set(keys(b))


def test_stated_and_guessed_divisions_share_a_key() -> None:
    stated = keys("Antal van den Bosch", "Antal", "van den Bosch")
    assert set(stated) & set(keys("Antal van den Bosch"))
    assert set(stated) & set(keys("A. Bosch"))


@pytest.mark.parametrize(
    ("a", "b"), [("Wei Zhang", "Zhen Wei"), ("Ann Lee", "Bob Lee"), ("Ann Lee", "Ann Li")]
)
def test_unlike_names_share_no_key(a: str, b: str) -> None:
    assert not set(keys(a)) & set(keys(b))


def test_order_free_key_is_the_same_in_any_order() -> None:
    assert make_order_free_key(parse_name("Orhan Zeynep")) == "orhan zeynep"
    assert make_order_free_key(parse_name("Zeynep ORHAN")) == "orhan zeynep"


@settings(deadline=None)
@given(st.text())
def test_keys_are_distinct_and_never_empty(printed: str) -> None:
    found = keys(printed)
    assert len(set(found)) == len(found)
    assert all(found)
