"""What answers come to, and Cohen's kappa by hand."""

import pytest

from service.tasks.agreement import Agreement, combine_answers
from service.tasks.blind import is_drawn


@pytest.mark.parametrize(
    ("answers", "settled"),
    [
        ([], None),
        (["same"], None),
        (["same", "same"], "same"),
        (["same", "different"], None),
        (["same", "different", "different"], "different"),
        (["unsure", "same", "unsure"], "unsure"),
        (["same", "different", "unsure"], "unsure"),
    ],
)
def test_two_who_agree_settle_a_blind_question_or_the_majority_of_three(answers, settled) -> None:
    assert combine_answers(answers, blind=True) == settled


def test_one_answer_settles_an_open_question() -> None:
    assert combine_answers(["different"], blind=False) == "different"
    assert combine_answers([], blind=False) is None


def test_kappa_of_the_example_in_the_literature() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: p = 35/50, e = .5 * .6 + .5 * .4, kappa = .4
    pairs = [("same", "same")] * 20 + [("same", "different")] * 5
    pairs += [("different", "same")] * 10 + [("different", "different")] * 15
    found = Agreement.from_pairs(pairs)
    assert (found.questions, found.agreed, found.percent) == (50, 35, 70.0)
    assert found.kappa == pytest.approx(0.4)


def test_agreeing_always_is_1_and_agreeing_on_one_answer_says_nothing() -> None:
    assert Agreement.from_pairs([("same", "same"), ("different", "different")]).kappa == 1.0
    assert Agreement.from_pairs([("same", "same")] * 3).kappa is None
    assert Agreement.from_pairs([]) == Agreement(0, 0, None, None)


def test_a_share_of_tasks_is_drawn_by_their_ids() -> None:
    assert [is_drawn("t-g00000000000", share) for share in (0.0, 0.5, 0.500001, 1.0)] == [
        False,
        False,
        True,
        True,
    ]
    assert not is_drawn("t-000000000000", 0.0)
    assert is_drawn("t-zzzzzzzzzzzz", 1.0)
