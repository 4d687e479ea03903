from __future__ import annotations

from pathlib import Path

import pytest

from disambig.domain import Author, Label, Signature, Work
from disambig.errors import FormatError
from labeled.gold.aminer import read_aminer
from labeled.gold.goldset import LabelledWork, Problems


def publication(
    *,
    title: str = "On Barns",
    year: str = "1987",
    authors: str = "Ada Moore,Bo Li",
    venue: str = "BARN",
    identifier: str = "1",
    label: str = "0",
    organization: str = "null",
) -> str:
    return (
        f"<publication><title>{title}</title><year>{year}</year><authors>{authors}</authors>"
        f"<jconf>{venue}</jconf><id>{identifier}</id><label>{label}</label>"
        f"<organization>{organization}</organization></publication>"
    )


def person(*publications: str, name: str = "Ada Moore") -> str:
    body = "\n".join(publications)
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<person><FullName>{name}</FullName>'
    return f"{head}\n{body}\n</person>"


def read(path: Path) -> tuple[list[LabelledWork], list[str]]:
    problems = Problems()
    found = list(read_aminer(path, problems))
    return found, [f"{Path(e.file).name}:{e.line}: {e.field}: {e.problem}" for e in problems.errors]


def one(tmp_path: Path, text: str | bytes) -> tuple[list[LabelledWork], list[str]]:
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / "Ada Moore.xml").write_bytes(data)
    return read(tmp_path)


def test_a_publication_becomes_a_work_and_a_label_for_the_named_author(tmp_path: Path) -> None:
    found, problems = one(tmp_path, person(publication(authors="Bo Li, Ada Moore", label="3")))
    work = Work(
        "aminer:1", "On Barns", (Author("Bo Li"), Author("Ada Moore")), venue="BARN", year=1987
    )
    label = Label(Signature("aminer:1", 1), "aminer:Ada Moore:3", "Ada Moore", "a moore")
    assert found == [LabelledWork(work, (label,))]
    assert problems == []


def test_the_organization_belongs_to_the_labelled_author_only(tmp_path: Path) -> None:
    found, _ = one(tmp_path, person(publication(organization="Univ. of Barns")))
    assert [a.affiliations for a in found[0].work.authors] == [("Univ. of Barns",), ()]


def test_the_word_null_means_not_stated(tmp_path: Path) -> None:
    found, problems = one(tmp_path, person(publication(venue="null", year="null")))
    assert (found[0].work.venue, found[0].work.year, problems) == (None, None, [])


def test_a_paper_under_two_names_is_one_work_with_two_labels(tmp_path: Path) -> None:
    (tmp_path / "Ada Moore.xml").write_text(person(publication(organization="Barn Inc")))
    (tmp_path / "Bo Li.xml").write_text(
        person(publication(label="9", organization="Li Labs"), name="Bo Li")
    )
    found, problems = read(tmp_path)
    assert [label.person for label in found[0].labels] == ["aminer:Ada Moore:0", "aminer:Bo Li:9"]
    assert [a.affiliations for a in found[0].work.authors] == [("Barn Inc",), ("Li Labs",)]
    assert (len(found), problems) == (1, [])


def test_one_id_for_two_papers_rejects_the_second(tmp_path: Path) -> None:
    found, problems = one(tmp_path, person(publication(), publication(title="On Sheds")))
    assert [entry.work.title for entry in found] == ["On Barns"]
    assert problems == ["Ada Moore.xml:4: id: aminer:1 is another paper in an earlier file"]


def test_two_labels_for_one_signature_keep_the_first_and_say_so(tmp_path: Path) -> None:
    found, problems = one(tmp_path, person(publication(label="0"), publication(label="1")))
    assert [label.person for label in found[0].labels] == ["aminer:Ada Moore:0"]
    assert problems == [
        "Ada Moore.xml:4: label: aminer:1:0 is both aminer:Ada Moore:0 and aminer:Ada Moore:1"
    ]


