"""Under which keys names are filed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.names import make_block_keys, make_loose_keys, parse_name


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


def share_loose_key(a: str, b: str) -> bool:
    return not set(make_loose_keys(parse_name(a))).isdisjoint(make_loose_keys(parse_name(b)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Orhan Zeynep", "Zeynep ORHAN"),
        ("Do Dung", "Xuan Dung Do"),
        ("Caren Hahn", "Soyeon Caren Hahn"),
        ("John Smithenberg", "John Smitenberg"),
        ("John Smithenberg", "Kohn Smithenberg"),
        ("Yuri Gagarin", "Iurii Gagarin"),
        ("Ioannis Karamanlis", "John Karamanlis"),
    ],
)
def test_names_in_another_order_or_spelling_share_a_loose_key(one: str, other: str) -> None:
    assert share_loose_key(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("Wei Wang", "Lei Wang"), ("Ann Lee", "Bo Lee"), ("Ann Poe", "Ann Roe")]
)
def test_names_that_share_one_word_share_no_loose_key(one: str, other: str) -> None:
    assert not share_loose_key(one, other)


@settings(deadline=None)
@given(st.text())
def test_keys_are_distinct_and_never_empty(printed: str) -> None:
    found = keys(printed)
    assert len(set(found)) == len(found)
    assert all(found)
