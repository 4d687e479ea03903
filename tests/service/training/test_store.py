"""Models: asked for, fitted by a worker, whatever dies, and promoted by a person."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from disambig.cli import main
from disambig.model.model import Model
from service import job_queue
from service.actors import Actor, Role
from service.cli.review import review
from service.db.database import Database
from service.db.tables import Event, FittedModel
from service.errors import Conflict, Forbidden, Invalid, NotFound
from service.job_queue import MODEL, LostClaim
from service.training import examples as training_examples
from service.training import fit as trainer
from service.training import promotion
from service.training import store as model_store
from service.training.results import Model as FittedModelView
from service.training.store import FitOptions
from service.values import to_dict
from service.worker.worker import Worker
from tests.support.run_world import do, settings_in, wangs
from tests.support.stored_rows import deliver
from tests.support.teaching_world import candidate, taught_wangs, two_are_enough

PATIENCE = 60.0


pytestmark = pytest.mark.usefixtures("one_space")


@pytest.fixture(autouse=True)
def few_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers are enough to learn from."""
    two_are_enough(monkeypatch)


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """The model that ships with another threshold."""
    shipped = Model.load()
    changed = replace(shipped, settings={**shipped.settings, "second_level": 0.5})
    changed.save(tmp_path / "other.model")
    return tmp_path / "other.model"


def now(database: Database, id_: str) -> FittedModelView:
    with database.read() as connection:
        return model_store.get_model(connection, id_)


def silence(database: Database, id_: str) -> None:
    """Let the last sign of life be too long ago."""
    with database.write() as connection:
        past = datetime.now(UTC) - timedelta(seconds=PATIENCE + 1)
        changed = update(FittedModel).where(FittedModel.id == id_)
        connection.execute(changed.values(heartbeat_at=past))


def test_at_most_one_model_is_being_made(database, editor) -> None:
    first = model_store.request_model(database, editor, FitOptions(), PATIENCE, "monthly")
    assert (first.state, first.actor, first.reason) == ("queued", "cli:editor", "monthly")
    with pytest.raises(Conflict, match=f"model {first.id} is being made"):
        model_store.request_model(database, editor, FitOptions(), PATIENCE)
    claim = job_queue.claim_job(database, MODEL, "w-1", PATIENCE)
    assert claim is not None
    assert job_queue.claim_job(database, MODEL, "w-2", PATIENCE) is None
    with pytest.raises(Conflict):
        model_store.request_model(database, editor, FitOptions(), PATIENCE)
    assert model_store.cancel_model(database, editor, first.id).state == "cancelled"
    with pytest.raises(LostClaim):
        model_store.store_candidate(database, editor, claim, "digest", b"content", {})
    with pytest.raises(Conflict, match="is cancelled"):
        model_store.cancel_model(database, editor, first.id)
    second = model_store.request_model(database, editor, FitOptions(), PATIENCE)
    with database.read() as connection:
        assert [m.id for m in model_store.list_models(connection)] == [second.id, first.id]
        assert [m.id for m in model_store.list_models(connection, before=second.id)] == [first.id]
        assert [m.id for m in model_store.list_models(connection, state="queued")] == [second.id]
        for unknown in ("m-0", "\0", "x" * 3000):
            with pytest.raises(NotFound):
                model_store.get_model(connection, unknown)


def test_a_worker_that_comes_back_from_the_dead_stores_nothing(database, editor) -> None:
    id_ = model_store.request_model(database, editor, FitOptions(0.3, 7), PATIENCE).id
    dead = job_queue.claim_job(database, MODEL, "w-1", PATIENCE)
    silence(database, id_)
    assert job_queue.claim_job(database, MODEL, "w-2", PATIENCE) is not None
    with pytest.raises(LostClaim):
        model_store.store_candidate(database, editor, dead, "digest", b"content", {})
    with database.read() as connection:
        assert model_store.read_options(connection, id_) == FitOptions(0.3, 7)


def test_what_a_command_fits_itself_nobody_takes_over(database, editor) -> None:
    id_ = model_store.request_model(database, editor, FitOptions(), PATIENCE, worker="w-1").id
    assert job_queue.claim_job(database, MODEL, "w-2", PATIENCE) is None
    silence(database, id_)
    assert job_queue.claim_job(database, MODEL, "w-2", PATIENCE) is None
    assert now(database, id_).state == "failed"


