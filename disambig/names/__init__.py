"""Personal names: parsing, block keys, and vectorised comparison.

A *printed name* (a ``str``) is what a source shows; a :class:`ParsedName` is what it says once
normalised. Neither is a person.
"""

from disambig.names.compare import compare_names, is_compatible, are_compatible
from disambig.names.keys import make_block_keys, make_order_free_key
from disambig.names.parse import parse_name
from disambig.names.parsed import ParsedName, Reading
from disambig.names.relations import FamilyRelation, GivenRelation
from disambig.names.table import NameTable

__all__ = [
    "FamilyRelation",
    "GivenRelation",
    "NameTable",
    "ParsedName",
    "Reading",
    "make_block_keys",
    "compare_names",
    "is_compatible",
    "are_compatible",
    "make_order_free_key",
    "parse_name",
]
