"""What is asked blind is settled by its answers alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from disambig.domain import Signature
from service.decisions.actions import decide_pair, merge_identities, split_identity
from service.decisions.undo import redo_decision, undo_decision
from service.errors import Conflict, Forbidden
from service.external_ids import attach as external_ids
from service.publication.publish import roll_back
from service.review.answers import AnswerRequest
from service.review.answers import answer_task as answer
from service.tasks import queries as task_queries
from service.tasks.create import NewTask
from tests.support.api_clients import bearer, key_of, serving
from tests.support.identity_world import add_run, add_works, published, row_of
from tests.support.review_world import (
    ANN,
    BO,
    ask,
    identities,
    merge_question,
    publish_as,
    split_question,
    states,
    task,
)

BLIND = "share"


@pytest.fixture
def ids(database, editor) -> dict[int, str]:
    """Signatures 1 to 6: {1, 2, 3}, {4, 5}, {6}; their ids by signature."""
    return identities(database, editor)


def at(signature: int) -> Signature:
    return Signature(f"w{signature - 1}", 0)


def now(database) -> list[set[int]]:
    with database.read() as connection:
        return sorted(published(connection).values(), key=min)


def test_a_share_is_blind_from_when_it_is_asked_but_for_conflicts(database, editor, ids) -> None:
    asked = ask(database, merge_question(ids[1], ids[4]), blind_share=1.0)
    asked += ask(database, merge_question(ids[1], ids[6]), blind_share=0.0)
    assert [task(database, id_).blind for id_ in asked] == [True, False]
    for id_ in (ids[1], ids[4]):
        external_ids.attach_id(database, editor, id_, "orcid", "0000-0002-1825-0097", "homepage")
    with database.read() as connection:
        (conflict,) = task_queries.get_task_page(
            connection, task_queries.TaskFilter(kind="conflict")
        )[0]
    assert not conflict.blind


@pytest.mark.parametrize("kind", ["same", "different"])
def test_a_decision_about_a_blind_pair_is_refused(database, editor, ids, kind: str) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4], blind=BLIND))
    with pytest.raises(Conflict, match=f"would settle {asked}") as refused:
        decide_pair(database, editor, kind, at(1), at(4))
    assert refused.value.details["tasks"] == [asked]
    assert (states(database, [asked]), now(database)) == (["open"], [{1, 2, 3}, {4, 5}, {6}])
    answer(database, ANN, asked, AnswerRequest(kind))
    with pytest.raises(Conflict, match=f"would settle {asked}"):
        decide_pair(database, editor, kind, at(1), at(4))
    assert answer(database, BO, asked, AnswerRequest(kind)).decision is not None
    assert states(database, [asked]) == ["closed"]


def test_parting_or_binding_the_sides_of_a_blind_division_is_refused(database, editor, ids) -> None:
    (asked,) = ask(database, split_question(ids[1], [1, 2], [3], blind=BLIND))
    with pytest.raises(Conflict, match="would settle"):
        split_identity(database, editor, ids[1], [[at(3)]])
    with pytest.raises(Conflict, match="would settle"):
        decide_pair(database, editor, "same", at(2), at(3))
    split_identity(database, editor, ids[1], [[at(1)]])  # 2 and 3 are still together
    assert states(database, [asked]) == ["open"]


def test_a_blind_question_whose_id_ends_is_closed_for_it_is_pointless(
    database, editor, ids
) -> None:
    (asked,) = ask(database, merge_question(ids[4], ids[6], blind=BLIND))
    merge_identities(database, editor, [ids[1], ids[4]])
    assert states(database, [asked]) == ["closed"]


def test_an_answer_to_another_question_may_imply_it(database, editor, ids) -> None:
    asked, implied = ask(
        database, merge_question(ids[1], ids[4]), split_question(ids[1], [1], [2, 3], blind=BLIND)
    )
    answer(database, ANN, asked, AnswerRequest("same"))
    assert states(database, [asked, implied]) == ["closed", "closed"]


def test_whose_a_blind_mention_is_nobody_decides_alone(database, editor, ids) -> None:
    add_works(database, [["Wei Wang"]])
    evidence: dict[str, Any] = {"work": "w6", "position": 0, "rivals": [{"identity": ids[6]}]}
    (asked,) = ask(database, NewTask("assign", "w6:0", 1, 1.0, evidence, blind=BLIND))
    with pytest.raises(Conflict, match="would settle"):
        decide_pair(database, editor, "same", Signature("w6", 0), at(6))
    assert answer(database, ANN, asked, AnswerRequest("same")).decision is None
    assert answer(database, BO, asked, AnswerRequest("same")).decision is not None


def test_only_an_editor_gives_a_blind_question_up(database, editor, ids) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4], blind=BLIND))
    with pytest.raises(Forbidden, match="this is a blind task"):
        task_queries.close_by_hand(database, ANN, asked)
    task_queries.close_by_hand(database, editor, asked, "one homepage")
    merge_identities(database, editor, [ids[1], ids[4]])
    assert now(database) == [{1, 2, 3, 4, 5}, {6}]


@pytest.mark.parametrize("kind", ["same", "different"])
def test_a_decision_made_again_settles_no_blind_question(database, editor, ids, kind: str) -> None:
    first = decide_pair(database, editor, kind, at(1), at(4))
    undo_decision(database, editor, first.id)
    (asked,) = ask(database, merge_question(ids[1], ids[4], blind=BLIND))
    answer(database, ANN, asked, AnswerRequest("unsure"))
    with pytest.raises(Conflict, match=f"would settle {asked}"):
        redo_decision(database, editor, first.id)
    assert states(database, [asked]) == ["open"]
    task_queries.close_by_hand(database, editor, asked)
    redo_decision(database, editor, first.id)


def test_taking_a_decision_back_settles_no_blind_question(database, editor, ids) -> None:
    made = split_identity(database, editor, ids[1], [[at(3)]])
    (asked,) = ask(database, merge_question(ids[1], made.created[0], blind=BLIND))
    with pytest.raises(Conflict, match=f"would settle {asked}"):
        undo_decision(database, editor, made.id)
    assert (states(database, [asked]), now(database)) == (["open"], [{1, 2}, {3}, {4, 5}, {6}])


@pytest.mark.parametrize("said", ["same", "different"])
def test_the_answers_to_a_blind_question_are_taken_back_and_given_again(
    database, editor, ids, said: str
) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4], blind=BLIND))
    answer(database, ANN, asked, AnswerRequest(said))
    made = answer(database, BO, asked, AnswerRequest(said)).decision
    assert made is not None
    for _ in range(2):
        undo_decision(database, editor, made.decision)
        assert states(database, [asked]) == ["open"]
        redo_decision(database, editor, made.decision)
        assert states(database, [asked]) == ["closed"]


def test_a_publication_tells_which_blind_questions_it_leaves_nothing_to_ask_of(
    database, editor, ids
) -> None:
    blind, seen = ask(
        database, merge_question(ids[1], ids[4], blind=BLIND), merge_question(ids[4], ids[6])
    )
    answer(database, ANN, blind, AnswerRequest("different"))
    told = publish_as(database, editor, "r-2", {1: 0, 2: 0, 3: 0, 4: 0, 5: 0})
    assert (told.questions, told.blind) == (2, [blind])
    assert states(database, [blind, seen]) == ["closed", "closed"]
    roll_back(database, editor, "r-2")
    assert states(database, [blind, seen]) == ["open", "open"]
    assert answer(database, BO, blind, AnswerRequest("different")).decision is not None


def test_the_page_of_a_run_tells_so_when_it_is_published(database, editor, ids) -> None:
    (blind,) = ask(database, merge_question(ids[1], ids[4], blind=BLIND))
    with database.read() as connection:
        home = row_of(connection, ids[1]).key
    add_run(database, "r-2", dict.fromkeys(range(1, 6), 0), groups={0: home})
    with serving(database) as client:
        client.post("/login", data={"key": key_of(database, "editor")})
        token = re.findall(r'name="token" value="([0-9a-f]+)"', client.get("/runs/r-2").text)[0]
        done = client.post("/runs/r-2/publish", data={"token": token})
    assert f'still answering: <a href="/review/tasks/{blind}">{blind}</a>' in done.text


def test_parts_that_a_publication_has_parted_are_not_asked_about_any_more(
    database, editor, ids
) -> None:
    (asked,) = ask(database, split_question(ids[1], [1, 2], [3], blind=BLIND))
    answer(database, ANN, asked, AnswerRequest("different"))
    told = publish_as(database, editor, "r-2", {3: 0, 6: 0}, home=6)
    assert (told.questions, told.blind) == (1, [asked])
    assert (states(database, [asked]), now(database)) == (["closed"], [{1, 2}, {3, 6}, {4, 5}])
    roll_back(database, editor, "r-2")
    assert states(database, [asked]) == ["open"]
    assert answer(database, BO, asked, AnswerRequest("different")).decision is not None


def test_a_board_tells_of_blind_questions_and_settles_none(database, ids) -> None:
    (asked,) = ask(database, merge_question(ids[1], ids[4], blind=BLIND))
    ann = bearer(key_of(database, "reviewer"))
    path = "/v1/boards/Wei Wang"
    both = [{"work": f"w{k}", "position": 0} for k in range(5)]
    with serving(database) as client:
        board = client.get(path, params={"task": asked}, headers=ann).json()
        assert board["question"]["blind"] is True
        assert client.get("/v1/tasks", headers=ann).json()["items"][0]["blind"] is True
        for columns in (
            [{"identity": ids[1], "mentions": both}],
            [{"identity": ids[1], "mentions": both[:4]}],
            [{"identity": None, "mentions": [both[1], both[4]]}],
        ):
            told = client.post(f"{path}/preview", json={"columns": columns}, headers=ann).json()
            assert [c["kind"] for c in told["conflicts"]] == ["blind"]
            assert asked in told["conflicts"][0]["text"]
            assert told["closes"] == []
            body = {"columns": columns, "versions": board["versions"], "override": True}
            made = client.post(f"{path}/commit", json=body, headers=ann)
            assert (made.status_code, made.json().get("tasks")) == (409, [asked]), made.text
        alone = {"columns": [{"identity": None, "mentions": both[:1]}]}
        assert client.post(f"{path}/preview", json=alone, headers=ann).json()["conflicts"] == []
        body = {**alone, "versions": board["versions"], "task": asked}
        made = client.post(f"{path}/commit", json=body, headers=ann)
        assert (made.status_code, "answer the task itself" in made.text) == (409, True)
        made = client.post(
            f"{path}/commit", json={**alone, "versions": board["versions"]}, headers=ann
        )
        assert made.status_code == 201, made.text
    assert states(database, [asked]) == ["open"]
