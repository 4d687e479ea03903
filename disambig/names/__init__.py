"""Personal names: parsing, block keys, and vectorised comparison.

A *printed name* (a ``str``) is what a source shows; a :class:`ParsedName` is what it says once
normalised. Neither is a person.
"""

from disambig.names.compare import compare, compatible, compatible_pairs
from disambig.names.keys import block_keys, order_free_key
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
    "block_keys",
    "compare",
    "compatible",
    "compatible_pairs",
    "order_free_key",
    "parse_name",
]
