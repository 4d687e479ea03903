"""Decisions as labels, and which model is in use."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from invented import space
from run_world import do, settings_in, wangs
from sqlalchemy import select
from stored_rows import deliver

from disambig import training
from disambig.cli import main
from disambig.corpus import Corpus
from disambig.domain import Constraint, ConstraintKind, Label, Signature
from disambig.index import CorpusIndex
from disambig.model import Model
from disambig.semantic import SemanticSpace
from disambig.training_rows import Gold
from service import promotion, teaching
from service.actors import Actor, Role
from service.cli.review import review
from service.errors import Conflict, Forbidden, Invalid, NotFound
from service.tables import Event


def said(source: str, kind: str, a: str, b: str) -> Constraint:
    return Constraint(ConstraintKind(kind), Signature(a, 0), Signature(b, 0), source)


@pytest.fixture(autouse=True)
def one_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the semantic space once for all tests."""
    found = space()
    monkeypatch.setattr(SemanticSpace, "load", lambda path=None: found)


@pytest.fixture
def other_model(tmp_path: Path) -> str:
    """The model that ships with another threshold."""
    shipped = Model.load()
    changed = Model(
        shipped.pair, shipped.pair_calibration, shipped.group, shipped.group_calibration,
        shipped.frequency, {**shipped.settings, "second_level": 0.5}, shipped.metadata,
    )  # fmt: skip
    changed.save(tmp_path / "other.model")
    return str(tmp_path / "other.model")


def test_joined_mentions_are_one_person_and_only_stated_pairs_differ() -> None:
    decided = [
        said("d1", "must", "a", "b"), said("d2", "must", "b", "c"), said("d3", "cannot", "c", "x"),
        said("d4", "must", "y", "z"),
    ]  # fmt: skip
    found = teaching.lesson(decided, 0.0, 0)
    person = {label.signature.work: label.person for label in found.labels}
    assert person["a"] == person["b"] == person["c"]
    assert len(set(person.values())) == 3
    assert [set(pair) for pair in found.apart] == [{person["a"], person["x"]}]
    assert (found.decisions, found.held_decisions, found.held) == (4, 0, ())


def test_whole_decisions_are_held_back_and_what_follows_from_others_is_not_asked() -> None:
    decided = [said(f"d{k}", "must", f"a{k}", f"b{k}") for k in range(10)]
    decided += [said(f"d{k}", "must", f"a{k}", f"c{k}") for k in range(10)]
    found = teaching.lesson(decided, 0.3, 1)
    assert (found.decisions, found.held_decisions, len(found.held)) == (7, 3, 6)
    learned = {label.signature for label in found.labels}
    assert not learned & {end for c in found.held for end in (c.a, c.b)}
    twice = [said("d1", "must", "a", "b"), said("d2", "must", "a", "b")]
    assert teaching.lesson(twice, 0.5, 0).held == ()


def test_a_single_decision_is_learned_from() -> None:
    found = teaching.lesson([said("d1", "must", "a", "b")], 0.9, 0)
    assert (found.decisions, found.held_decisions) == (1, 0)
    assert teaching.lesson([], 0.2, 0).labels == ()


def test_pairs_of_persons_of_whom_nothing_was_said_are_not_known() -> None:
    corpus = Corpus.from_works(wangs())
    index = CorpusIndex.of(corpus, space(), Model.load().frequency)
    decided = [said("d1", "cannot", "s0", "r0"), said("d2", "must", "s1", "s2")]
    found = teaching.lesson(decided, 0.0, 0)
    gold = Gold.of(index, found.labels, found.apart)
    row = [corpus.row_of(Signature(work, 0)) for work in ("s0", "r0", "s1", "s2", "s3")]
    s0, r0, s1, s2, s3 = gold.person[row]
    a, b = np.array([s0, s1, s0, s0, s3]), np.array([r0, s2, s1, s3, s3])
    assert gold.known(a, b).tolist() == [True, True, False, False, False]


