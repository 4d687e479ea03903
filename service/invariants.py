"""What is always true of a database between two transactions, as queries that find exceptions.

Each query gives what breaks it: no row means all is well. They read everything, so they are for
``disambig db check`` and for tests, not for each request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from service.database import Database

SHOWN = 3
"""Examples given of what breaks an invariant."""

INVARIANTS: dict[str, str] = {
    "a mention is published under an active identity": """
        SELECT m.signature_key FROM membership m JOIN identity i ON i.key = m.identity_key
        WHERE i.status <> 'active'""",
    "a mention that is no more is published nowhere": """
        SELECT m.signature_key FROM membership m JOIN signature s ON s.key = m.signature_key
        WHERE s.retired_version IS NOT NULL""",
    "an active identity has mentions": """
        SELECT i.id FROM identity i LEFT JOIN membership m ON m.identity_key = i.key
        WHERE i.status = 'active' AND m.signature_key IS NULL""",
    "an identity counts its works": """
        SELECT i.id FROM identity i LEFT JOIN (
            SELECT m.identity_key, count(DISTINCT s.work_key) AS n
            FROM membership m JOIN signature s ON s.key = m.signature_key GROUP BY m.identity_key
        ) f ON f.identity_key = i.key
        WHERE i.status = 'active' AND i.n_works <> coalesce(f.n, 0)""",
    "a redirect leads to an active identity or to one that was split": """
        SELECT i.id FROM identity i JOIN identity t ON t.key = i.redirect_key
        WHERE t.status = 'redirected' OR t.key = i.key""",
    "the history of a mention ends where it is published": """
        SELECT v.signature_key FROM move v JOIN (
            SELECT signature_key, max(event_seq) AS seq FROM move GROUP BY signature_key
        ) last ON last.signature_key = v.signature_key AND last.seq = v.event_seq
        LEFT JOIN membership m ON m.signature_key = v.signature_key
        WHERE coalesce(m.identity_key, -1) <> coalesce(v.to_identity, -1)""",
    "a published mention has a history": """
        SELECT m.signature_key FROM membership m LEFT JOIN move v
        ON v.signature_key = m.signature_key AND v.event_seq = m.since
        WHERE v.signature_key IS NULL""",
    "no number is above the last one given out": """
        SELECT n FROM (SELECT max(seq) AS n FROM event UNION ALL SELECT max(seq) FROM change
            UNION ALL SELECT max(version) FROM identity) numbers
        WHERE n > (SELECT sequence FROM state)""",
    "a number is given out once": """
        SELECT e.seq FROM event e JOIN change c ON c.seq = e.seq""",
    "the publication is that of a published run": """
        SELECT s.publication_run FROM state s LEFT JOIN run r ON r.key = s.publication_run
        WHERE s.publication_run IS NOT NULL AND coalesce(r.state, '') <> 'published'""",
    "a published run has its event": """
        SELECT r.id FROM run r LEFT JOIN event e ON e.seq = r.event_seq
        WHERE r.state = 'published' AND e.seq IS NULL""",
    "a proposal is complete": """
        SELECT r.id FROM run r WHERE r.state = 'proposed' AND EXISTS (
            SELECT 1 FROM proposal p LEFT JOIN proposal_group g
            ON g.run_key = p.run_key AND g.cluster = p.cluster
            WHERE p.run_key = r.key AND g.cluster IS NULL)""",
    "a running run is held by a worker": """
        SELECT id FROM run
        WHERE state = 'running' AND (claimed_by IS NULL OR heartbeat_at IS NULL)""",
    "a work has its current version": """
        SELECT w.id FROM work w LEFT JOIN work_version v
        ON v.work_key = w.key AND v.version = w.version WHERE v.work_key IS NULL""",
    "a decision has its event": """
        SELECT d.id FROM decision d LEFT JOIN event e ON e.seq = d.event_seq
        WHERE e.seq IS NULL""",
    "an answer that is kept is whole": """
        SELECT token FROM idempotency WHERE (status IS NULL) <> (body IS NULL)""",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, how often, and some examples."""

    invariant: str
    n: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        """One line."""
        more = ", …" if self.n > len(self.examples) else ""
        return f"not so: {self.invariant} ({self.n:,}: {', '.join(self.examples)}{more})"


def violations(
    database: Database, advance: Callable[[int], None] = lambda n: None
) -> list[Violation]:
    """Everything that does not hold, in one state of the database; none if all is well.

    Raises
    ------
    Unavailable
        If the database cannot be read.
    """
    found = []
    with database.read() as connection:
        if database.is_sqlite:
            told = connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
            if told != ["ok"]:
                found.append(Violation("the file is whole", len(told), tuple(map(str, told))))
        for name, query in INVARIANTS.items():
            rows = connection.execute(text(query)).scalars().all()
            if rows:
                found.append(Violation(name, len(rows), tuple(map(str, rows[:SHOWN]))))
            advance(1)
    return found
