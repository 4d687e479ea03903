"""Examples of the OpenAPI document for writes; a test holds each to its schema."""

from __future__ import annotations

from typing import Any

from service.api.examples import AT, ID, OTHER

RUN_ID = "r-7h2k9p0x4c1m"
KEY_ID = "k-3k9x0f7q2m1b"
TASK_ID = "t-5w0d8n2y6r3a"
REQUEST = "5f0c9a1e2b3d4c5f"

KEY: dict[str, Any] = {
    "id": KEY_ID, "name": "nightly import", "role": "editor", "state": "active",
    "per_minute": None, "created_at": AT, "expires_at": "2026-03-01T00:00:00+00:00",
    "revoked_at": None, "used_at": None,
}  # fmt: skip
REVOKED_KEY = {**KEY, "state": "revoked", "revoked_at": AT}
NEW_KEY = {
    "name": "nightly import", "role": "editor", "expires_at": "2026-03-01T00:00:00Z",
}  # fmt: skip
SHOWN_KEY = {**KEY, "key": f"{KEY_ID}.Zr0c…(43 characters)"}
KEYS = {"items": [KEY]}

SUMMARY = {"created": 12, "merged": 3, "split": 1, "moved": 40, "mentions": 96}
RUN: dict[str, Any] = {
    "id": RUN_ID, "state": "running", "scope": "full", "actor": f"key:{KEY_ID}",
    "reason": "monthly", "model": "disambig 1", "based_on": 140_212, "rebases": 0,
    "created_at": AT, "started_at": AT, "ended_at": None, "attempts": 1, "stage": "Comparing",
    "done": 120_000, "total": 368_238, "error": None, "summary": None, "event_seq": None,
    "claimed_by": "host:4711", "heartbeat_at": AT,
}  # fmt: skip
QUEUED: dict[str, Any] = {
    **RUN, "state": "queued", "started_at": None, "attempts": 0, "stage": None, "done": 0,
    "total": None, "claimed_by": None, "heartbeat_at": None, "model": None, "based_on": None,
}  # fmt: skip
PROPOSED: dict[str, Any] = {
    **RUN, "state": "proposed", "ended_at": AT, "stage": None, "summary": SUMMARY,
    "claimed_by": None,
}  # fmt: skip
PUBLISHED: dict[str, Any] = {**PROPOSED, "state": "published", "event_seq": 140_230}
RUNS = {"items": [RUN], "next": None}
NEW_RUN = {"scope": "full", "reason": "monthly"}
DIFFERENCES: dict[str, Any] = {
    "items": [
        {
            "rank": 0, "kind": "merge", "mentions": 14, "identity": ID,
            "details": {"from": [{"identity": OTHER, "mentions": 14}]},
        }
    ],
    "next": None,
    "summary": SUMMARY,
}  # fmt: skip

TASK: dict[str, Any] = {
    "id": TASK_ID, "kind": "assign", "state": "open", "subject": "10.1000/182:2",
    "name": "Wei Wang", "mentions": 1, "priority": 0.42,
    "evidence": {"work": "10.1000/182", "position": 2, "rivals": [{"identity": ID, "p": 0.61}]},
    "created_at": AT, "created_seq": 141_020, "closed_by": None, "closed_at": None,
    "reason": None,
}  # fmt: skip
TASKS = {"items": [TASK], "next": None}
CLOSED_TASK = {
    **TASK, "state": "closed", "closed_by": f"key:{KEY_ID}", "closed_at": AT,
    "reason": "cannot be told from the paper",
}  # fmt: skip

EVENT: dict[str, Any] = {
    "seq": 141_020, "kind": "merge", "at": AT, "actor": f"key:{KEY_ID}", "request": REQUEST,
    "subject": "d-8m1x4v7c0k2q", "reason": "same home page", "before": None,
    "after": {"into": ID, "merged": [OTHER]},
}  # fmt: skip
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
