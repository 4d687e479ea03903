"""ORCID iDs and e-mail addresses as constraints, and which of them are believed."""

from __future__ import annotations

import pytest

from disambig.clustering.constraints import compile_constraints
from disambig.corpus.corpus import Corpus
from disambig.corpus.identifiers import MAX_NAMES, is_personal
from disambig.domain import Author, Work
from disambig.orcid import is_orcid
from tests.support.constraint_cases import ONE, THREE, TWO, ada, barred, cannot, must, works


def test_equal_orcid_ids_are_one_person() -> None:
    corpus = works((ada(orcid=ONE),), (ada(),), (ada(orcid=ONE),))
    assert compile_constraints(corpus, []).must.tolist() == [0, -1, 0]


def test_different_orcid_ids_are_two_persons() -> None:
    corpus = works((ada(orcid=ONE),), (ada(),), (ada(orcid=TWO),))
    assert barred(compile_constraints(corpus, []), corpus) == [[0, 2]]


def test_an_orcid_id_speaks_for_its_whole_must_group() -> None:
    # 0 must be 1, which bears ONE in another block: 0 cannot be 2, which bears TWO
    corpus = works((ada(),), (ada(orcid=ONE),), (ada(orcid=TWO),))
    found = compile_constraints(corpus, [must("a:0", "b:0")])
    assert barred(found, corpus, [0, 2], [1]) == [[0, 2]]


def test_identifiers_can_be_left_out() -> None:
    corpus = works((ada(orcid=ONE),), (ada(orcid=ONE, email="a@b.org"),), (ada(orcid=TWO),))
    found = compile_constraints(corpus, [], identifiers=False)
    assert found.must.tolist() == [-1, -1, -1]
    assert barred(found, corpus) == []


def test_an_orcid_id_with_a_wrong_check_digit_says_nothing() -> None:
    corpus = works((ada(orcid="0000-0002-1825-0098"),), (ada(orcid="0000-0002-1825-0098"),))
    assert compile_constraints(corpus, []).must.tolist() == [-1, -1]


def test_an_orcid_id_on_two_authors_of_one_work_belongs_to_the_first() -> None:
    corpus = works((ada(orcid=ONE), ada(orcid=ONE)), (ada(orcid=ONE),), (ada(orcid=TWO),))
    found = compile_constraints(corpus, [])
    assert found.must.tolist() == [0, -1, 0, -1]
    assert found.problems == (
        f"ORCID iD {ONE} is ignored at a:1 (Ada Byron): another author of the work has it",
    )


def test_an_orcid_id_belongs_to_the_person_of_most_of_its_works() -> None:
    babbage = Author("Charles Babbage", orcid=ONE)
    corpus = works(
        (ada(orcid=ONE),),
        (babbage,),
        (Author("A. Byron", orcid=ONE),),
        (babbage,),
        *((ada(orcid=ONE),) for _ in range(2)),
    )
    found = compile_constraints(corpus, [])
    assert found.must.tolist() == [0, -1, 0, -1, 0, 0]
    assert found.problems == (
        f"ORCID iD {ONE} is ignored at b:0 (Charles Babbage), d:0 (Charles Babbage): "
        "4 works give it to Ada Byron",
    )


def test_an_address_copied_to_all_authors_of_a_work_stays_with_its_owner() -> None:
    copies = (ada(email="a@b.org"), Author("Bo Fox", email="a@b.org"))
    found = compile_constraints(works(copies, (ada(email="a@b.org"),)), [])
    assert found.must.tolist() == [0, -1, 0]


def test_an_orcid_id_joins_a_given_name_under_two_family_names() -> None:
    corpus = works((ada(orcid=ONE),), (Author("Ada Lovelace", orcid=ONE),))
    assert compile_constraints(corpus, []).must.tolist() == [0, 0]


def test_people_who_separate_one_use_of_an_orcid_id_leave_it_the_others() -> None:
    corpus = works(*((ada(orcid=ONE),) for _ in range(4)))
    found = compile_constraints(corpus, [must("a:0", "b:0"), cannot("b:0", "c:0")])
    assert found.must.tolist() == [0, 0, -1, 0]
    assert found.problems == (
        f"ORCID iD {ONE} is ignored at c:0 (Ada Byron): b:0 and c:0 share ORCID iD {ONE}, "
        "but they cannot be one person (user)",
    )


def test_an_orcid_id_under_names_of_two_persons_is_ignored() -> None:
    corpus = works((ada(orcid=ONE),), (Author("Charles Babbage", orcid=ONE),))
    found = compile_constraints(corpus, [])
    assert found.must.tolist() == [-1, -1]
    assert found.problems == (
        f"ORCID iD {ONE} is ignored: the names of a:0 (Ada Byron) and b:0 (Charles Babbage) "
        "are incompatible",
    )


def test_an_orcid_id_under_two_forms_of_a_name_is_believed() -> None:
    corpus = works((ada(orcid=ONE),), (Author("A. Byron", orcid=ONE),))
    assert compile_constraints(corpus, []).must.tolist() == [0, 0]


