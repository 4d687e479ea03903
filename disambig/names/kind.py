"""Recognise author entries that name no person: groups and placeholders.

Evidence is what the words mean, in the languages of large indexes: nouns for bodies of people
("consortium", "Universität", "委员会"), legal forms ("GmbH"), words for an unknown or further
author ("anonymous", "et al.", "佚名"). A word that is also a family name ("Bank", "Church") counts
only where the name is built like that of a body: with an article or "of", after an acronym, or with
a second such word.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from disambig.names.clean import MAX_CHARACTERS, clean_text, fold
from disambig.names.lexicon import get_nickname_pairs, split_words


class NameKind(StrEnum):
    """What an author entry that names no person names instead."""

    GROUP = "group"
    PLACEHOLDER = "placeholder"


GROUP_WORDS = split_words(
    # people who act together
    "collaboration collaborations collab collabs consortium consortia committee committees",
    "subcommittee commission council association associations society societies federation",
    "confederation coalition alliance partnership collaborative initiative taskforce workgroup",
    "investigators collaborators trialists researchers scientists contributors participants",
    "editors editorial authors members volunteers developers maintainers physicians",
    "group groups subgroup team teams network networks secretariat panel",
    "kollaboration konsortium komitee ausschuss kommission gesellschaft verband verein",
    "arbeitsgruppe arbeitskreis arbeitsgemeinschaft gruppe netzwerk forschungsgruppe redaktion",
    "autorengruppe autorenkollektiv fachgesellschaft",
    "consorcio consorzio consortiums comite comites comitato comision comissao commissione",
    "sociedad sociedade societa societe asociacion associacao associazione federacion federacao",
    "federazione groupe groupes grupo grupos gruppo equipe equipes equipo redaccion",
    "redacao redazione reseau colaboracion colaboracao collaborazione colectivo collectif",
    "vereniging genootschap werkgroep forening foreningen forbund selskab selskap sallskap",
    "arbetsgrupp arbejdsgruppe arbeidsgruppe towarzystwo stowarzyszenie zespol spolecnost",
    "tarsasag egyesulet munkacsoport seura yhdistys tyoryhma dernegi grubu toplulugu",
    # bodies and their parts
    "university universities institute institutes institution institutions laboratory",
    "laboratories department departments faculty ministry directorate foundation organization",
    "organisation organizations organisations corporation companies incorporated",
    "academy observatory bureaucracy administration authority agency government parliament",
    "congress center centers centre centres registry consultancy enterprises technologies",
    "pharmaceuticals",
    "universitat universitaet universite universites universidad universidade universita",
    "universiteit universitet universitetet uniwersytet univerzita univerzitet universitatea",
    "egyetem yliopisto universitesi universitas hochschule fachhochschule",
    "institut instituto instituts istituto instituut instytut intezet enstitusu institutt",
    "ministerium ministere ministerio ministero ministerstwo bundesministerium bundesamt",
    "zentrum forschungszentrum laboratoire laboratorio laboratorium fondation fundacion",
    "fundacao fondazione stiftung stiftelsen akademie academie accademia akademia klinikum",
    "krankenhaus abteilung lehrstuhl fakultat faculte facultad faculdade facolta departamento",
    "dipartimento departement katedra organisationen organizacion organizacao organizzazione",
    "gobierno governo gouvernement",
)
"""Nouns for bodies of people that are hardly ever personal names."""

WEAK_GROUP_WORDS = split_words(
    "board bank club staff house college school union church hall forum office press force",
    "service services trust fund project program programme study survey trial workshop bureau",
    "hospital clinic museum library unit section division branch lab labs chapter conference",
    "systems solutions industries international national world global european american working",
    "research writing steering executive advisory expert experts scientific medical clinical",
    "health science sciences research collective assembly league guild order party court",
    "task data centro ecole escola escuela scuola hopital ospedale clinique klinik",
    "banco banque museo musee biblioteca bibliotheque proyecto projeto projet progetto proiect",
    "company co holdings partners associates labor analysis consensus",
)
"""Nouns that are family names too, and adjectives of bodies."""

LEGAL_FORMS = split_words(
    "inc incorporated ltd limited llc llp plc pty gmbh mbh ggmbh corp sarl sagl srl kft zrt nyrt",
    "oyj aps eurl sasu pvt bhd sdn kgaa doo spzoo",
)
"""Legal forms of companies that are no initials."""

_JOINTS = split_words(
    "of the for on in and at to by with fur fuer der die das des und zur du de la le les pour et",
    "del para por y dell della delle di per e do da dos das voor van och for og och i w na dla",
)
_ARTICLES = split_words("the of for on in at to und fur fuer pour para voor dla")
"""Joints that are no particles of names, save "the", which is a Vietnamese name alone."""

_ANONYMOUS = split_words(
    "anonymous anonymus anonym anonyme anonymer anonimo anonima anonimi anonimno anonim anonymni",
    "anonyymi anonymized anonymised anon unknown unbekannt unbekannter inconnu inconnue",
    "desconocido",
    "desconhecido sconosciuto onbekend okand ukjent ukendt tuntematon nieznany neznamy ismeretlen",
    "bilinmeyen undefined unspecified unnamed unidentified undisclosed null none nil nobody",
    "others other alii aliae coauthors coworkers colleagues placeholder noname noauthor tba tbd",
    "andere autres altri otros outros anderen andra mfl dkk vd vvd mtsai",
)
_FILLERS = split_words(
    "author authors autor autoren autora autores auteur auteurs autore autori forfatter avtor name",
    "names contributor contributors reviewer reviewers referee editor person people user users",
    "individual available applicable listed given specified stated provided supplied known",
    "recorded",
    "assigned disclosed withheld missing not no and et und y e og och i en ed et the of a an more",
    "many several various further here this field value string first last middle surname forename",
    "family title empty blank nom prenom nombre apellido vorname nachname cognome nome",
    "firstname lastname givenname familyname fullname your full al n",
)
_NEGATIONS = split_words("no not non without sans sin sem ohne senza zonder bez ingen utan")
_PEOPLE = split_words(
    "author authors autor autoren autores auteur auteurs autore autori contributor contributors"
)
_FORM_LABELS = split_words(
    "firstname lastname givenname familyname fullname surname forename vorname nachname prenom",
    "apellido cognome",
)
"""Labels of input fields: "Firstname Lastname" is a template."""

_ENGLISH_ET_AL = re.compile(
    r"(?:et al|et alii|et aliae|et coll"
    r"|(?:and |& )?(?:the |\d+ |many |several )?(?:others?|more|further)"
    r"(?: (?:authors?|people|others|colleagues))?"
    r"|(?:and |& )?(?:\d+ )?(?:colleagues|co-?workers|co-?authors))"
)
_ET_AL = re.compile(
    r"(?:et|and|&|und|y|e|og|och|i|ve|en)?\s*(?:\d+\s*)?"
    r"(?:al|alii|aliae|coll|others|other|more|further|additional|colleagues|co-?workers|co-?authors"
    r"|u\s*a|m\s*fl|i\s*in|i\s*inni|dkk|vd|ark|arkadaslari|kol|mtsai|andere|autres|otros|outros"
    r"|altri|anderen|andra|andre)(?:\s+(?:others|authors|people|colleagues|contributors))*",
)
_NOT_AVAILABLE = re.compile(
    r"(?:n\s?[/.]\s?a|s\s?\.\s?n|n\s?\.\s?n|o\s?\.\s?a)\s?\.?", re.IGNORECASE
)
_MISSING_VALUES = frozenset(
    {"nan", "NaN", "NAN", "NA", "NULL", "N.N", "NN", "nn", "na", "tba", "xxx"}
)
_FOREIGN_PLACEHOLDER = re.compile(
    r"(?:匿名|佚名|无名氏|無名氏|(?:作者|著者)?(?:不[详詳明]|未[详詳知])|作者不[详詳]|等|等人|他|ほか|外|외|무명|익명|미상"
    r"|и\s?др\.?|и\s?другие|и\s?соавт\.?|та\s?ін\.?|аноним\w*|неизвест\w*|без\s?автора|автор\s?неизвест\w*"
    r"|και\s?άλλοι|ανώνυμος|مجهول|وآخرون|و\s?همکاران|ไม่ปรากฏ\w*)"
)
_FOREIGN_GROUP = re.compile(
    r"大学|大學|研究[所院室组組会會]|公司|会社|會社|委员会|委員[会會]|[协協][会會]|学[会院]|學[會院]|编辑部|編輯部|編集部|课题组|課題組"
    r"|协作组|協作組|小组|专家组|联盟|聯盟|实验室|實驗室|医院|醫院|기관|연구[소원팀회]|대학교|학회|위원회|협회|주식회사|병원"
    r"|университет|институт|комитет|ассоциаци|обществ[оа]\b|\bгруппа|коллабораци|консорциум|комисси|академи[яи]\b"
    r"|министерств|лаборатори|редакци|федераци|\bооо\b|\bоао\b|коллектив|πανεπιστήμιο|ινστιτούτο|επιτροπή|جامعة|معهد"
    r"|लिमिटेड|विश्वविद्यालय|มหาวิทยาลัย",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])")
_BRACKETS = str.maketrans("", "", '()[]{}<>"“”„«»*')
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*\.?")
_BEHALF = re.compile(
    r"\s*[,;:]?\s+(?:on\s+behalf\s+of|for\s+the|im\s+namen|au\s+nom|en\s+nombre|em\s+nome|a\s+nome)\b",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"(?=.*(?:[A-Z]{2}|\d))[A-Za-z0-9][A-Za-z0-9/+&-]{2,}")
_AND_OTHERS = re.compile(
    r"[\s,;]+(?:et\s+al\b\.?|and\s+(?:\d+\s+)?others|&\s*al\b\.?|u\.\s?a\.|и\s+др\.?)\s*\Z",
    re.IGNORECASE,
)


def strip_behalf(text: str) -> str:
    """Remove what follows a person's name: "… on behalf of the ATLAS Collaboration", "et al."."""
    if " " not in text:
        return text
    for pattern in (_BEHALF, _AND_OTHERS):
        match = pattern.search(text)
        if match and len(text[: match.start()].split()) > 1 and not _is_body(text[: match.start()]):
            text = text[: match.start()]
    return text


