"""Examples of review operations for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from service.api.examples.edit import DECISION_RESULT, KEY_ID, TASK_ID
from service.api.examples.read import AT, ID, OTHER

REVIEWER = f"key:{KEY_ID}"

TASK: dict[str, Any] = {
    "id": TASK_ID,
    "kind": "merge",
    "state": "open",
    "subject": f"{ID}+{OTHER}",
    "name": "Wei Wang",
    "mentions": 23,
    "priority": 1.84,
    "evidence": {
        "identities": [ID, OTHER],
        "probability": 0.44,
        "moved": 5,
        "sides": [
            {
                "identity": ID,
                "name": "Wei Wang",
                "n": 18,
                "mentions": [{"work": "10.1000/182", "position": 2}],
            },
            {
                "identity": OTHER,
                "name": "W. Wang",
                "n": 5,
                "mentions": [{"work": "10.1000/183", "position": 0}],
            },
        ],
    },
    "created_at": AT,
    "created_seq": 141_020,
    "closed_by": None,
    "closed_at": None,
    "reason": None,
    "version": 141_020,
    "leased_by": REVIEWER,
    "leased_until": AT,
    "error": 0.44,
    "effort": 23,
    "blind": False,
    "answers": 0,
}
TASKS = {"items": [TASK], "next": None}
DETAILS = {**TASK, "given": []}
FREE = {**TASK, "leased_by": None, "leased_until": None}
CLOSED = {
    **FREE,
    "state": "closed",
    "closed_by": REVIEWER,
    "closed_at": AT,
    "version": 141_031,
    "reason": "the paper does not show it",
}
ANSWER = {"answer": "same", "seconds": 42.5, "reason": "same home page", "version": 141_020}
ANSWER_RESULT = {
    "task": {**CLOSED, "reason": "same home page", "answers": 1},
    "decision": DECISION_RESULT,
}
LEASE = {"minutes": 15}
COUNTS = {
    "open": 311,
    "kinds": {"conflict": 2, "merge": 180, "split": 97, "assign": 32, "sample": 0},
    "mentions": 5_204,
    "answered_once": 12,
    "held": [{"reviewer": REVIEWER, "tasks": 1, "until": AT}],
    "due": False,
}
NAMES = {
    "items": [
        {
            "name": "Wei Wang",
            "others": ["W. Wang"],
            "task": TASK["id"],
            "tasks": 7,
            "kinds": {"merge": 5, "split": 2},
            "priority": 9.41,
            "papers": 61,
            "held_by": [],
        }
    ]
}
REVIEWERS = {
    "reviewers": [
        {
            "reviewer": REVIEWER,
            "answers": 210,
            "by_answer": {"same": 120, "different": 80, "unsure": 10},
            "last_day": 40,
            "last_week": 160,
            "median_seconds": 38.0,
            "last_at": AT,
            "held": 1,
        }
    ],
    "agreement": [
        {
            "reviewers": [REVIEWER, "key:k-7w2n4c8d1p0x"],
            "questions": 40,
            "agreed": 37,
            "percent": 92.5,
            "kappa": 0.84,
        }
    ],
    "answers": 390,
}