def test_an_identifier_under_very_many_names_is_ignored() -> None:
    corpus = Corpus.from_works(
        Work(f"w{i}", "A title", (Author("A. " + "B" * (i + 1), email="ab@c.org"),))
        for i in range(MAX_NAMES + 1)
    )
    found = compile_constraints(corpus, [])
    assert found.problems == ("e-mail ab@c.org is ignored: 51 different names have it",)


def test_equal_personal_e_mail_addresses_are_one_person() -> None:
    corpus = works((ada(email="Ada@b.org"),), (ada(email="ada@b.org"),))
    assert compile_constraints(corpus, []).must.tolist() == [0, 0]


def test_different_e_mail_addresses_say_nothing() -> None:
    corpus = works((ada(email="ada@b.org"),), (ada(email="ada@c.org"),))
    assert barred(compile_constraints(corpus, []), corpus) == []


def test_addresses_of_offices_say_nothing() -> None:
    corpus = works((ada(email="info@b.org"),), (ada(email="info@b.org"),))
    found = compile_constraints(corpus, [])
    assert (found.must.tolist(), found.problems) == ([-1, -1], ())


@pytest.mark.parametrize(
    ("address", "personal"),
    [
        ("ada@b.org", True),
        ("info+ada@b.org", False),
        ("office2@b.org", False),
        ("ada", False),
        ("@b.org", False),
        ("ada@localhost", False),
    ],
)
def test_which_addresses_are_personal(address: str, personal: bool) -> None:
    assert is_personal(address) is personal


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (ONE, True),
        (THREE, True),
        ("0000-0002-1694-2331", False),
        (THREE.lower(), False),
        ("0000000218250097", False),
        ("", False),
    ],
)
def test_which_texts_are_orcid_ids(text: str, valid: bool) -> None:
    assert is_orcid(text) is valid


def test_an_address_that_joins_two_orcid_ids_is_ignored() -> None:
    corpus = works(
        (ada(orcid=ONE),), (ada(orcid=ONE, email="a@b.org"),), (ada(orcid=TWO, email="a@b.org"),)
    )
    found = compile_constraints(corpus, [])
    assert found.must.tolist() == [0, 0, -1]
    assert found.problems == (
        "e-mail a@b.org is ignored: b:0 and c:0 share e-mail a@b.org, "
        "but they have different ORCID iDs",
    )


def test_identifiers_never_join_two_authors_of_one_work() -> None:
    # a:0 -ORCID- b:0 -e-mail- a:1
    corpus = works((ada(orcid=ONE), ada(email="a@b.org")), (ada(orcid=ONE, email="a@b.org"),))
    found = compile_constraints(corpus, [])
    assert found.must.tolist() == [0, -1, 0]
    assert found.problems == (
        f"e-mail a@b.org is ignored: a:0 and b:0 share ORCID iD {ONE}, "
        "b:0 and a:1 share e-mail a@b.org, but they are two authors of one work",
    )


@pytest.mark.parametrize("strict", [True, False])
def test_what_people_rule_out_wins_over_an_orcid_id(strict: bool) -> None:
    corpus = works((ada(orcid=ONE),), (ada(orcid=ONE),), (ada(orcid=TWO),))
    found = compile_constraints(corpus, [cannot("a:0", "b:0")], strict=strict)
    assert found.must.tolist() == [-1, -1, -1]
    assert barred(found, corpus) == [[0, 1]]
    assert found.problems == (
        f"ORCID iD {ONE} is ignored: a:0 and b:0 share ORCID iD {ONE}, "
        "but they cannot be one person (user)",
    )


def test_what_people_join_wins_over_different_orcid_ids() -> None:
    corpus = works((ada(orcid=ONE),), (ada(orcid=TWO),), (ada(orcid=THREE),))
    found = compile_constraints(corpus, [must("a:0", "b:0")])
    assert found.must.tolist() == [0, 0, -1]
    assert barred(found, corpus) == [[0, 2], [1, 2]]
    assert found.problems == (
        f"ORCID iDs {ONE} (a:0) and {TWO} (b:0) are taken as one person's: must-links join them",
    )


def test_only_identifiers_on_the_chain_are_ignored() -> None:
    # TWO has no part in the contradiction over ONE
    corpus = works((ada(orcid=ONE),), (ada(orcid=ONE),), (ada(orcid=TWO),), (ada(orcid=TWO),))
    found = compile_constraints(corpus, [cannot("a:0", "b:0")])
    assert found.must.tolist() == [-1, -1, 0, 0]


def test_an_identifier_is_believed_once_another_is_ignored() -> None:
    # without the address of a and b, nothing joins a and c any more
    first, second = "a@b.org", "c@d.org"
    corpus = works(
        (ada(email=first),), (ada(email=first),), (ada(email=second),), (ada(email=second),)
    )
    found = compile_constraints(
        corpus, [must("b:0", "c:0"), cannot("a:0", "b:0"), cannot("a:0", "d:0")]
    )
    assert found.must.tolist() == [-1, 0, 0, 0]
    assert [line.split(" is ")[0] for line in found.problems] == [f"e-mail {first}"]
