"""What printed names say, by table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.names import ParsedName, Reading, parse_name
from disambig.names.clean import LOST_LETTER
from disambig.names.parsed import drop_particles

# printed: (given, family words)
DIVIDED = {
    # initials with and without points and spaces
    "J.L. Pons": ("j l", "pons"),
    "J. L. Pons": ("j l", "pons"),
    "JL Pons": ("j l", "pons"),
    "J L Pons": ("j l", "pons"),
    "Pons, J. L.": ("j l", "pons"),
    "Pons, JL": ("j l", "pons"),
    "Pons JL": ("j l", "pons"),
    "Jose L. Pons": ("jose l", "pons"),
    "JL PONS": ("j l", "pons"),
    "CY Chen": ("c y", "chen"),
    "SVN Vishwanathan": ("s v n", "vishwanathan"),
    "DJ Strouse": ("d j", "strouse"),
    "J.-L. Gauvain": ("j l", "gauvain"),
    "Zhang W": ("w", "zhang"),
    "Balestriero R.": ("r", "balestriero"),
    "Arjun Atreya V": ("arjun v", "atreya"),
    # case
    "Jan HAJIC": ("jan", "hajic"),
    "federico mancini": ("federico", "mancini"),
    "SHIYU LIANG": ("shiyu", "liang"),
    "LIU Yi": ("yi", "liu"),
    "Yi LIU": ("yi", "liu"),
    "RUI Liu": ("rui", "liu"),
    "YI WU": ("yi", "wu"),
    # compound given names
    "Wei-Nan Zhang": ("wei nan", "zhang"),
    "Wei Nan Zhang": ("wei nan", "zhang"),
    "WeiNan Zhang": ("wei nan", "zhang"),
    "Weinan Zhang": ("weinan", "zhang"),
    "Yu–Ting Huang": ("yu ting", "huang"),
    "Jean-Luc Gauvain": ("jean luc", "gauvain"),
    # particles
    "Laurens van der Maaten": ("laurens", "van der maaten"),
    "Miryam de Lhoneux": ("miryam", "de lhoneux"),
    "Arthur da Cunha": ("arthur", "da cunha"),
    "Khalid Al Khatib": ("khalid", "al khatib"),
    "Yann Le Cun": ("yann", "le cun"),
    "Quoc Van Le": ("quoc van", "le"),
    "Quoc V. Le": ("quoc v", "le"),
    "Berg, Jan van der": ("jan", "van der berg"),
    "van der Berg, Jan": ("jan", "van der berg"),
    "Manuel Montes y Gómez": ("manuel", "montes y gomez"),
    "Xin Du": ("xin", "du"),
    "Xue Bin Peng": ("xue bin", "peng"),
    # apostrophes, Mc, accents, special letters
    "Brendan O'Donoghue": ("brendan", "odonoghue"),
    "Brendan O’Donoghue": ("brendan", "odonoghue"),
    "Peter D’Souza": ("peter", "dsouza"),
    "Ryan McDonald": ("ryan", "mcdonald"),
    "Roderich Groß": ("roderich", "gross"),
    "Łukasz Kaiser": ("lukasz", "kaiser"),
    "Øistein E. Andersen": ("oistein e", "andersen"),
    "Wolfgang Müller": ("wolfgang", "muller"),
    "Wolfgang Mu\u0308ller": ("wolfgang", "muller"),
    "Jirˇi´ Matousˇek": ("jiri", "matousek"),
    "JÃ¶rg Conradt": ("jorg", "conradt"),
    # double family names
    "Taylor Berg-Kirkpatrick": ("taylor", "berg kirkpatrick"),
    "Garcia Marquez, Gabriel": ("gabriel", "garcia marquez"),
    # nicknames in quotes or brackets, junk around names
    'William "Bill" Gates': ("william", "gates"),
    "Hao (Richard) Zhang": ("hao", "zhang"),
    "Huazhe(Harry) Xu": ("huazhe", "xu"),
    "Lihua Xie ()": ("lihua", "xie"),
    "Po-Sen Huang*": ("po sen", "huang"),
    "1Michael Beetz": ("michael", "beetz"),
    "Haifeng Sun⁸": ("haifeng", "sun"),
    "Sujith Ravi[2]": ("sujith", "ravi"),
    "Vladlen\xa0Koltun": ("vladlen", "koltun"),
    "<b>Ann</b> Lee": ("ann", "lee"),
    "\x1b[31mAnn\x1b[0m Lee": ("ann", "lee"),
    "Nicholas Vining\u200f": ("nicholas", "vining"),
    # titles
    "Dr. Ann Lee": ("ann", "lee"),
    "Prof. Dr. Ann Lee": ("ann", "lee"),
    "Ann Lee, PhD": ("ann", "lee"),
    "Ronald Klein MD": ("ronald", "klein"),
    "Md Jahidul Islam": ("md jahidul", "islam"),
    # scripts
    "李伟": ("wei", "li"),
    "欧阳修": ("xiu", "ouyang"),
    "김민수": ("min su", "kim"),
    "김 민수": ("min su", "kim"),
    "Сергей Иванов": ("sergey", "ivanov"),
    "Wei Li 李伟": ("wei", "li"),
    # one word, none
    "Mausam": ("", "mausam"),
    "Prof. Tian": ("", "tian"),
    "zhuben": ("", "zhuben"),
    "": ("", ""),
    " .,- ": ("", ""),
    "123": ("", ""),
    "\u202e\u0000": ("", ""),
}


@pytest.mark.parametrize("printed", DIVIDED)
def test_printed_name_is_divided(printed: str) -> None:
    name = parse_name(printed)
    assert (" ".join(name.given), " ".join(name.family_tokens)) == DIVIDED[printed]


@pytest.mark.parametrize(
    ("printed", "suffix"),
    [
        ("John W. Fisher III", "iii"),
        ("Eugene Santos Jr.", "jr"),
        ("Edward P. Stabler, Jr.", "jr"),
        ("Stabler, Jr., Edward P.", "jr"),
        ("Stabler, Edward P., Jr.", "jr"),
        ("Eric H. Nyberg, 3rd", "iii"),
        ("christian j. stoeckert jr.", "jr"),
        ("Jr. Jun Okamoto", "jr"),
        ("Alvin Grissom II", "ii"),
        ("Joao Silva Junior", ""),
        ("Ann Lee", ""),
    ],
)
def test_suffix_is_no_part_of_the_family_name(printed: str, suffix: str) -> None:
    name = parse_name(printed)
    assert name.suffix == suffix
    assert not {"jr", "ii", "iii", "rd"} & set(name.family_tokens)


def test_homonym_number_is_no_name() -> None:
    name = parse_name("Kibok Lee 0003")
    assert (name.given, name.family, name.homonym) == (("kibok",), "lee", "0003")


def test_nickname_is_kept_apart() -> None:
    assert parse_name("Hao (Richard) Zhang").nickname == ("richard",)
    assert parse_name('William "Bill" Gates').nickname == ("bill",)


def test_quotes_around_the_whole_given_name_are_no_nickname() -> None:
    name = parse_name("“He,Ho-Ching” Yen")
    assert (name.given, name.family, name.nickname) == (("he", "ho", "ching"), "yen", ())


def test_family_name_has_a_form_without_particles_and_one_without_spaces() -> None:
    name = parse_name("Jan van der Berg")
    assert (name.family, drop_particles(name.family_tokens)) == ("vanderberg", ("berg",))


def test_compound_given_names_join_to_one_form() -> None:
    joined = {parse_name(f"{g} Zhang").given_joined for g in ("Wei-Nan", "Weinan", "Wei Nan")}
    assert joined == {"weinan"}


def test_umlaut_keeps_its_written_out_spelling() -> None:
    assert parse_name("Jörg Müller").spellings == ("jorg=joerg", "muller=mueller")


class TestStatedDivision:
    def test_is_trusted_over_the_printed_order(self) -> None:
        name = parse_name("Chen Zhao Xu", given="Chen", family="Zhao Xu")
        assert (name.given, name.family_tokens, name.is_stated) == (("chen",), ("zhao", "xu"), True)

    def test_upper_case_family_is_folded(self) -> None:
        assert parse_name("Jan HAJIC", "Jan", "HAJIC") == ParsedName(
            "Jan HAJIC", ("jan",), ("hajic",), is_stated=True
        )

    def test_suffix_is_taken_out_of_the_family(self) -> None:
        name = parse_name("Walter A. Sedelow, Jr.", "Walter A.", "Sedelow, Jr.")
        assert (name.family, name.suffix) == ("sedelow", "jr")

    def test_given_is_what_precedes_a_stated_family(self) -> None:
        assert parse_name("Ana de la Paz", family="de la Paz").given == ("ana",)

    def test_one_word_has_no_given_name(self) -> None:
        assert parse_name("Mausam", "", "Mausam").is_single

    def test_empty_family_counts_as_not_stated(self) -> None:
        assert parse_name("Ann Lee", "", "").family == "lee"


class TestAlternatives:
    def test_chinese_family_name_first_is_possible(self) -> None:
        name = parse_name("Wang Yi")
        assert name.alternatives == (Reading(("yi",), ("wang",)),)

    def test_commoner_family_name_last_leaves_no_doubt(self) -> None:
        assert parse_name("Wei Zhang").alternatives == ()

    def test_western_name_is_not_swappable(self) -> None:
        assert parse_name("Steven Abney").alternatives == ()

    def test_two_iberian_family_names(self) -> None:
        assert parse_name("Héctor Martínez Alonso").alternatives == (
            Reading(("hector",), ("martinez", "alonso")),
        )

    def test_word_run_together_in_camel_case(self) -> None:
        name = parse_name("XiaowenJiang")
        assert name.is_single
        assert Reading(("xiaowen",), ("jiang",)) in name.alternatives

    def test_lower_case_word_beginning_with_a_family_name(self) -> None:
        assert Reading(("yuan",), ("zhang",)) in parse_name("zhangyuan").alternatives

    def test_trailing_initial_may_be_the_family_name(self) -> None:
        assert Reading(("srinath",), ("r",)) in parse_name("Srinath R").alternatives


HOSTILE = [
    "a" * 100_000,
    "Ann " * 50_000,
    "," * 10_000,
    "(" * 10_000,
    "\u202e" * 5_000 + "Ann Lee",
    "\ud800",
    "=HYPERLINK(1)",
    "\x00\x1b]0;x\x07",
    "﷽" * 400,
    "Z" + "\u0301" * 20_000,
    "👩‍🔬 Ann",
    "- - -",
    "(Bill)",
    '""',
    "0003",
    ", Jr.",
    "Ph.D.",
]


@pytest.mark.parametrize("printed", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_has_bounded_plain_parts(printed: str) -> None:
    name = parse_name(printed)
    parts = [*name.given, *name.family_tokens, *name.nickname]
    assert name.printed == printed
    assert all(part.isascii() and part.isalpha() and part.islower() for part in parts)
    assert sum(map(len, parts)) <= 10_000


@settings(deadline=None)
@given(st.text(), st.none() | st.text(), st.none() | st.text())
def test_parts_of_any_text_are_ascii_letters_and_lost_ones(
    printed: str, g: str | None, f: str | None
) -> None:
    name = parse_name(printed, g, f)
    readings = [Reading(name.given, name.family_tokens), *name.alternatives]
    for reading in readings:
        for part in (*reading.given, *reading.family):
            assert part.isascii()
            letters = part.replace(LOST_LETTER, "")
            assert letters.isalpha()
            assert letters.islower()


@settings(deadline=None)
@given(st.text(alphabet="abcdeéüöß'’.-, ABCJR", max_size=30))
def test_parsing_the_normalised_division_changes_nothing(printed: str) -> None:
    name = parse_name(printed)
    given_text, family_text = " ".join(name.given), " ".join(name.family_tokens)
    if not family_text or family_text.split()[-1] in ("jr", "sr") or not given_text:
        return
    again = parse_name(f"{given_text} {family_text}", given_text, family_text)
    assert (again.given, again.family_tokens) == (name.given, name.family_tokens)


@pytest.mark.parametrize(
    "printed",
    [
        'J{\\"o}rg M{\\"u}ller',
        "J&ouml;rg M&amp;#252;ller",
        "JÃ¶rg MÃ¼ller",
        "Jörg Müller, M.D., M.P.H.",
        "Jörg Müller, Senior Member, IEEE",
        "Jörg Müller1,2",
        "Jörg Müller†",
        "Jörg Müller (University of Bern)",
        "Jörg Müller, University of Bern, Switzerland",
        "Jörg Müller <jm@uni.example>",
        "Prof. Dr. Jörg Müller",
        "Müller, Jörg, Editor",
    ],
)
def test_what_a_source_adds_to_a_name_is_no_part_of_it(printed: str) -> None:
    name = parse_name(printed)
    assert (name.given, name.family_tokens, name.suffix) == (("jorg",), ("muller",), "")


@pytest.mark.parametrize(
    ("printed", "given", "family"),
    [
        ("Garcia Lopez, MS", ("m", "s"), "garcialopez"),
        ("Roe, MD", ("m", "d"), "roe"),
        ("Tanabata, H.", ("h",), "tanabata"),
        ("Gen Fellow", ("gen",), "fellow"),
        ("Jane Roe.", ("jane",), "roe"),
        ("David St. John", ("david",), "stjohn"),
        ("David Saint John", ("david",), "stjohn"),
        ("Gagarin Yu.A.", ("yu", "a"), "gagarin"),
        ("Гагарин Ю. А.", ("yu", "a"), "gagarin"),
    ],
)
def test_what_looks_like_an_addition_may_be_the_name(
    printed: str, given: tuple[str, ...], family: str
) -> None:
    name = parse_name(printed)
    assert (name.given, name.family) == (given, family)
