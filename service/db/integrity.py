"""Integrity checks of the database: invariants as queries that return violations.

Each query returns the violating rows; no row means that the invariant holds. The queries read all
rows, so they serve ``disambig db check`` and tests, not requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from service.db.database import Database

MAX_EXAMPLES = 3
"""Examples listed of the violations of an invariant."""

INVARIANTS: dict[str, str] = {
    "a mention is published under an active identity": """
        SELECT m.signature_key FROM membership m JOIN identity i ON i.key = m.identity_key
        WHERE i.status <> 'active'""",
    "a retired mention has no identity": """
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
    "no sequence number exceeds the last one allocated": """
        SELECT n FROM (SELECT max(seq) AS n FROM event UNION ALL SELECT max(seq) FROM change
            UNION ALL SELECT max(version) FROM identity) numbers
        WHERE n > (SELECT sequence FROM state)""",
    "a sequence number is allocated once": """
        SELECT e.seq FROM event e JOIN change c ON c.seq = e.seq""",
    "the current publication belongs to a published run": """
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
    "a running run is claimed by a worker": """
        SELECT id FROM run
        WHERE state = 'running' AND (claimed_by IS NULL OR heartbeat_at IS NULL)""",
    "a work has its current version": """
        SELECT w.id FROM work w LEFT JOIN work_version v
        ON v.work_key = w.key AND v.version = w.version WHERE v.work_key IS NULL""",
    "a decision has its event": """
        SELECT d.id FROM decision d LEFT JOIN event e ON e.seq = d.event_seq
        WHERE e.seq IS NULL""",
    "a stored response is complete": """
        SELECT token FROM idempotency WHERE (status IS NULL) <> (body IS NULL)""",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A violated invariant, with the number of violations and some examples."""

    invariant: str
    n: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        """Format as one line."""
        more = ", …" if self.n > len(self.examples) else ""
        return f"violated: {self.invariant} ({self.n:,}: {', '.join(self.examples)}{more})"


def find_violations(
    database: Database, advance: Callable[[int], None] = lambda n: None
) -> list[Violation]:
    """Check all invariants on one snapshot of the database and list the violations.

    Raises
    ------
    Unavailable
        The database cannot be read.
    """
    violations = []
    with database.read() as connection:
        if database.is_sqlite:
            messages = connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
            if messages != ["ok"]:
                violations.append(
                    Violation("the file is intact", len(messages), tuple(map(str, messages)))
                )
        for name, query in INVARIANTS.items():
            rows = connection.execute(text(query)).scalars().all()
            if rows:
                violations.append(Violation(name, len(rows), tuple(map(str, rows[:MAX_EXAMPLES]))))
            advance(1)
    return violations
