"""Search that forgives typing errors: which known words a word stands for, and the ranking."""

from __future__ import annotations

import pytest

from service.db.database import Database
from service.db.tables import Name, NameWord
from service.errors import Invalid
from service.profiles.search import Vocabulary, search_names
from tests.support.reading_room import Author, Paper, fill


@pytest.fixture
def filled(database: Database) -> Database:
    names = ["Maria Schmidt", "Mario Schmid", "Jörg Müller", "J. Müller", "Anna Schmidtberger"]
    fill(database, [Paper(f"w{k}", "t", [Author(name)]) for k, name in enumerate(names)])
    return database


def found(database: Database, text: str) -> list[str]:
    with database.read() as connection:
        return [hit.printed for hit in search_names(connection, Vocabulary(), text)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("maria schmidt", ["Maria Schmidt", "Mario Schmid"]),
        ("MARIA SCHMITD", ["Maria Schmidt"]),
        ("jorg muller", ["Jörg Müller"]),
        ("Jörg Mueller", ["Jörg Müller"]),
        ("schmidtb", ["Anna Schmidtberger", "Maria Schmidt"]),
        ("ann", ["Anna Schmidtberger"]),
        ("mxyz", []),
    ],
)
def test_a_query_finds_the_names_it_may_mean(
    filled: Database, query: str, names: list[str]
) -> None:
    assert found(filled, query)[: len(names) or 9] == names


def test_a_word_stands_for_itself_and_for_words_near_it(filled: Database) -> None:
    with filled.read() as connection:
        similar = Vocabulary().find_similar(connection, "schmidt")
    assert similar["schmidt"] == 1.0
    assert similar["schmid"] == pytest.approx(1 - 1 / 7)
    assert similar["schmidtberger"] == pytest.approx(0.9 + 0.09 * 7 / 13)
    assert set(similar) == {"schmidt", "schmid", "schmidtberger"}


@pytest.mark.parametrize(
    "wrong", ["xchmidt", "schmidx", "cshmidt", "schmitd", "chmidt", "sschmidt"]
)
def test_an_error_at_either_end_is_forgiven(filled: Database, wrong: str) -> None:
    with filled.read() as connection:
        assert "schmidt" in Vocabulary().find_similar(connection, wrong)


def test_short_words_are_taken_as_they_are(filled: Database) -> None:
    with filled.read() as connection:
        assert Vocabulary().find_similar(connection, "anm") == {}


def test_names_that_came_since_are_found(filled: Database) -> None:
    vocabulary = Vocabulary()
    with filled.read() as connection:
        assert search_names(connection, vocabulary, "zoe") == []
    with filled.write() as connection:
        connection.execute(Name.__table__.insert().values(key=99, folded="zoe x", printed="Zoe X"))
        connection.execute(NameWord.__table__.insert().values(word="zoe", name_key=99))
    with filled.read() as connection:
        assert "zoe" in vocabulary.read_words(connection)


@pytest.mark.parametrize("text", ["", "  ", "...", "\u202e", "*"])
def test_a_query_without_letters_is_refused(filled: Database, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        found(filled, text)
    assert caught.value.field == "q"
