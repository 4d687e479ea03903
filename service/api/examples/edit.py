"""Examples of writes for the OpenAPI document; a test validates each against its schema."""

from __future__ import annotations

from typing import Any

from service.api.examples.read import AT, ID, OTHER

RUN_ID = "r-7h2k9p0x4c1m"
KEY_ID = "k-3k9x0f7q2m1b"
TASK_ID = "t-5w0d8n2y6r3a"
REQUEST = "5f0c9a1e2b3d4c5f"

KEY: dict[str, Any] = {
    "id": KEY_ID,
    "name": "nightly import",
    "role": "editor",
    "state": "active",
    "per_minute": None,
    "created_at": AT,
    "expires_at": "2026-03-01T00:00:00+00:00",
    "revoked_at": None,
    "used_at": None,
}
REVOKED_KEY = {**KEY, "state": "revoked", "revoked_at": AT}
NEW_KEY = {"name": "nightly import", "role": "editor", "expires_at": "2026-03-01T00:00:00Z"}
KEY_WITH_SECRET = {**KEY, "key": f"{KEY_ID}.Zr0c…(43 characters)"}
KEYS = {"items": [KEY]}

SUMMARY: dict[str, Any] = {
    "works": 95_465,
    "mentions": 368_238,
    "groups": 121_310,
    "created": 12,
    "merged": 3,
    "split": 1,
    "moves": 4,
    "kept": 57,
    "grown": 50,
    "decisions": 1,
    "mentions_new": 56,
    "mentions_moved": 40,
    "mentions_beside": 0,
    "mentions_following": 0,
    "mentions_apart": 0,
    "whole": True,
    "problems": [],
    "n_problems": 0,
}
RUN: dict[str, Any] = {
    "id": RUN_ID,
    "state": "running",
    "scope": "full",
    "actor": f"key:{KEY_ID}",
    "reason": "monthly",
    "model": "disambig 1",
    "based_on": 140_212,
    "rebases": 0,
    "created_at": AT,
    "started_at": AT,
    "ended_at": None,
    "attempts": 1,
    "stage": "Comparing",
    "done": 120_000,
    "total": 368_238,
    "error": None,
    "summary": None,
    "event_seq": None,
    "claimed_by": "host:4711",
    "heartbeat_at": AT,
}
QUEUED: dict[str, Any] = {
    **RUN,
    "state": "queued",
    "started_at": None,
    "attempts": 0,
    "stage": None,
    "done": 0,
    "total": None,
    "claimed_by": None,
    "heartbeat_at": None,
    "model": None,
    "based_on": None,
}
CANCELLED: dict[str, Any] = {**QUEUED, "state": "cancelled", "ended_at": AT}
REBASED: dict[str, Any] = {**QUEUED, "rebases": 1, "started_at": AT, "summary": SUMMARY}
PUBLICATION: dict[str, Any] = {
    "event": 140_230,
    "run": RUN_ID,
    "mentions": 368_238,
    "moved": 96,
    "created": 12,
    "revived": 0,
    "merged": 3,
    "split": 1,
    "changed": 57,
    "questions": 4,
    "blind": ["t-3k9x0f7q2m1b"],
}
ROLLBACK: dict[str, Any] = {
    "event": 140_994,
    "run": RUN_ID,
    "moved": 96,
    "created": 0,
    "revived": 3,
    "merged": 12,
    "split": 0,
    "changed": 57,
}
RUNS = {"items": [RUN], "next": None}
NEW_RUN = {"scope": "full", "reason": "monthly"}
DIFFERENCES: dict[str, Any] = {
    "items": [
        {
            "rank": 0,
            "kind": "merge",
            "mentions": 14,
            "identity": OTHER,
            "text": f"merges into {ID} Wei Wang; its id redirects there",
            "details": {
                "name": "W. Wang",
                "stays": 0,
                "following": 0,
                "others": [{"identity": ID, "name": "Wei Wang", "mentions": 14}],
            },
        }
    ],
    "next": None,
    "summary": SUMMARY,
}

EVENT: dict[str, Any] = {
    "seq": 141_020,
    "kind": "decision-made",
    "at": AT,
    "actor": f"key:{KEY_ID}",
    "request": REQUEST,
    "subject": "d-8m1x4v7c0k2q",
    "reason": "same home page",
    "before": {"versions": {ID: 140_230, OTHER: 139_801}},
    "after": {"kind": "same", "action": "merge", "identities": [ID, OTHER]},
}
EVENTS = {"items": [EVENT], "next": None}
EVENT_DETAILS: dict[str, Any] = {
    **EVENT,
    "identities": [
        {
            "id": OTHER,
            "before": {"status": "active", "name": "W. Wang", "redirect": None},
            "after": {"status": "redirected", "name": "W. Wang", "redirect": ID},
        }
    ],
    "n_identities": 1,
    "mentions": [{"work": "10.1000/182", "position": 2, "before": OTHER, "after": ID}],
    "n_mentions": 1,
}