def classify_name(printed: str) -> NameKind | None:
    """Return the kind of an author entry that names no person; None for a person.

    >>> classify_name("GTEx Consortium")
    <NameKind.GROUP: 'group'>
    >>> classify_name("[No author name available]")
    <NameKind.PLACEHOLDER: 'placeholder'>
    >>> classify_name("William Press") is None
    True
    """
    if printed.isascii() and _is_surely_person(printed):
        return None
    return _classify_text(strip_behalf(clean_text(printed.strip()[:MAX_CHARACTERS])))


_SUSPECT = (
    GROUP_WORDS
    | WEAK_GROUP_WORDS
    | LEGAL_FORMS
    | _ANONYMOUS
    | _NEGATIONS
    | _FORM_LABELS
    | split_words("name names nan al alii aliae coll more further additional behalf for")
    | split_words("fl in inni ark arkadaslari kol andre")
)
_LATIN_WORDS = re.compile("[a-z]+")
_MAX_CODE = 4
"""Letters of the longest code for a missing value: "NULL"."""


def _is_surely_person(text: str) -> bool:
    """Whether an ASCII text has letters and none of the words that are evidence, a fast test."""
    words = _LATIN_WORDS.findall(text.lower())
    return sum(map(len, words)) > _MAX_CODE and _SUSPECT.isdisjoint(words)


