"""Which names may be one person's, pair by pair and in bulk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.names import (
    FamilyRelation,
    GivenRelation,
    NameTable,
    compare_names,
    is_compatible,
    parse_name,
)

ONE_PERSON = [
    ("J.L. Pons", "Jose L. Pons"),
    ("J.L. Pons", "Pons JL"),
    ("J. Pons", "J. L. Pons"),
    ("Steve Abney", "Steven P. Abney"),
    ("Bill Gates", "William Gates"),
    ("E.J. Briscoe", "Ted Briscoe"),
    ('William "Bill" Gates', "Bill Gates"),
    ("Richard Zhang", "Hao (Richard) Zhang"),
    ("Wei-Nan Zhang", "Weinan Zhang"),
    ("Wei Nan Zhang", "WeiNan Zhang"),
    ("W.-N. Zhang", "Wei-Nan Zhang"),
    ("Wang Yi", "Yi Wang"),
    ("Kim Min Soo", "Min Soo Kim"),
    ("Aimilios Chalamandaris", "Chalamandaris Aimilios"),
    ("A. Chalamandaris", "Chalamandaris Aimilios"),
    ("Zhang W", "Wei Zhang"),
    ("Rajendran S", "S. Rajendran"),
    ("Jan HAJIC", "Jan Hajič"),
    ("W. Müller", "Wolfgang Mueller"),
    ("Jürgen Müller", "Juergen Muller"),
    ("Rune Saetre", "Rune Sætre"),
    ("Gertjan van Noord", "Gertjan Noord"),
    ("Koenraad DeSmedt", "Koenraad de Smedt"),
    ("Jim O'Brien", "Jim O’Brien"),
    ("Ivan Meza", "Ivan Meza-Ruiz"),
    ("Daniel Tapias Merino", "Daniel Tapias"),
    ("Gabriel García Márquez", "Garcia-Marquez, Gabriel"),
    ("W. Detmar Meurers", "Detmar Meurers"),
    ("Luis Felipe Gonzalez", "Felipe Gonzalez"),
    ("Tom Bong-yeung Lai", "Bong-Yeung Lai"),
    ("Ph. Bidaud", "Philippe Bidaud"),
    ("Sergey Petrov", "Sergei Petrov"),
    ("Alex Smola", "Alexander J. Smola"),
    ("Sergei Nirenburg", "Sergei Nirenberg"),
    ("Jun-ich Tsujii", "Jun-ichi Tsujii"),
    ("Duc Dung Nguyen", "Dung Duc Nguyen"),
    ("Charles Chen Jr.", "Charles Chen"),
    ("TianyuLiu", "Tianyu Liu"),
    ("zhangyuan", "Yuan Zhang"),
    ("Govind", "Govind Kothari"),
    ("Mausam", "Mausam"),
    ("李伟", "Wei Li"),
    ("김민수", "Min-Su Kim"),
    ("Ann Lee", "Ann Lee 0002"),
]

TWO_PEOPLE = [
    ("Steve Li", "Susan Li"),
    ("J. Pons", "K. Pons"),
    ("Jose Pons", "K. Pons"),
    ("Wei Zhang", "Jun Zhang"),
    ("Wei-Nan Zhang", "Wei-Jun Zhang"),
    ("Yu Duan", "Yuguang Duan"),
    ("David A. Evans", "David K. Evans"),
    ("J.P. Ostrowski", "J.R. Ostrowski"),
    ("Ann Lee", "Ann Park"),
    ("Lei Wang", "Lei Zhang"),
    ("Lei Zhang", "Lei Zhuang"),
    ("Ann Xu", "Ann Xue"),
    ("John Smith Jr.", "John Smith III"),
    ("Kibok Lee 0001", "Kibok Lee 0003"),
    ("Sivaji Bandopadhyay", "Sivaju Bandyopadhyay"),
    ("Mausam", "Govind"),
    ("Ann Lee", ""),
    ("", ""),
]

FORMS = [name for pair in ONE_PERSON + TWO_PEOPLE for name in pair]


def relation(a: str, b: str) -> dict[str, float]:
    table = NameTable.from_names([parse_name(a), parse_name(b)])
    columns = compare_names(table, np.array([0], np.int32), np.array([1], np.int32))
    return {key: float(column[0]) for key, column in columns.items()}


@pytest.mark.parametrize(("a", "b"), ONE_PERSON)
def test_may_be_one_person(a: str, b: str) -> None:
    assert is_compatible(parse_name(a), parse_name(b))


@pytest.mark.parametrize(("a", "b"), TWO_PEOPLE)
def test_cannot_be_one_person(a: str, b: str) -> None:
    assert not is_compatible(parse_name(a), parse_name(b))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Steve Li", "Susan Li", GivenRelation.CONFLICT),
        ("E. Briscoe", "Ted Briscoe", GivenRelation.OTHER_INITIAL),
        ("Mitch Zhu", "Mitchellina Zhu", GivenRelation.PREFIX),
        ("Sergey Li", "Sergei Li", GivenRelation.SIMILAR),
        ("W. Detmar Li", "Detmar Li", GivenRelation.MIDDLE),
        ("J. Li", "Jose Li", GivenRelation.INITIAL),
        ("J. Li", "J. Li", GivenRelation.INITIAL),
        ("Steve Li", "Steven Li", GivenRelation.NICKNAME),
        ("Jose Li", "Jose Luis Li", GivenRelation.FIRST),
        ("Wei-Nan Li", "Weinan Li", GivenRelation.EQUAL),
    ],
)
def test_given_relation(a: str, b: str, expected: GivenRelation) -> None:
    assert relation(a, b)["given_relation"] == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("A. Lee", "A. Park", FamilyRelation.DIFFERENT),
        ("A. Nirenburg", "A. Nirenberg", FamilyRelation.SIMILAR),
        ("A. Meza", "A. Meza-Ruiz", FamilyRelation.PART),
        ("A. Müller", "A. Mueller", FamilyRelation.SPELLING),
        ("A. van Noord", "A. Noord", FamilyRelation.SPELLING),
        ("A. de Smedt", "A. DeSmedt", FamilyRelation.EQUAL),
    ],
)
def test_family_relation(a: str, b: str, expected: FamilyRelation) -> None:
    assert relation(a, b)["family_relation"] == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("J. A. Li", "J. B. Li", -1),
        ("Wei-Chen Li", "Wei-Chun Li", 0),
        ("J. L. Li", "Jose Luis Li", 1),
        ("Jose Luis Li", "Jose Luis Li", 2),
        ("Juan Jose R. Li", "Juan R. Li", 1),
        ("J. Li", "J. L. Li", np.nan),
    ],
)
def test_middle_relation(a: str, b: str, expected: float) -> None:
    assert relation(a, b)["middle_relation"] == pytest.approx(expected, nan_ok=True)


def test_similarity_of_initials_is_missing_not_zero() -> None:
    assert np.isnan(relation("J. Pons", "Jose Pons")["given_similarity"])


def test_given_similarity_is_jaro_winkler() -> None:
    # dixon/dicksonx: 4 matches, no transposition, Jaro .76667; two common letters add 2*.1*.23333
    assert relation("Dixon Li", "Dicksonx Li")["given_similarity"] == pytest.approx(
        0.81333, abs=1e-4
    )


def test_given_length_counts_written_out_names() -> None:
    found = relation("J. Luis Pons", "J. Pons")
    assert (found["given_min"], found["given_max"]) == (0, 4)


def test_both_initials() -> None:
    assert relation("J. Pons", "J. L. Pons")["both_initials"] == 1
    assert relation("J. Pons", "Jose Pons")["both_initials"] == 0


def test_printed_forms_equal_but_for_points_and_case() -> None:
    assert relation("J.L. PONS", "JL Pons")["printed_equal"] == 1
    assert relation("J. Pons", "Jose Pons")["printed_equal"] == 0


def test_order_swapped_only_where_the_order_differs() -> None:
    assert relation("Wang Yi", "Yi Wang")["order_swapped"] == 1
    assert relation("Wang Yi", "Wang Yi")["order_swapped"] == 0
    assert relation("Wang Yi", "Li Na")["order_swapped"] == 0


def test_one_name_of_one_word_leaves_the_given_relation_missing() -> None:
    assert np.isnan(relation("Mausam", "Mausam")["given_relation"])


def test_suffixes() -> None:
    assert relation("A. Li Jr.", "A. Li III")["suffix_conflict"] == 1
    assert relation("A. Li Jr.", "A. Li, Jr")["suffix_conflict"] == 0
    assert np.isnan(relation("A. Li Jr.", "A. Li")["suffix_conflict"])


def test_homonym_numbers() -> None:
    assert relation("A. Li 0001", "A. Li 0001")["homonym_equal"] == 1
    assert relation("A. Li 0001", "A. Li 0002")["homonym_equal"] == 0
    assert np.isnan(relation("A. Li 0001", "A. Li")["homonym_equal"])


def test_every_pair_in_bulk_equals_the_pair_alone() -> None:
    names = [parse_name(form) for form in FORMS]
    table = NameTable.from_names(names)
    rng = np.random.default_rng(7)
    i, j = rng.integers(0, len(names), (2, 400)).astype(np.int32)
    columns = compare_names(table, i, j)
    for row in range(400):
        alone = relation(FORMS[i[row]], FORMS[j[row]])
        for key, column in columns.items():
            assert column[row] == pytest.approx(alone[key], nan_ok=True), (key, row)


def test_columns_are_float32_of_the_length_asked_for() -> None:
    table = NameTable.from_names([parse_name("Ann Lee")])
    for length in (0, 3):
        zeros = np.zeros(length, dtype=np.int32)
        for column in compare_names(table, zeros, zeros).values():
            assert (column.dtype, column.shape) == (np.dtype(np.float32), (length,))


def test_empty_table_compares_nothing() -> None:
    none = np.zeros(0, dtype=np.int32)
    assert len(compare_names(NameTable.from_names([]), none, none)["compatible"]) == 0


NAMES = st.lists(
    st.one_of(st.sampled_from(FORMS), st.text(alphabet="abJL .-,üé", max_size=12)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(NAMES)
def test_comparison_is_symmetric(printed: list[str]) -> None:
    table = NameTable.from_names([parse_name(p) for p in printed])
    i, j = (a.ravel().astype(np.int32) for a in np.indices((len(table), len(table))))
    one, other = compare_names(table, i, j), compare_names(table, j, i)
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


@settings(max_examples=60, deadline=None)
@given(NAMES)
def test_a_name_with_a_family_name_is_compatible_with_itself(printed: list[str]) -> None:
    names = [parse_name(p) for p in printed]
    table = NameTable.from_names(names)
    rows = np.arange(len(names), dtype=np.int32)
    verdict = compare_names(table, rows, rows)["compatible"]
    assert [bool(v) for v in verdict] == [bool(n.family) for n in names]
