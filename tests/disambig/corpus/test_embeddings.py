"""The semantic space: hand-made spaces with worked answers, then the shipped one."""

from __future__ import annotations

import itertools
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.corpus.embeddings import SemanticSpace, normalise_rows, normalise_venue, split_words
from disambig.corpus.tokenise import MAX_CHARS, tokenise
from disambig.errors import ModelError

PLANE = SemanticSpace(
    words={"graph": 0, "parsing": 1, "protein": 2, "theory": 3},
    word_vectors=np.array([[3, 0], [0, 4], [0, 2], [-1, 0]], np.float32),
    venues={"colt": 0},
    venue_rows=np.array([[0, 1]], np.float32),
    abbreviations={"theor": "theory"},
    about={"made": "by hand"},
)


@pytest.fixture(scope="module")
def shipped() -> SemanticSpace:
    return SemanticSpace.load()


def cosine(space: SemanticSpace, a: str, b: str) -> float:
    rows = space.embed_texts([a, b])
    return float(rows[0] @ rows[1])


def test_words_are_lower_cased_and_folded_to_ascii() -> None:
    assert split_words("Gödel's 3D-Vision") == ["godel", "s", "3d", "vision"]


def test_a_text_is_the_normalised_sum_of_its_words() -> None:
    # (3, 0) + (0, 4) = (3, 4), of length 5
    assert PLANE.embed_texts(["Graph parsing"])[0] == pytest.approx([0.6, 0.8])


def test_a_word_seen_twice_counts_one_plus_log_two() -> None:
    assert PLANE.make_bags(["graph graph"]).toarray()[0] == pytest.approx([1 + np.log(2), 0, 0, 0])


def test_each_word_has_its_row_and_an_unknown_one_has_none() -> None:
    rows = PLANE.find_rows(["parsing", "of", "the", "graph"])
    assert rows.tolist() == [1, -1, -1, 0]
    assert rows.dtype == np.int32


def test_an_unknown_plural_is_read_as_its_singular() -> None:
    assert PLANE.find_rows(["graphs", "proteins", "theories"]).tolist() == [0, 2, 3]


def test_the_first_known_stem_of_a_word_is_its_row() -> None:
    space = replace(PLANE, words={"cache": 0, "caches": 1, "cach": 2})
    # "caches" is known; "cachees" without "es" is "cache", "caching" without "ing" is "cach"
    assert space.find_rows(["caches", "cachees", "caching"]).tolist() == [1, 0, 2]
    # "es" is first tried as "e" and then as nothing
    assert replace(space, words={"cach": 0, "cache": 1}).find_rows(["caches"]).tolist() == [1]


def test_stems_of_three_letters_are_not_tried() -> None:
    assert replace(PLANE, words={"thi": 0}).find_rows(["this"]).tolist() == [-1]


def test_no_words_have_no_rows() -> None:
    assert PLANE.find_rows([]).tolist() == []


def row_by_rule(space: SemanticSpace, word: str) -> int:
    rules = {"ies": ["y"], "es": ["e", ""], "s": [""], "ed": [""], "ing": [""], "ly": [""]}
    stems = [word[: -len(e)] + new for e, to in rules.items() for new in to if word.endswith(e)]
    known = [s for s in stems if len(s) > 3 and s in space.words]
    return space.words.get(word, space.words[known[0]] if known else -1)


@given(
    st.lists(st.text("aeinsy", min_size=1) | st.from_regex("[ab]{3,4}(y|e|)(ies|e?s|ing|ly|ed)?"))
)
def test_rows_follow_the_rules_of_inflection(words: list[str]) -> None:
    known = ["".join(w) + e for w in itertools.product("ab", repeat=4) for e in ("", "e", "y")]
    space = replace(PLANE, words={w: i for i, w in enumerate(known)})
    expected = [row_by_rule(space, w) for w in words]
    assert space.find_rows(words).tolist() == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "disambig.corpus.embeddings.MIN_WORDS_FOR_INDEX", 0
        )  # as when there are very many
        assert space.find_rows(words).tolist() == expected