@lru_cache(maxsize=1 << 12)
def _classify_text(text: str) -> NameKind | None:
    bare = _ASIDE.sub(" ", text).strip()
    if not any(map(str.isalnum, bare)):
        bare = text.translate(_BRACKETS).strip()
    if _is_placeholder(bare):
        return NameKind.PLACEHOLDER
    return NameKind.GROUP if _is_body(bare) else None


def _is_placeholder(text: str) -> bool:
    plain = text.translate(_BRACKETS).strip(" .,;:-–—_…+")
    if not any(map(str.isalpha, plain)):
        return True
    if plain in _MISSING_VALUES or _NOT_AVAILABLE.fullmatch(text.strip()):
        return True
    if _FOREIGN_PLACEHOLDER.fullmatch(plain.casefold()):
        return True
    words = [word for word in map(fold, _WORD.findall(plain)) if word]
    if not words:
        return False
    if _is_et_al(plain):
        return True
    if len(set(words)) == 1 and len(words) > 1 and words[0] in ("nan", "na") and plain.islower():
        return True
    core = [word for word in words if word in _ANONYMOUS or word in _FORM_LABELS]
    if all(word in _ANONYMOUS or word in _FILLERS or word in _FORM_LABELS for word in words):
        has_no_author = bool(_NEGATIONS.intersection(words) and _PEOPLE.intersection(words))
        is_template = len(words) > 1 and words[-1] in ("name", "names") and words[0] in _FILLERS
        return bool(core) or has_no_author or is_template
    is_negated = words[0] in _NEGATIONS and words[-1] in _PEOPLE and len(words) == 2
    return is_negated