def test_runs_use_the_promoted_model_until_another_is(
    database, admin, tmp_path, other_model
) -> None:
    settings = settings_in(tmp_path)
    assert promotion.with_promoted(database, settings) is settings
    first = promotion.promote(database, admin, other_model, "a try")
    deliver(database, *wangs())
    assert do(database, settings).model == Model.load(other_model).digest == first.digest
    with pytest.raises(Conflict, match="already"):
        promotion.promote(database, admin, other_model)
    shipped = promotion.promote(database, admin, promotion.SHIPPED)
    assert Model.load(promotion.with_promoted(database, settings).model).digest == shipped.digest
    again = promotion.promote(database, admin, first.id)
    assert again.digest == first.digest
    with database.read() as connection:
        assert [m.id for m in promotion.history(connection)] == [first.id, shipped.id]
        query = select(Event.before, Event.after, Event.reason).order_by(Event.seq)
        events = connection.execute(query.where(Event.kind == promotion.PROMOTED)).all()
    assert (events[0].before, events[0].reason) == (None, "a try")
    assert [e.before["model"] for e in events[1:]] == [first.id, shipped.id]
    assert [e.after["model"] for e in events] == [first.id, shipped.id, first.id]


def test_only_a_person_who_is_an_admin_promotes_and_only_a_model(
    database, admin, editor, tmp_path
) -> None:
    for actor in (editor, Actor("worker:x", Role.ADMIN)):
        with pytest.raises(Forbidden):
            promotion.promote(database, actor, promotion.SHIPPED)
    (tmp_path / "bad.model").write_bytes(b"PK\x03\x04 no model")
    with pytest.raises(Exception, match="model"):
        promotion.promote(database, admin, str(tmp_path / "bad.model"))
    for model in ("nowhere.model", "\0", str(tmp_path)):
        with pytest.raises(Invalid):
            promotion.promote(database, admin, model)
    with pytest.raises(NotFound):
        promotion.promote(database, admin, "m-nothing")
    with database.read() as connection:
        assert promotion.current(connection) is None


def test_two_models_are_compared_by_decisions_held_back_and_by_what_would_change(
    other_model,
) -> None:
    corpus = Corpus.from_works(wangs())
    decided = [said("d1", "must", "s0", "s1"), said("d2", "cannot", "s0", "r0"),
               said("d3", "cannot", "s2", "r2")]  # fmt: skip
    taught = teaching.lesson(decided, 0.3, 0)
    models = {"old": Model.load(), "new": Model.load(other_model)}
    labels = [Label(Signature(f"{topic}{k}", 0), topic) for topic in "sr" for k in range(5)]
    found = teaching.compared(corpus, decided, taught, models, (corpus, labels))
    assert found.gold["old"] == found.gold["new"] == {"precision": 1, "recall": 1, "f1": 1}
    assert teaching.told(found)["changed"] == 0
    assert (found.held_pairs, found.mentions) == (len(taught.held), 23)
    assert found.held_right == {"old": found.held_pairs, "new": found.held_pairs}
    assert (found.changed, found.identities) == (0, {"old": 5, "new": 5})


def test_without_decisions_training_says_so(database, database_url) -> None:
    deliver(database, *wangs())
    told = CliRunner().invoke(
        review, ["train", "--out", "x.model", "--database", database_url, "--quiet"]
    )
    assert isinstance(told.exception, Invalid)
    assert "no decisions to learn from" in str(told.exception)


def test_train_from_decisions_is_review_train(database, database_url, monkeypatch) -> None:
    point = EntryPoint("review", "service.cli.review:review", "disambig.commands")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    deliver(database, *wangs())
    asked = ["train", "--from-decisions", "--database", database_url, "--out", "x.model"]
    told = CliRunner().invoke(main, asked)
    assert "no decisions to learn from" in told.output + str(told.exception)
    helped = CliRunner().invoke(main, ["train", "--from-decisions", "--help"])
    assert "--hold-back" in helped.output


def test_a_model_learns_from_decisions_and_gold_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = {}

    def fit_model(corpora, *, metadata, seed, progress):
        seen.update(metadata, corpora=[(c.labels, c.apart) for c in corpora])
        return Model.load()

    monkeypatch.setattr(training, "fit_model", fit_model)
    corpus = Corpus.from_works(wangs())
    decided = [said(f"d{k}", "cannot", f"s{k}", f"r{k}") for k in range(5)]
    taught = teaching.lesson(decided, 0.2, 0)
    labels = [Label(Signature("s0", 0), "one")]
    teaching.fitted(corpus, taught, (corpus, labels), seed=3)
    assert seen["decisions"] == 4
    assert seen["held_back"] == 1
    assert seen["corpora"] == [(taught.labels, taught.apart), (labels, None)]
    assert len(taught.apart) == 4