WORK: dict[str, Any] = {
    "id": "10.1000/182",
    "title": "Grasping with a soft gripper",
    "year": 2024,
    "venue": "Robotics: Science and Systems",
    "authors": [
        {"name": "Ada Byron", "affiliation": "Example University"},
        {"name": "Wei Wang", "orcid": "0000-0002-1825-0097"},
    ],
}
WORKS_NDJSON = (
    '{"id": "10.1000/182", "title": "Grasping with a soft gripper", "authors": '
    '[{"name": "Ada Byron"}, {"name": "Wei Wang"}]}\n'
    '{"id": "10.1000/183", "title": "Locomotion", "authors": [{"name": "Ada Byron"}]}\n'
)
PLACEMENTS: list[dict[str, Any]] = [
    {
        "position": 0,
        "name": "Ada Byron",
        "verdict": "matched",
        "identity": ID,
        "probability": 0.993,
        "reasons": ["for: two co-authors in common"],
        "rivals": [],
        "task": None,
    },
    {
        "position": 1,
        "name": "Wei Wang",
        "verdict": "unsure",
        "identity": None,
        "probability": 0.61,
        "reasons": [],
        "rivals": [
            {
                "identity": OTHER,
                "name": "Wei Wang",
                "works": 31,
                "probability": 0.61,
                "reasons": ["for: same venue", "against: other affiliation"],
            }
        ],
        "task": TASK_ID,
    },
]
INTAKE: dict[str, Any] = {
    "counts": {"created": 1, "changed": 0, "unchanged": 0, "rejected": 1},
    "mentions": {"matched": 1, "new": 0, "unsure": 1, "known": 0, "later": 0},
    "rows": [
        {
            "line": 1,
            "id": "10.1000/182",
            "outcome": "created",
            "version": 1,
            "placements": PLACEMENTS,
            "repairs": [],
            "error": None,
        },
        {
            "line": 2,
            "id": "10.1000/183",
            "outcome": "rejected",
            "version": None,
            "placements": None,
            "repairs": [],
            "error": {
                "field": "title",
                "problem": "is missing",
                "remedy": "give the work its title",
            },
        },
    ],
}
DRY_RUN: dict[str, Any] = {
    "rows": [{"line": 1, "id": "10.1000/182", "placements": PLACEMENTS, "error": None}]
}

DECISION_ID = "d-8m1x4v7c0k2q"
MENTION = {"work": "10.1000/182", "position": 1}
OTHER_MENTION = {"work": "10.1000/183", "position": 0}
MERGE: dict[str, Any] = {
    "identities": [ID, OTHER],
    "into": ID,
    "versions": {ID: 140_230, OTHER: 139_801},
    "reason": "same home page",
}
SPLIT: dict[str, Any] = {
    "identity": ID,
    "groups": [[MENTION, OTHER_MENTION]],
    "versions": {ID: 140_230},
    "reason": "a chemist of the same name",
}
MOVE: dict[str, Any] = {
    "mentions": [MENTION],
    "to": OTHER,
    "versions": {OTHER: 139_801},
    "reason": "affiliation on the paper",
}
JUDGEMENT: dict[str, Any] = {
    "kind": "same",
    "a": MENTION,
    "b": OTHER_MENTION,
    "reason": "same e-mail address",
}
BULK_NDJSON = (
    '{"kind": "same", "a": {"work": "10.1000/182", "position": 1}, '
    '"b": {"work": "10.1000/183", "position": 0}}\n'
    '{"kind": "different", "a": {"work": "10.1000/182", "position": 1}, '
    '"b": {"work": "10.1000/190", "position": 2}, "reason": "chemist"}\n'
)
DECISION_RESULT: dict[str, Any] = {
    "decision": DECISION_ID,
    "event": 141_020,
    "identities": [{"id": ID, "version": 141_020}, {"id": OTHER, "version": 141_020}],
    "created": [],
}
DECISION: dict[str, Any] = {
    "id": DECISION_ID,
    "kind": "same",
    "action": "merge",
    "actor": f"key:{KEY_ID}",
    "at": AT,
    "reason": "same home page",
    "evidence": None,
    "event_seq": 141_020,
    "undone_seq": None,
    "undone_by": None,
    "undone_at": None,
}
DECISIONS = {"items": [DECISION], "next": None}
DECISION_DETAILS: dict[str, Any] = {
    **DECISION,
    "links": [{"kind": "must", "a": MENTION, "b": OTHER_MENTION}],
    "n_links": 1,
}
BULK: dict[str, Any] = {
    "applied": [{"line": 1, **DECISION_RESULT}],
    "refused": [
        {
            "line": 2,
            "status": 409,
            "title": "Conflict",
            "detail": "this contradicts earlier decisions: 10.1000/182:1 and 10.1000/190:2 are "
            "the same person (d-8m1x4v7c0k2q), but 10.1000/182:1 and 10.1000/190:2 are "
            "different persons (this decision)",
            "remedy": "undo one of them, or decide differently",
            "field": None,
            "details": {"decisions": [DECISION_ID]},
        }
    ],
}
NEW_EXTERNAL_ID = {
    "scheme": "orcid",
    "value": "https://orcid.org/0000-0002-1825-0097",
    "source": "home page",
}
EXTERNAL_ID = {
    "identity": ID,
    "scheme": "orcid",
    "value": "0000-0002-1825-0097",
    "version": 141_020,
}