def _is_et_al(text: str) -> bool:
    words = re.findall(r"&|[^\W_]+(?:-[^\W_]+)*", text)
    joined = " ".join(words).lower()
    if _ENGLISH_ET_AL.fullmatch(joined):
        return True
    # "E. Kol" is a person, "e kol." Czech for "et al."
    return text.islower() and not re.match(r"[^\W_]\.", text) and bool(_ET_AL.fullmatch(joined))


def _is_body(text: str) -> bool:
    if not text.isascii() and _FOREIGN_GROUP.search(text):
        return True
    head, comma, tail = text.partition(",")
    if comma and len(head.split()) > 1 and not _has_group_words(head):
        # "Ada Byron, University of London": a person with an affiliation
        words = _list_words(tail)
        return bool(words) and all(word in LEGAL_FORMS for word in words)
    return _has_group_words(text)


def _list_words(text: str) -> list[str]:
    return [word for word in map(fold, _WORD.findall(text)) if word]


def _has_group_words(text: str) -> bool:
    raw = _WORD.findall(text)
    words = [fold(word) for word in raw]
    strong = [at for at, word in enumerate(words) if word in GROUP_WORDS]
    # "Mustafa Inc" is a person
    legal = (
        len(words) > 1
        and words[-1] in LEGAL_FORMS
        and (words[-1] != "inc" or len(words) > 2 or raw[-1].endswith(".") or "," in text)
    )
    if not (strong or legal):
        weak = [at for at, word in enumerate(words) if word in WEAK_GROUP_WORDS]
        if not weak:
            return False
        if len(words) < 2 or _begins_like_a_person(raw, words):
            return False
        has_joint = any(word in _ARTICLES for word in words[1:-1]) or (
            words[0] == "the" and weak[-1] == len(words) - 1
        )
        has_acronym = any(_ACRONYM.fullmatch(word) for word in raw) and not text.isupper()
        return (len(weak) > 1 and len(words) > 2) or has_joint or has_acronym or "&" in text
    return not (
        len(words) == 2 and (_has_initials(raw) or (legal and _begins_like_a_person(raw, words)))
    )


def _has_initials(raw: list[str]) -> bool:
    """Whether a name of two words begins or ends with initials."""
    return len(fold(raw[0])) <= 1 or (len(raw[-1].rstrip(".")) <= 2 and raw[-1].isupper())


def _begins_like_a_person(raw: list[str], words: list[str]) -> bool:
    """Whether a name begins with initials or with an English given name, or ends with initials."""
    return (
        len(words[0]) <= 1
        or (len(raw) == 2 and _has_initials(raw))
        or (words[0] in get_nickname_pairs() and not _JOINTS.intersection(words[1:]))
    )
