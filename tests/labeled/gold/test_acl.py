from __future__ import annotations

from pathlib import Path

import pytest

from disambig.domain import Author, Label, Signature, Work
from disambig.errors import FormatError
from labeled.gold.acl import read_acl
from labeled.gold.goldset import LabelledWork, Problems

VARIANTS = """\
- canonical: {first: Jan, last: Hajič}
  variants:
  - {first: Jan, last: HAJIC}
  - {first: J., last: Hajič}
- canonical: {first: Yang, last: Liu}
  id: yang-liu-edinburgh
  comment: Edinburgh
- canonical: {first: Yang, last: Liu}
  id: yang-liu-ict
  similar: [yang-liu-edinburgh]
"""


def paper(*authors: str, number: str = "1", title: str = "On <b>Barns</b>", more: str = "") -> str:
    return f'<paper id="{number}"><title>{title}</title>{"".join(authors)}{more}</paper>'


def author(first: str, last: str, attributes: str = "", more: str = "") -> str:
    return f"<author{attributes}><first>{first}</first><last>{last}</last>{more}</author>"


def collection(*papers: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<collection id="P19">\n<volume id="1">\n'
        "<meta><booktitle>Proceedings of <fixed-case>BARN</fixed-case></booktitle>"
        "<editor><first>Ed</first><last>Itor</last></editor><year>2019</year></meta>\n"
        "<frontmatter><url>P19-1000</url></frontmatter>\n"
        + "\n".join(papers)
        + "\n</volume>\n</collection>\n"
    )


def tree(tmp_path: Path, xml: str, variants: str = VARIANTS) -> Path:
    (tmp_path / "data" / "xml").mkdir(parents=True)
    (tmp_path / "data" / "yaml").mkdir()
    (tmp_path / "data" / "xml" / "P19.xml").write_text(xml)
    (tmp_path / "data" / "yaml" / "name_variants.yaml").write_text(variants)
    return tmp_path


def read(path: Path) -> tuple[list[LabelledWork], list[str]]:
    problems = Problems()
    found = list(read_acl(path, problems))
    return found, [f"{Path(e.file).name}:{e.line}: {e.field}: {e.problem}" for e in problems.errors]


def people(entry: LabelledWork) -> list[str]:
    return [label.person for label in entry.labels]


def test_a_paper_becomes_a_work_with_the_volume_s_venue_and_year(tmp_path: Path) -> None:
    more = "<abstract>We build <i>barns</i>.</abstract><doi>10.1/b</doi>"
    found, problems = read(tree(tmp_path, collection(paper(author("Ada", "van Moore"), more=more))))
    work = Work(
        "acl:P19-1-1",
        "On Barns",
        (Author("Ada van Moore", "Ada", "van Moore"),),
        abstract="We build barns.",
        venue="Proceedings of BARN",
        year=2019,
        ids=(("doi", "10.1/b"),),
    )
    label = Label(Signature("acl:P19-1-1", 0), "acl:Ada van Moore", "Ada van Moore", "a van moore")
    assert found == [LabelledWork(work, (label,))]
    assert problems == []


def test_the_data_folder_itself_can_be_given(tmp_path: Path) -> None:
    found, _ = read(tree(tmp_path, collection(paper(author("Ada", "Moore")))) / "data")
    assert len(found) == 1


def test_markup_inside_a_title_leaves_its_text_and_one_space(tmp_path: Path) -> None:
    title = "<fixed-case>B</fixed-case>arns \n and <tex-math>x^2</tex-math> &amp; <i>more</i>"
    found, _ = read(tree(tmp_path, collection(paper(author("Ada", "Moore"), title=title))))
    assert found[0].work.title == "Barns and x^2 & more"


def test_canonical_name_and_variants_are_one_person(tmp_path: Path) -> None:
    papers = [
        paper(author("Jan", "Hajič"), number="1"),
        paper(author("Jan", "HAJIC"), number="2"),
        paper(author("J.", "Hajič"), number="3"),
    ]
    found, _ = read(tree(tmp_path, collection(*papers)))
    assert [people(entry) for entry in found] == [["acl:jan-hajic"]] * 3


def test_an_explicit_id_decides_between_namesakes(tmp_path: Path) -> None:
    papers = [
        paper(author("Yang", "Liu", ' id="yang-liu-ict"'), number="1"),
        paper(author("Yang", "Liu", ' id="yang-liu-edinburgh"'), number="2"),
    ]
    found, problems = read(tree(tmp_path, collection(*papers)))
    assert [people(entry) for entry in found] == [["acl:yang-liu-ict"], ["acl:yang-liu-edinburgh"]]
    assert problems == []


def test_a_namesake_without_an_id_gets_no_label(tmp_path: Path) -> None:
    found, problems = read(
        tree(tmp_path, collection(paper(author("Yang", "Liu"), author("Ada", "Moore"))))
    )
    assert [label.signature.position for label in found[0].labels] == [1]
    assert problems == ["P19.xml:6: author: 'Yang Liu' is ambiguous and has no id"]


def test_names_without_an_entry_are_people_by_exact_name(tmp_path: Path) -> None:
    papers = [
        paper(author("Ada", "Moore"), number="1"),
        paper(author("ADA", "Moore"), number="2"),
    ]
    found, _ = read(tree(tmp_path, collection(*papers)))
    assert [people(entry) for entry in found] == [["acl:Ada Moore"], ["acl:ADA Moore"]]


