"""Personal names: parsing, block keys, and vectorised comparison.

A *printed name* (a ``str``) is the name that a source shows; a :class:`ParsedName` is the same
name divided and normalised. Neither is a person.
"""

from disambig.names.compare import are_compatible, compare_names, is_compatible
from disambig.names.keys import make_block_keys, make_loose_keys
from disambig.names.kind import NameKind, classify_name
from disambig.names.parse import parse_name
from disambig.names.parsed import ParsedName, Reading
from disambig.names.relations import FamilyRelation, GivenRelation
from disambig.names.table import NameTable

__all__ = [
    "FamilyRelation",
    "GivenRelation",
    "NameKind",
    "NameTable",
    "ParsedName",
    "Reading",
    "are_compatible",
    "classify_name",
    "compare_names",
    "is_compatible",
    "make_block_keys",
    "make_loose_keys",
    "parse_name",
]