@pytest.mark.parametrize(
    ("title", "read_as"),
    [
        ("Barns & Sheds", "Barns & Sheds"),
        ("AT&T Barns", "AT&T Barns"),
        ("Barns &amp; Sheds", "Barns & Sheds"),
        ("M&uuml;ller&#39;s Barn", "Müller's Barn"),
        ("a &lt; b &le; c", "a < b ≤ c"),
        ("&unknown; thing", "&unknown; thing"),
        ("bad &#0; control \x08 characters", "bad \ufffd control characters"),
        ("two\n  lines", "two lines"),
    ],
)
def test_ampersands_and_entities_in_text_are_mended(
    tmp_path: Path, title: str, read_as: str
) -> None:
    found, problems = one(tmp_path, person(publication(title=title)))
    assert (found[0].work.title, problems) == (read_as, [])


def test_declared_entities_are_never_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE person [<!ENTITY a "boom"><!ENTITY b "&a;&a;">]>'
    text = person(publication(title="&b;")).replace("<person>", bomb + "<person>")
    found, _ = one(tmp_path, text)
    assert found[0].work.title == "&b;"


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    doctype = f'<!DOCTYPE person [<!ENTITY x SYSTEM "{tmp_path}/secret.txt">]>'
    text = person(publication(title="&x;")).replace("<person>", doctype + "<person>")
    found, _ = one(tmp_path, text)
    assert "secret" not in found[0].work.title


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "iso-8859-15"])
def test_a_declared_encoding_is_used(tmp_path: Path, encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = person(publication(title="Scheunen für €")).replace("UTF-8", declared)
    found, problems = one(tmp_path, text.encode(encoding))
    assert (found[0].work.title, problems) == ("Scheunen für €", [])


def test_bytes_in_no_declared_encoding_are_read_as_windows_1252_and_told(tmp_path: Path) -> None:
    found, problems = one(tmp_path, person(publication(title="für")).encode("cp1252"))
    assert found[0].work.title == "für"
    assert problems == ["Ada Moore.xml:0: file: not in the encoding it declares, nor in UTF-8"]


def test_a_broken_tag_costs_at_most_its_own_record(tmp_path: Path) -> None:
    text = person(
        publication(identifier="1"),
        publication(identifier="2", title="half <a title"),
        publication(identifier="3"),
    )
    found, problems = one(tmp_path, text)
    assert {"aminer:1", "aminer:3"} <= {entry.work.id for entry in found}
    assert problems[0].startswith("Ada Moore.xml:4: file: not well-formed XML")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", publication(title=" ")),
        ("authors", publication(authors="null")),
        ("id", publication(identifier="")),
    ],
)
def test_a_publication_without_an_essential_field_is_rejected(
    tmp_path: Path, field: str, text: str
) -> None:
    good = publication(identifier="2")
    found, problems = one(tmp_path, person(text, good))
    assert [entry.work.id for entry in found] == ["aminer:2"]
    assert problems == [f"Ada Moore.xml:3: {field}: is empty"]


def test_a_publication_without_a_label_is_kept_unlabelled_and_told(tmp_path: Path) -> None:
    found, problems = one(tmp_path, person(publication(label="")))
    assert (found[0].labels, problems) == ((), ["Ada Moore.xml:3: label: is empty"])


@pytest.mark.parametrize("authors", ["Bo Li", "Ada Moore,Ada Moore"])
def test_a_name_that_is_absent_or_twice_gets_no_label(tmp_path: Path, authors: str) -> None:
    found, problems = one(tmp_path, person(publication(authors=authors)))
    assert found[0].labels == ()
    assert problems == ["Ada Moore.xml:3: authors: 'Ada Moore' is missing, or listed twice"]


@pytest.mark.parametrize("printed", ["ADA MOORE", "Moore Ada", "Ada Moore 0002"])
def test_the_name_is_found_in_other_case_order_or_with_a_number(
    tmp_path: Path, printed: str
) -> None:
    found, problems = one(tmp_path, person(publication(authors=f"Bo Li,{printed}")))
    assert (found[0].labels[0].signature.position, problems) == (1, [])


def test_a_year_that_is_none_is_left_empty_and_told(tmp_path: Path) -> None:
    found, problems = one(tmp_path, person(publication(year="n.d.")))
    assert (found[0].work.year, problems) == (None, ["Ada Moore.xml:3: year: 'n.d.' is not a year"])


def test_a_folder_without_publications_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no AMiner publications"):
        read(tmp_path)