def test_one_person_twice_on_a_paper_is_labelled_once_and_told(tmp_path: Path) -> None:
    found, problems = read(
        tree(tmp_path, collection(paper(author("Ada", "Moore"), author("Ada", "Moore"))))
    )
    assert [str(label.signature) for label in found[0].labels] == ["acl:P19-1-1:0"]
    assert problems == ["P19.xml:6: author: acl:Ada Moore is already author 0 of acl:P19-1-1"]


def test_an_id_that_no_entry_has_is_kept_and_told(tmp_path: Path) -> None:
    found, problems = read(
        tree(tmp_path, collection(paper(author("Ada", "Moore", ' id="ada-moore-x"'))))
    )
    assert people(found[0]) == ["acl:ada-moore-x"]
    assert problems == ["P19.xml:6: author: id 'ada-moore-x' is not in name_variants.yaml"]


def test_affiliation_and_orcid_are_read_and_a_name_in_another_script_is_not(tmp_path: Path) -> None:
    more = "<affiliation>Barn U</affiliation><variant script='hani'><first>爱</first></variant>"
    xml = collection(paper(author("Ada", "Moore", ' orcid="0000-0002-1825-0097"', more)))
    found, _ = read(tree(tmp_path, xml))
    assert found[0].work.authors == (
        Author("Ada Moore", "Ada", "Moore", ("Barn U",), "0000-0002-1825-0097"),
    )


def test_an_author_with_a_last_name_only_is_read(tmp_path: Path) -> None:
    found, _ = read(tree(tmp_path, collection(paper("<author><last>Nisha</last></author>"))))
    assert found[0].work.authors == (Author("Nisha", None, "Nisha"),)


def test_each_volume_has_its_own_venue_and_year(tmp_path: Path) -> None:
    first = collection(paper(author("Ada", "Moore")))
    second = (
        '<volume id="2"><meta><booktitle>Sheds</booktitle><year>2020</year></meta>'
        + paper(author("Bo", "Li"))
        + "</volume></collection>"
    )
    found, _ = read(tree(tmp_path, first.replace("</collection>", second)))
    assert [(e.work.id, e.work.venue, e.work.year) for e in found] == [
        ("acl:P19-1-1", "Proceedings of BARN", 2019),
        ("acl:P19-2-1", "Sheds", 2020),
    ]


@pytest.mark.parametrize(
    ("broken", "field"),
    [(paper(), "author"), (paper(author("Ada", "Moore"), title=""), "title")],
)
def test_a_paper_without_title_or_authors_is_rejected(
    tmp_path: Path, broken: str, field: str
) -> None:
    good = paper(author("Bo", "Li"), number="2")
    found, problems = read(tree(tmp_path, collection(broken, good)))
    assert [entry.work.id for entry in found] == ["acl:P19-1-2"]
    assert problems == [f"P19.xml:6: {field}: acl:P19-1-1 has none"]


def test_a_damaged_file_keeps_its_first_papers_and_the_other_files(tmp_path: Path) -> None:
    xml = collection(paper(author("Ada", "Moore")), "<paper id='2'><title>x</paper>")
    path = tree(tmp_path, xml)
    (path / "data" / "xml" / "Q20.xml").write_text(
        collection(paper(author("Bo", "Li"))).replace("P19", "Q20")
    )
    found, problems = read(path)
    assert [entry.work.id for entry in found] == ["acl:P19-1-1", "acl:Q20-1-1"]
    assert problems[0].startswith("P19.xml:7: file: not well-formed XML")


def test_the_form_before_mid_2019_is_named_as_such(tmp_path: Path) -> None:
    old = '<volume id="P18"><paper id="1001"><title>x</title></paper></volume>'
    found, problems = read(tree(tmp_path, old))
    assert found == []
    assert problems[-1] == "P19.xml:1: collection: missing"


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    doctype = f'<!DOCTYPE collection [<!ENTITY x SYSTEM "{tmp_path}/secret.txt">]>\n'
    xml = collection(paper(author("Ada", "Moore"), title="A &x; B"))
    found, _ = read(tree(tmp_path, xml.replace("<collection", doctype + "<collection")))
    assert "secret" not in found[0].work.title


def test_entries_that_are_no_names_are_told_with_their_line(tmp_path: Path) -> None:
    variants = "- canonical: Jan\n- canonical: {first: Ada, last: Moore}\n  variants:\n  - Ada\n"
    _, problems = read(tree(tmp_path, collection(paper(author("Bo", "Li"))), variants))
    assert problems == [
        "name_variants.yaml:1: canonical: is not a {first, last} name",
        "name_variants.yaml:2: variants: one is not a {first, last} name",
    ]


@pytest.mark.parametrize(
    ("variants", "said"),
    [("a: [", "not YAML"), ("a: b", "not a YAML list"), ("- !!python/name:os.x", "not YAML")],
)
def test_yaml_that_is_no_list_of_people_is_refused(
    tmp_path: Path, variants: str, said: str
) -> None:
    with pytest.raises(FormatError, match=said):
        read(tree(tmp_path, collection(), variants))


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no xml/\*\.xml"):
        read(tmp_path)
    path = tree(tmp_path, collection())
    (path / "data" / "yaml" / "name_variants.yaml").unlink()
    with pytest.raises(FormatError, match=r"before people\.yaml replaced it"):
        read(path)