def test_a_text_without_a_known_word_is_missing_and_not_zero() -> None:
    assert np.isnan(PLANE.embed_texts(["", "??", "unheard of"])).all()


def test_words_that_cancel_are_missing() -> None:
    opposite = replace(PLANE, word_vectors=np.array([[1, 0], [-1, 0], [0, 1], [0, 1]], np.float32))
    assert np.isnan(opposite.embed_texts(["graph parsing"])).all()


def test_no_texts_give_no_rows() -> None:
    assert PLANE.embed_texts([]).shape == (0, 2)


def test_a_missing_row_does_not_shift_the_others() -> None:
    rows = PLANE.embed_texts(["graph", "", "parsing"])
    assert rows[[0, 2]].tolist() == [[1, 0], [0, 1]]


def test_control_characters_are_no_part_of_a_word() -> None:
    assert PLANE.embed_texts(["\u202egraph\u202c\x1b[31m\x00"]).tolist() == [[1, 0]]


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    assert np.isnan(PLANE.embed_texts(["x" * MAX_CHARS + " graph"])).all()


def test_a_text_may_span_several_fields() -> None:
    tokens = tokenise(["graph", "parsing", "protein"])
    rows = PLANE.embed_spans(tokens, tokens.start[[0, 1]], tokens.start[[2, 3]])
    # (3, 0) + (0, 4), and (0, 4) + (0, 2)
    assert rows.tolist() == [pytest.approx([0.6, 0.8]), [0, 1]]


def test_inflections_of_a_word_are_counted_together() -> None:
    assert PLANE.make_bags(["graph graphs"]).toarray()[0] == pytest.approx([1 + np.log(2), 0, 0, 0])
    weight = 1 + np.log(2)
    expected = normalise_rows(np.array([[3 * weight, 4]], np.float32))
    assert PLANE.embed_texts(["graph graphs parsing"]) == pytest.approx(expected)


def test_vectors_are_the_product_of_bags_and_word_vectors() -> None:
    rng = np.random.default_rng(2)
    names = [f"word{i}" for i in range(9_000)]
    space = replace(
        PLANE,
        words={w: i for i, w in enumerate(names)},
        word_vectors=rng.normal(size=(9_000, 7)).astype(np.float32),
    )
    texts = [" ".join(rng.choice([*names, "none"], n)) for n in rng.integers(0, 3_000, 20)]
    expected = normalise_rows(space.make_bags(texts) @ space.word_vectors)
    assert space.embed_texts(texts) == pytest.approx(expected, abs=1e-6, nan_ok=True)


@given(st.permutations(["graph", "parsing", "protein", "theory", "graph", "unknown"]))
def test_the_order_of_words_does_not_matter(words: list[str]) -> None:
    expected = PLANE.embed_texts(["graph graph parsing protein theory"])
    assert np.allclose(PLANE.embed_texts([" ".join(words)]), expected, atol=1e-6)


@given(st.lists(st.text(), max_size=5))
def test_a_row_has_length_one_or_is_missing(texts: list[str]) -> None:
    length = np.linalg.norm(PLANE.embed_texts(texts), axis=1)
    assert (np.isnan(length) | np.isclose(length, 1, atol=1e-5)).all()


@pytest.mark.parametrize(
    ("venue", "key"),
    [
        ("COLT 2009", "colt"),
        ("COLT '09", "colt"),
        ("Proceedings of the 12th Annual Conference on COLT (2)", "colt"),
        ("Theor. Graph", "theory graph"),
        ("2009", ""),
    ],
)
def test_editions_of_a_venue_have_one_key(venue: str, key: str) -> None:
    assert normalise_venue(venue, PLANE.abbreviations) == key


def test_a_venue_in_the_table_has_its_vector() -> None:
    assert PLANE.embed_venues(["COLT 1999"]).tolist() == [[0, 1]]