def test_a_worker_makes_a_candidate_and_says_how_it_compares(copy_of, admin, tmp_path) -> None:
    database = copy_of(taught_wangs)
    found = candidate(database, admin, tmp_path)
    told = to_dict(found.comparison)
    assert told["with"] == {"model": None, "digest": Model.load().digest}
    assert told["learned"] == {
        "how": "corrected",
        "decisions": 2,
        "answers": 2,
        "same": 1,
        "different": 1,
        "labels": 0,
        "held_back": 0,
    }
    assert (told["mentions"], told["gold"]) == (23, None)
    assert (found.in_use, found.outdated, found.attempts) == (False, False, 1)
    with database.read() as connection:
        assert promotion.get_promoted(connection) is None
        (tmp_path / "found.model").write_bytes(model_store.read_content(connection, found.id))
    assert Model.load(tmp_path / "found.model").digest == found.digest


def test_a_worker_learns_from_and_compares_on_the_gold_of_the_settings(
    copy_of, admin, tmp_path, monkeypatch
) -> None:
    database = copy_of(taught_wangs)
    gold = tmp_path / "gold"
    gold.mkdir()
    settings = settings_in(tmp_path, gold=gold)
    id_ = model_store.request_model(database, admin, FitOptions(hold_back=0.0), PATIENCE).id
    Worker(database, settings, print).serve(once=True)
    assert "gold has no works.jsonl" in now(database, id_).error
    authors = [{"name": "Wei Wang"}]
    works = [{"id": f"g{k}", "title": "Speech", "authors": authors} for k in range(2)]
    labels = [{"work": f"g{k}", "position": 0, "person": "one"} for k in range(2)]
    for name, rows in (("works", works), ("labels", labels)):
        (gold / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    id_ = model_store.request_model(database, admin, FitOptions(hold_back=0.0), PATIENCE).id
    Worker(database, settings, print).serve(once=True)
    measured = now(database, id_).comparison.gold
    assert (measured.labels, measured.old.precision) == (2, 1.0)
    learned = []

    def fitted(corpus, taught, gold, **more):
        learned.extend(label.signature.work for label in gold[1])
        return Model.load()

    monkeypatch.setattr(training_examples, "fit_new_model", fitted)
    labels[0]["split"] = "train"
    (gold / "labels.jsonl").write_text("\n".join(map(json.dumps, labels)))
    id_ = model_store.request_model(database, admin, FitOptions(hold_back=0.0), PATIENCE).id
    Worker(database, settings, print).serve(once=True)
    told = to_dict(now(database, id_).comparison)
    assert (learned, told["gold"]["labels"]) == (["g0"], 1)
    assert (told["learned"]["how"], told["learned"]["labels"]) == ("fitted", 1)


def test_what_cannot_be_learned_from_fails_at_once_and_says_why(
    copy_of, admin, tmp_path, monkeypatch
) -> None:
    database = copy_of(lambda db: deliver(db, *wangs()))
    id_ = model_store.request_model(database, admin, FitOptions(), PATIENCE).id
    Worker(database, settings_in(tmp_path), print).serve(once=True)
    found = now(database, id_)
    assert (found.state, found.attempts) == ("failed", 1)
    assert "no decisions to learn from" in found.error
    monkeypatch.setattr(trainer, "measure_works", lambda connection: (10, 2**50))
    id_ = model_store.request_model(database, admin, FitOptions(), PATIENCE).id
    Worker(database, settings_in(tmp_path), print).serve(once=True)
    assert "do not fit in the memory" in now(database, id_).error


def test_a_worker_that_is_told_to_stop_gives_it_back(copy_of, admin, tmp_path) -> None:
    database = copy_of(taught_wangs)
    id_ = model_store.request_model(database, admin, FitOptions(), PATIENCE).id
    worker = Worker(database, settings_in(tmp_path), print)
    claim = job_queue.claim_job(database, MODEL, worker.id, PATIENCE)
    worker.stop.set()
    worker.fit_model(claim)
    assert (now(database, id_).state, now(database, id_).attempts) == ("queued", 0)


def test_a_model_that_breaks_is_tried_again_and_does_not_end_the_worker(
    copy_of, admin, tmp_path, monkeypatch
) -> None:
    database = copy_of(taught_wangs)
    id_ = model_store.request_model(database, admin, FitOptions(), PATIENCE).id
    monkeypatch.setattr(trainer, "fit_candidate", lambda *given: 1 / 0)
    Worker(database, settings_in(tmp_path), print).serve(once=True)
    found = now(database, id_)
    assert (found.state, found.attempts) == ("failed", 3)
    assert "ZeroDivisionError" in found.error


def test_a_promoted_candidate_is_what_runs_use(copy_of, admin, tmp_path) -> None:
    database = copy_of(taught_wangs)
    found = candidate(database, admin, tmp_path)
    promotion.promote(database, admin, found.id, "more right")
    assert (now(database, found.id).state, now(database, found.id).in_use) == ("promoted", True)
    assert do(database, settings_in(tmp_path)).model == found.digest
    with pytest.raises(Conflict, match="already"):
        promotion.promote(database, admin, found.id)
    with pytest.raises(Conflict, match="is promoted"):
        model_store.cancel_model(database, admin, found.id)


def test_a_candidate_is_not_promoted_once_another_model_is_in_use(
    copy_of, admin, tmp_path, other_model
) -> None:
    database = copy_of(taught_wangs)
    found = candidate(database, admin, tmp_path)
    other = promotion.promote_file(database, admin, other_model)
    assert now(database, found.id).outdated
    with pytest.raises(Conflict, match="another was promoted") as refused:
        promotion.promote(database, admin, found.id)
    assert refused.value.details == {"in_use": other.id}


@pytest.mark.parametrize("racing", [2])
def test_of_two_that_promote_at_once_one_is_told_of_the_other(
    copy_of, admin, tmp_path, racing
) -> None:
    database = copy_of(taught_wangs)
    ids = [candidate(database, admin, tmp_path / str(k)).id for k in range(racing)]
    refused: list[Conflict] = []

    def promote(id_: str) -> None:
        try:
            promotion.promote(database, admin, id_)
        except Conflict as conflict:
            refused.append(conflict)

    threads = [threading.Thread(target=promote, args=(id_,)) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == racing - 1
    assert "another was promoted" in str(refused[0])


def test_only_candidates_and_promoted_models_are_promoted(database, admin) -> None:
    id_ = model_store.request_model(database, admin, FitOptions(), PATIENCE).id
    with pytest.raises(Conflict, match="is queued"):
        promotion.promote(database, admin, id_)
    for unknown in ("m-nothing", "/etc/passwd", "\0"):
        with pytest.raises(NotFound):
            promotion.promote(database, admin, unknown)


def test_a_candidate_that_does_not_fit_this_version_is_not_promoted(
    copy_of, admin, tmp_path, monkeypatch
) -> None:
    database = copy_of(taught_wangs)
    found = candidate(database, admin, tmp_path)
    monkeypatch.setattr("disambig.clustering.batch.PAIR_FEATURES", ("other",))
    with pytest.raises(Conflict, match="does not fit this version"):
        promotion.promote(database, admin, found.id)


def test_runs_use_the_promoted_model_until_another_is(
    database, admin, tmp_path, other_model
) -> None:
    settings = settings_in(tmp_path)
    assert promotion.apply_promoted(database, settings) is settings
    first = promotion.promote_file(database, admin, other_model, "a try")
    deliver(database, *wangs())
    assert do(database, settings).model == Model.load(other_model).digest == first.digest
    with pytest.raises(Conflict, match="already"):
        promotion.promote_file(database, admin, other_model)
    shipped = promotion.promote(database, admin, promotion.SHIPPED)
    assert Model.load(promotion.apply_promoted(database, settings).model).digest == shipped.digest
    again = promotion.promote(database, admin, first.id)
    assert again.digest == first.digest
    with database.read() as connection:
        assert [m.id for m in promotion.list_promotions(connection)] == [first.id, shipped.id]
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
        promotion.promote_file(database, admin, tmp_path / "bad.model")
    for model in (Path("nowhere.model"), Path("\0"), tmp_path):
        with pytest.raises(Invalid):
            promotion.promote_file(database, admin, model)
    with database.read() as connection:
        assert promotion.get_promoted(connection) is None


def test_from_answers_to_a_promoted_model_on_the_command_line(
    copy_of, tmp_path, monkeypatch
) -> None:
    database = copy_of(taught_wangs)
    monkeypatch.setenv("DISAMBIG_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DISAMBIG_DATABASE", database.url.render_as_string(hide_password=False))

    def call(*arguments: str) -> str:
        return CliRunner().invoke(review, list(arguments), catch_exceptions=False).output

    out = tmp_path / "new.model"
    trained = call("train", "--hold-back", "0", "--out", str(out), "--quiet")
    assert "Learned from 2 answered tasks (1 one person, 1 different)." in trained
    id_ = trained.split()[-1]
    assert f"disambig review promote {id_}" in trained
    assert f"{id_}  " in call("models")
    assert "Runs use the model of the settings." in call("models")
    assert "from now on; previously, the model of the settings" in call("promote", id_)
    assert call("models").endswith("  in use\n")
    assert json.loads(call("models", "--json"))[0]["digest"] == Model.load(out).digest


def test_without_decisions_training_says_so(database, database_url, monkeypatch) -> None:
    point = EntryPoint("review", "service.cli.review:review", "disambig.commands")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    deliver(database, *wangs())
    for asked in (["review", "train"], ["train", "--from-decisions"]):
        told = CliRunner().invoke(main, [*asked, "--database", database_url, "--quiet"])
        assert told.exit_code == 1
        assert "no decisions to learn from" in told.output
    helped = CliRunner().invoke(main, ["train", "--from-decisions", "--help"])
    assert "--hold-back" in helped.output
