"""Decode printed text that a source encoded: HTML entities, TeX, and UTF-8 read as Windows-1252.

Only what is certain is decoded: an entity that exists, TeX whose every command is known, mojibake
that ftfy reads as UTF-8. Everything else stays as it is.
"""

from __future__ import annotations

import html
import re
from functools import cache, lru_cache
from typing import Any

_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_MAX_ESCAPES = 3  # "&amp;amp;eacute;" is in the wild, deeper is not

_TEX_COMMAND = re.compile(r"\\(?:([A-Za-z]+)\*?|([^A-Za-z\s]))")
_TEX_NOTE = re.compile(
    r"\\(?:thanks|footnote(?:mark)?|inst|orcid\w*)\b(?:\[[^\]]*\])?(?:\{[^{}]*\})?"
)
_TEX_BREAK = re.compile(
    r"\\\\(?:\[[^\]]*\])?|\\(?:newline|q?quad|hfill|hspace\{[^{}]*\}|[ ,;:!]|"
    r"it|bf|em|sc|rm|sl|tt|sf)(?![A-Za-z])\s*"
)
_TEX_AND = re.compile(r"\\and(?![A-Za-z])", re.IGNORECASE)
_FORMULA = re.compile(r"\$[^$]*\$")
_TEX_ACTIVE = re.compile(r"(?<!\\)([%&#])")
_BRACED = re.compile(r"(?<![\^_])\{([^{}$]*)\}")

# the first character of UTF-8 read as Windows-1252 or Latin-1, and any of those that follow
_MOJIBAKE = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]"
)


def decode_text(text: str) -> tuple[str, tuple[str, ...]]:
    """Decode entities, TeX and mojibake of one field.

    Returns
    -------
    text : str
    problems : tuple of str
        What was decoded: "HTML entities", "TeX", "UTF-8 read as another encoding"; empty if
        ``text`` is unchanged.
    """
    if is_decoded(text):
        return text, ()
    return _decode(text)


def is_decoded(text: str) -> bool:
    """Return whether :func:`decode_text` certainly leaves a text unchanged; cheap."""
    if "&" in text or "\\" in text or "{" in text:
        return False
    return text.isascii() or not _MOJIBAKE.search(text)


@lru_cache(maxsize=8192)
def _decode(text: str) -> tuple[str, tuple[str, ...]]:
    # mojibake first: it needs the control characters that later steps remove, and entities
    # and TeX are ASCII, which survives it
    steps = (
        ("UTF-8 read as another encoding", decode_mojibake),
        ("HTML entities", decode_entities),
        ("TeX", decode_tex),
        ("UTF-8 read as another encoding", decode_mojibake),
    )
    problems = []
    for problem, decode in steps:
        decoded = decode(text)
        if decoded != text:
            problems.append(problem)
            text = decoded
    return text, tuple(dict.fromkeys(problems))


def decode_entities(text: str) -> str:
    """Replace HTML entities by their characters, also where they were escaped repeatedly.

    >>> decode_entities("M&amp;uuml;ller &amp; S&#246;hne")
    'Müller & Söhne'
    """
    for _ in range(_MAX_ESCAPES):
        decoded = _ENTITY.sub(_decode_entity, text) if "&" in text else text
        if decoded == text:
            break
        text = decoded
    return text


def _decode_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def decode_tex(text: str) -> str:
    r"""Replace TeX accents, letters, font commands and braces by plain text; formulas stay.

    A text with an unknown command is left as it is: it may be no TeX ("C:\\temp").

    >>> decode_tex(r"Erd{\\H o}s and Fran{\\c{c}}ois")
    'Erdős and François'
    """
    if "\\" in text:
        plain = _TEX_AND.sub(" and ", _TEX_BREAK.sub(" ", _TEX_NOTE.sub("", text)))
        if not _are_commands_known(plain):
            return text
        plain = _get_tex_converter().latex_to_text(_TEX_ACTIVE.sub(r"\\\1", plain))
        return " ".join(str(plain).split())
    while "{" in text:
        plain = _BRACED.sub(r"\1", text)
        if plain == text:
            break
        text = plain
    return text


def _are_commands_known(text: str) -> bool:
    context = _get_tex_context()
    commands = _TEX_COMMAND.findall(_FORMULA.sub("", text))
    return all(context.get_macro_spec(word or sign) is not None for word, sign in commands)


@cache
def _get_tex_context() -> Any:
    from pylatexenc.latex2text import get_default_latex_context_db

    context = get_default_latex_context_db()
    # without a specification of its own an unknown command is dropped silently
    context.set_unknown_macro_spec(None)
    return context


@cache
def _get_tex_converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="verbatim", keep_comments=True)


def decode_mojibake(text: str) -> str:
    """Restore UTF-8 that was read as Windows-1252 or Latin-1, once or repeatedly, with ftfy.

    >>> decode_mojibake("DvoÅ™Ã¡k")
    'Dvořák'
    """
    if text.isascii() or not _MOJIBAKE.search(text):
        return text
    from ftfy import fix_encoding

    return fix_encoding(text)