def test_a_venue_not_in_the_table_is_read_as_a_text() -> None:
    assert PLANE.embed_venues(["Workshop on Graph Parsing"])[0] == pytest.approx([0.6, 0.8])


def test_an_unknown_acronym_or_no_venue_is_missing() -> None:
    assert np.isnan(PLANE.embed_venues(["XYZ", None, ""])).all()


def test_a_saved_space_gives_the_same_cosines_to_a_hundredth(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"word{i}" for i in range(50)]
    vectors = rng.normal(size=(50, 16)).astype(np.float32)
    space = replace(
        PLANE,
        words={w: i for i, w in enumerate(names)},
        word_vectors=vectors,
        venue_rows=vectors[:1],
    )
    space.save(tmp_path / "space.npz")
    read = SemanticSpace.load(tmp_path / "space.npz")
    texts = [" ".join(rng.choice(names, 6)) for _ in range(20)]
    before, after = space.embed_texts(texts), read.embed_texts(texts)
    assert np.abs(before @ before.T - after @ after.T).max() < 0.01


def test_a_saved_space_keeps_what_is_said_about_it(tmp_path: Path) -> None:
    PLANE.save(tmp_path / "space.npz")
    read = SemanticSpace.load(tmp_path / "space.npz")
    assert (read.words, read.venues) == (PLANE.words, PLANE.venues)
    assert (read.abbreviations, read.about) == (PLANE.abbreviations, PLANE.about)


def test_equal_spaces_give_equal_files(tmp_path: Path) -> None:
    PLANE.save(tmp_path / "a.npz")
    replace(PLANE).save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_changed_vector_changes_the_fingerprint() -> None:
    changed = replace(PLANE, word_vectors=PLANE.word_vectors * np.float32(2))
    assert changed.fingerprint != PLANE.fingerprint


def test_a_changed_abbreviation_changes_the_fingerprint() -> None:
    assert replace(PLANE, abbreviations={}).fingerprint != PLANE.fingerprint


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reinstall the package"):
        SemanticSpace.load(tmp_path / "none.npz")


def test_a_tampered_file_is_refused(tmp_path: Path) -> None:
    PLANE.save(tmp_path / "space.npz")
    with zipfile.ZipFile(tmp_path / "space.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["words.npy"] = members["words.npy"].replace(b"graph", b"grape")
    with zipfile.ZipFile(tmp_path / "space.npz", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ModelError, match="checksum"):
        SemanticSpace.load(tmp_path / "space.npz")


def test_a_file_with_objects_in_it_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "space.npz", words=np.array([{"code": 1}], dtype=object))
    with pytest.raises(ModelError):
        SemanticSpace.load(tmp_path / "space.npz")


def test_the_shipped_space_is_small_and_says_where_it_is_from(shipped: SemanticSpace) -> None:
    size = len((files("disambig") / "data" / "semantic.npz").read_bytes())
    assert size < 12_000_000
    assert "Apache-2.0" in str(shipped.about["teacher"])


def test_titles_without_a_common_word_are_near_when_their_subjects_are(
    shipped: SemanticSpace,
) -> None:
    title = "Predicting defects using network analysis on dependency graphs"
    same = "Mining software revision histories for common error patterns"
    other = "Radar target recognition from inverse synthetic aperture images"
    assert cosine(shipped, title, same) > cosine(shipped, title, other) + 0.2


def test_an_acronym_and_the_written_name_of_a_venue_are_near(shipped: SemanticSpace) -> None:
    rows = shipped.embed_venues(["ICDE", "Very Large Data Bases", "CRYPTO"])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_words_frequent_in_every_abstract_count_little(shipped: SemanticSpace) -> None:
    length = np.linalg.norm(shipped.word_vectors, axis=1)
    ids = shipped.find_rows(["paper", "propose", "results", "parsing", "protein", "robot"])
    assert length[ids[:3]].max() < length[ids[3:]].min()
