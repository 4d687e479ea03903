"""Keys of exact-name clusters and blocks, made where there are none yet; many at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import InstrumentedAttribute

from disambig.domain import Author
from service.database import insert_rows, take_keys
from service.mentions import Spelling, spelling
from service.names import search_words
from service.sets import among
from service.tables import Block, Name, NameWord


class Lookup:
    """What one writer remembers between transactions, so that it need not ask again.

    It may hold keys of a transaction that is not committed: throw it away when that fails.

    Attributes
    ----------
    names, blocks : dict of str to int
        Keys by folded name, and by text.
    spellings : dict
        By printed name and stated parts.
    """

    def __init__(self, limit: int = 400_000) -> None:
        """Each table forgets all once it holds more than ``limit`` entries."""
        self.names: dict[str, int] = {}
        self.blocks: dict[str, int] = {}
        self.spellings: dict[tuple[str, str | None, str | None], Spelling] = {}
        self._limit = limit

    def trim(self) -> None:
        """Keep memory within bounds; call it between batches of works."""
        for table in (self.names, self.blocks, self.spellings):
            if len(table) > self._limit:
                table.clear()

    def spelling(self, author: Author) -> Spelling:
        """How an author's name is spelt and filed; worked out once."""
        stated = (author.name, author.given, author.family)
        found = self.spellings.get(stated)
        if found is None:
            found = self.spellings[stated] = spelling(author)
        return found


def name_keys(
    connection: Connection, lookup: Lookup, spellings: Iterable[Spelling]
) -> dict[str, int]:
    """Keys of exact-name clusters by folded name; new ones are inserted.

    Call it in a write that holds the ledger. What is new can be searched for by its words.
    """
    printed: dict[str, str] = {}
    for spelt in spellings:
        printed.setdefault(spelt.folded, spelt.printed)
    found = _keys_of(connection, Name.folded, Name.key, printed, lookup.names)
    new = [folded for folded in printed if folded not in found]
    keys = dict(zip(new, take_keys(connection, Name, len(new)), strict=True))
    insert_rows(
        connection,
        Name,
        ("key", "folded", "printed"),
        [(key, folded, printed[folded]) for folded, key in keys.items()],
    )
    insert_rows(
        connection,
        NameWord,
        ("word", "name_key"),
        sorted((word, key) for name, key in keys.items() for word in search_words(printed[name])),
    )
    lookup.names.update(keys)
    return found | keys


def touch_blocks(
    connection: Connection, lookup: Lookup, texts: Iterable[str], more: Collection[int], seq: int
) -> dict[str, int]:
    """Keys of blocks by text, inserted where new; all of them are touched.

    ``more`` are keys of other blocks to touch; ``seq`` is the number of the event that does it.
    """
    wanted = sorted(set(texts))
    found = _keys_of(connection, Block.text, Block.key, wanted, lookup.blocks)
    there = sorted({*found.values(), *more})
    if there:
        connection.execute(
            update(Block).where(among(connection, Block.key, there)).values(touched=seq)
        )
    new = [text for text in wanted if text not in found]
    keys = dict(zip(new, take_keys(connection, Block, len(new)), strict=True))
    insert_rows(
        connection,
        Block,
        ("key", "text", "touched"),
        [(key, text, seq) for text, key in keys.items()],
    )
    lookup.blocks.update(keys)
    return found | keys


def _keys_of(
    connection: Connection,
    column: InstrumentedAttribute[str],
    key: InstrumentedAttribute[int],
    texts: Iterable[str],
    remembered: dict[str, int],
) -> dict[str, int]:
    found = {text: known for text in texts if (known := remembered.get(text)) is not None}
    asked = [text for text in texts if text not in found]
    if asked:
        rows = connection.execute(select(column, key).where(among(connection, column, asked)))
        found.update((text, known) for text, known in rows)
        remembered.update(found)
    return found
