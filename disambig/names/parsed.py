"""A printed name, normalised and divided into parts."""

from __future__ import annotations

from dataclasses import dataclass

from disambig.names.kind import NameKind
from disambig.names.lexicon import PARTICLES


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to divide a name: ``given`` and ``family`` tokens in ASCII lower case."""

    given: tuple[str, ...]
    family: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParsedName:
    """A printed name, divided and normalised.

    Every part is ASCII lower case without punctuation. Two printed forms that differ only in
    case, points, accents or hyphens have equal parts.

    Attributes
    ----------
    printed : str
        As the source shows it, unchanged.
    given : tuple of str
        Given names in order; an initial is a single letter; "Wei-Nan" is ``("wei", "nan")``.
    family_tokens : tuple of str
        Family name with its particles, divided at spaces and hyphens.
    suffix : str
        "jr", "sr", "ii", "iii", "iv" or "".
    homonym : str
        The number that a library appends to distinguish homonyms ("0003"), or "".
    nickname : tuple of str
        A name given in quotes or brackets: 'Hao (Richard) Zhang' is ``("richard",)``.
    spellings : tuple of str
        Other ASCII spellings of tokens with umlauts, as "token=spelling" ("muller=mueller").
    alternatives : tuple of Reading
        Other plausible divisions: family name first, or a family name of two words.
    is_stated : bool
        Whether the source itself divided the name into given and family.
    abbreviated : frozenset of str
        Given names that are abbreviated to several letters: "Yu. A. Gagarin" is ``{"yu"}``.
    kind : NameKind or None
        Set if the entry names no person; all parts are then empty.
    """

    printed: str
    given: tuple[str, ...] = ()
    family_tokens: tuple[str, ...] = ()
    suffix: str = ""
    homonym: str = ""
    nickname: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    alternatives: tuple[Reading, ...] = ()
    is_stated: bool = False
    abbreviated: frozenset[str] = frozenset()
    kind: NameKind | None = None

    @property
    def given_joined(self) -> str:
        """Given names without divisions: "Wei-Nan", "Wei Nan" and "Weinan" are all "weinan"."""
        return "".join(self.given)

    @property
    def family(self) -> str:
        """Family name with particles, without spaces: "van der Berg" is "vanderberg"."""
        return "".join(self.family_tokens)

    @property
    def is_single(self) -> bool:
        """Whether the name is one word, so that given and family name cannot be distinguished."""
        return not self.given or not self.family_tokens

    @property
    def full(self) -> str:
        """The whole normalised name, for equality, such as "j l pons jr"."""
        return " ".join((*self.given, self.family, self.suffix)).strip()


def drop_particles(family: tuple[str, ...]) -> tuple[str, ...]:
    """Drop leading particles, keeping at least the last token."""
    start = 0
    while start < len(family) - 1 and family[start] in PARTICLES:
        start += 1
    return family[start:]
