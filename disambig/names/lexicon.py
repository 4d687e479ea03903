"""Small closed vocabularies of names, and lists that are read on first use."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from rapidfuzz.distance import JaroWinkler


def split_words(*lines: str) -> frozenset[str]:
    """Return the words of the lines, as a set."""
    return frozenset(" ".join(lines).split())


PARTICLES = split_words(
    "van von der den de del della delle dello degli dei di da das do dos du la le lo las los el al",
    "ter ten te zu zum zur vom af av ibn bin bint binti ben abu d l t op het e y i",
)
"""Words that belong to the family name that follows."""

SAINTS = split_words("st ste saint sainte")
"""Words that begin a family name of two words: "St. John"."""

GENERATIONS = {
    "jr": "jr",
    "junior": "jr",
    "sr": "sr",
    "senior": "sr",
    "ii": "ii",
    "iii": "iii",
    "iv": "iv",
    "2nd": "ii",
    "3rd": "iii",
    "4th": "iv",
}
"""Printed suffixes to their normalised form."""

TITLES = split_words("dr prof professor mr mrs ms miss sir dipl ing fnu")
"""Words before a name that are not part of it ("fnu": first name unknown)."""

DEGREES = split_words(
    "phd md msc bsc mba dphil esq mph mphil mres meng beng btech mtech llb llm jd ma ba bs ms bsn",
    "msn dnp rn aprn crna lpn dvm vmd dds dmd bds mds mbbs mbchb bmbs mbbch mrcp mrcpch frcp frcpc",
    "frcs frcsc mrcs frcpath facc facs facp faha face faan fasn frs frse freng faaas pharmd rph",
    "edd psyd drph scd dsc deng dr drmed drrernat dphil mfa bfa mpp mpa mha msw lcsw mhs mhsc msph",
    "mscr cpa cfa pe phdc rd ldn pt dpt otr ccc slp ab sb sm phm habil csc drsc do obe mbe cbe kbe",
    "qc kc sj osb op csj ofm",
)
"""Words after a name that are not part of it: degrees, licences, honours, orders."""

ORGANISATIONS = split_words(
    "university universität universite université universidad universidade universita",
    "università univ college school institute institut instituto istituto department dept division",
    "departamento faculty faculté facultad laboratory laboratories lab laboratoire laboratorio",
    "hospital clinic klinik center centre centro academy academia company corporation corp inc ltd",
    "gmbh foundation society association group team consortium collaboration committee ministry",
    "agency research",
    "technology technologies sciences engineering medicine physics chemistry biology the of for",
)
"""Words of organisations, which are in no personal name."""

UMLAUTS = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ø": "oe",
        "å": "aa",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "Ø": "Oe",
        "Å": "Aa",
        "æ": "a",
        "Æ": "A",
        "ő": "oe",
        "ű": "ue",
    }
)
"""Written-out spelling of letters whose accent is often omitted instead."""

COMPOUND_HAN = split_words(
    "欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 司徒 东方 東方 夏侯 皇甫 令狐 公孙 公孫 慕容 尉迟 尉遲",
    "长孙 長孫 宇文 端木 南宫 南宮 独孤 獨孤 西门 西門 轩辕 軒轅 남궁 황보 제갈 선우 독고",
    "사공 서문",
)
"""Family names of two characters."""

HANGUL_FAMILY = {
    "김": "kim",
    "이": "lee",
    "박": "park",
    "최": "choi",
    "정": "jung",
    "강": "kang",
    "조": "cho",
    "윤": "yoon",
    "장": "jang",
    "임": "lim",
    "한": "han",
    "오": "oh",
    "서": "seo",
    "신": "shin",
    "권": "kwon",
    "황": "hwang",
    "안": "ahn",
    "송": "song",
    "류": "ryu",
    "유": "yoo",
    "홍": "hong",
    "전": "jeon",
    "고": "ko",
    "문": "moon",
    "양": "yang",
    "손": "son",
    "배": "bae",
    "백": "baek",
    "허": "heo",
    "남": "nam",
    "심": "shim",
    "노": "noh",
    "하": "ha",
    "곽": "kwak",
    "성": "sung",
    "차": "cha",
    "주": "joo",
    "우": "woo",
    "구": "koo",
    "민": "min",
    "나": "na",
    "진": "jin",
}
"""Usual spelling of Korean family names, which transliteration rules do not give."""


_SPELLINGS = 0.9
"""Jaro-Winkler similarity from which forms of a name are two spellings ("Sergey", "Sergei")."""

DROPPED_FIRST = split_words(
    "md mohd mohammad mohammed muhammad syed seyed sayed maria marie jose juan luis ana anna abdul"
)
"""Given names that are often omitted before another one."""


@cache
def _read_family_table() -> dict[str, tuple[str, int]]:
    text = files("disambig").joinpath("data", "family_names.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and line[0] != "#")
    return {name: (origin, int(rank)) for name, origin, rank in rows}


@cache
def get_family_first_ranks() -> dict[str, int]:
    """Map family names that are often printed first to 1 (very common) .. 3 (possible)."""
    return {n: rank for n, (origin, rank) in _read_family_table().items() if origin != "iberian"}


_ALSO_VIETNAMESE = split_words("do ho le ly ngo ha lam to vo vu mai cao dang phan duong")
"""Vietnamese family names that the table lists as of another origin."""


@cache
def get_syllable_families() -> frozenset[str]:
    """Return East Asian family names of people whose given names are syllables run together."""
    origins = ("chinese", "korean", "japanese")
    table = _read_family_table().items()
    return frozenset(n for n, (origin, _) in table if origin in origins) - _ALSO_VIETNAMESE


@cache
def get_iberian_families() -> frozenset[str]:
    """Return family names of people who commonly have two."""
    return frozenset(n for n, (origin, _) in _read_family_table().items() if origin == "iberian")


@cache
def get_canonical_initials() -> dict[str, frozenset[str]]:
    """Map each short form of a given name to the first letters of the names it stands for."""
    from nicknames import NickNamer

    canonical = {
        short: {name[0] for name in full} for short, full in NickNamer().canonical_lookup.items()
    }
    for name, short_forms in _read_short_names():
        for short in short_forms:
            canonical.setdefault(short, set()).add(name[0])
    return {short: frozenset(letters) for short, letters in canonical.items()}


def _read_short_names() -> list[tuple[str, list[str]]]:
    """Read given names and their short forms in languages other than English."""
    text = (files("disambig") / "data" / "short_names.tsv").read_text(encoding="ascii")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return [(name, short_forms.split()) for name, short_forms in rows]


@cache
def get_equivalent_names() -> dict[str, frozenset[str]]:
    """Map each given name to the names, in English, that it is a form of in some language.

    "jan" is a form of "john"; "andrea" of "andrew".
    """
    text = (files("disambig") / "data" / "equivalent_names.tsv").read_text(encoding="utf-8")
    heads: dict[str, set[str]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            head, *forms = line.split()
            for form in (head, *forms):
                heads.setdefault(form, set()).add(head)
    return {form: frozenset(of) for form, of in heads.items()}


@cache
def get_nickname_pairs() -> dict[str, frozenset[str]]:
    """Map each given name to its nicknames, the names that it is one of, and foreign forms.

    The relation is symmetric, from the list in the ``nicknames`` package and one of our own, and
    one step deep: "bill" has "william", "william" has "bill" and "will".
    """
    from nicknames import NickNamer

    related: dict[str, set[str]] = {}
    for name, short_forms in [*NickNamer().nickname_lookup.items(), *_read_short_names()]:
        for short in short_forms:
            related.setdefault(name, set()).add(short)
            related.setdefault(short, set()).add(name)
    forms: dict[str, set[str]] = {}
    for form, heads in get_equivalent_names().items():
        for head in heads:
            forms.setdefault(head, set()).add(form)
    for group in forms.values():
        for form in group:
            related.setdefault(form, set()).update(
                other
                for other in group
                if other != form and JaroWinkler.similarity(form, other) < _SPELLINGS
            )
    return {name: frozenset(others) for name, others in related.items()}
