"""Get or create the keys of exact-name clusters and blocks, in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import InstrumentedAttribute

from disambig.domain import Author
from service.db.bulk import is_in
from service.db.database import allocate_keys, insert_rows
from service.db.tables import Block, Name, NameWord
from service.text import split_search_words
from service.works.versions import NameForms, derive_name_forms


class KeyCache:
    """Keys that one writer caches between transactions.

    It may hold keys of an uncommitted transaction: discard it when the transaction fails.

    Attributes
    ----------
    names, blocks : dict of str to int
        Keys by folded name, and by block text.
    name_forms : dict
        Name forms by printed name and stated parts.
    """

    def __init__(self, limit: int = 400_000) -> None:
        """Create an empty cache; ``limit`` is the most entries of each table after a trim."""
        self.names: dict[str, int] = {}
        self.blocks: dict[str, int] = {}
        self.name_forms: dict[tuple[str, str | None, str | None], NameForms] = {}
        self._limit = limit

    def trim(self) -> None:
        """Clear each table above the limit; call it between batches of works."""
        for table in (self.names, self.blocks, self.name_forms):
            if len(table) > self._limit:
                table.clear()

    def get_name_forms(self, author: Author) -> NameForms:
        """Return the forms of an author's name, derived once."""
        name_parts = (author.name, author.given, author.family)
        forms = self.name_forms.get(name_parts)
        if forms is None:
            forms = self.name_forms[name_parts] = derive_name_forms(author)
        return forms


def ensure_name_keys(
    connection: Connection, cache: KeyCache, name_forms: Iterable[NameForms]
) -> dict[str, int]:
    """Return keys of exact-name clusters by folded name; insert new clusters.

    Call it in a write that holds the event log. Words of new names are indexed for search.
    """
    printed: dict[str, str] = {}
    for forms in name_forms:
        printed.setdefault(forms.folded, forms.printed)
    known_keys = _find_keys(connection, Name.folded, Name.key, printed, cache.names)
    new_names = [folded for folded in printed if folded not in known_keys]
    new_keys = dict(zip(new_names, allocate_keys(connection, Name, len(new_names)), strict=True))
    insert_rows(
        connection,
        Name,
        ("key", "folded", "printed"),
        [(key, folded, printed[folded]) for folded, key in new_keys.items()],
    )
    insert_rows(
        connection,
        NameWord,
        ("word", "name_key"),
        sorted(
            (word, key)
            for name, key in new_keys.items()
            for word in split_search_words(printed[name])
        ),
    )
    cache.names.update(new_keys)
    return known_keys | new_keys


def touch_blocks(
    connection: Connection,
    cache: KeyCache,
    texts: Iterable[str],
    other_keys: Collection[int],
    seq: int,
) -> dict[str, int]:
    """Return keys of blocks by text; insert new blocks, and touch all of them.

    ``other_keys`` are further blocks to touch; ``seq`` is the sequence number of the event.
    """
    unique_texts = sorted(set(texts))
    known_keys = _find_keys(connection, Block.text, Block.key, unique_texts, cache.blocks)
    touched_keys = sorted({*known_keys.values(), *other_keys})
    if touched_keys:
        connection.execute(
            update(Block).where(is_in(connection, Block.key, touched_keys)).values(touched=seq)
        )
    new_texts = [text for text in unique_texts if text not in known_keys]
    new_keys = dict(zip(new_texts, allocate_keys(connection, Block, len(new_texts)), strict=True))
    insert_rows(
        connection,
        Block,
        ("key", "text", "touched"),
        [(key, text, seq) for text, key in new_keys.items()],
    )
    cache.blocks.update(new_keys)
    return known_keys | new_keys


def _find_keys(
    connection: Connection,
    column: InstrumentedAttribute[str],
    key: InstrumentedAttribute[int],
    texts: Iterable[str],
    cached_keys: dict[str, int],
) -> dict[str, int]:
    keys = {text: known for text in texts if (known := cached_keys.get(text)) is not None}
    missing_texts = [text for text in texts if text not in keys]
    if missing_texts:
        rows = connection.execute(
            select(column, key).where(is_in(connection, column, missing_texts))
        )
        keys.update((text, known) for text, known in rows)
        cached_keys.update(keys)
    return keys
