"""Examples of boards for the OpenAPI document; a test validates each against its schema."""

from __future__ import annotations

from typing import Any

from service.api.examples.edit import DECISION_ID, KEY_ID, TASK_ID
from service.api.examples.read import AT, ID, OTHER

PAPER: dict[str, Any] = {
    "work": "10.1000/182",
    "position": 2,
    "printed": "Wei Wang",
    "title": "Gripper planning",
    "venue": "Robotics: Science and Systems",
    "year": 2012,
    "affiliation": "Lab for Robots",
    "authors": 3,
    "coauthors": [{"name": "Lei Zhang", "identity": OTHER}],
    "links": [{"label": "DOI", "url": "https://doi.org/10.1000/182"}],
    "confidence": 0.93,
    "origin": "run",
}
COLUMN: dict[str, Any] = {
    "identity": ID,
    "nowhere": False,
    "title": "Wei Wang",
    "curated": False,
    "papers": 1,
    "mentions": 1,
    "hidden": 0,
    "years": {"2012": 1},
    "groups": [{"id": "g1", "mentions": [PAPER], "why": []}],
    "coauthors": [{"name": "Lei Zhang", "identity": OTHER, "papers": 1, "shared": []}],
    "venues": [{"name": "Robotics: Science and Systems", "papers": 1, "shared": [1]}],
    "topics": [{"name": "gripper", "papers": 1, "shared": []}],
    "affiliations": [{"name": "Lab for Robots", "papers": 1, "shared": []}],
}
BOARD: dict[str, Any] = {
    "name": "Wei Wang",
    "folded": "wei wang",
    "sequence": 140_212,
    "versions": {ID: 140_100, OTHER: 139_002},
    "mentions": 1,
    "hidden": 0,
    "left_out": 0,
    "compared": 1,
    "columns": [COLUMN],
    "contradictions": [
        {"columns": [0, 1], "text": "two affiliations in 2012: “Lab for Robots” and “Voice Co.”"}
    ],
    "question": {
        "task": TASK_ID,
        "kind": "merge",
        "blind": False,
        "columns": [0, 1],
        "groups": [],
        "probability": 0.41,
        "for": ["a venue in common: Robotics: Science and Systems"],
        "against": ["no co-author in common"],
        "compare": ["10.1000/182:2", "10.1000/77:0"],
    },
    "tasks": [
        {
            "id": TASK_ID,
            "kind": "assign",
            "question": "Which profile does an author entry belong to? (1 paper)",
            "columns": [],
            "settles": False,
        }
    ],
}
ARRANGEMENT: dict[str, Any] = {
    "columns": [
        {"identity": ID, "mentions": [{"work": "10.1000/182", "position": 2}]},
        {"identity": None, "mentions": [{"work": "10.1000/77", "position": 0}]},
    ],
    "unsure": [{"work": "10.1000/9", "position": 1}],
    "task": TASK_ID,
}
COMMIT: dict[str, Any] = {
    **ARRANGEMENT,
    "versions": {ID: 140_100, OTHER: 139_002},
    "reason": "two home pages",
}
OVERRIDDEN: dict[str, Any] = {
    "decision": DECISION_ID,
    "kind": "same",
    "action": "merge",
    "actor": f"key:{KEY_ID}",
    "at": AT,
    "reason": None,
    "text": "10.1000/182:2 and 10.1000/77:0 are the same person",
}
PREVIEW: dict[str, Any] = {
    "moved": 1,
    "kept": [ID],
    "created": 1,
    "redirected": [{"from": OTHER, "to": ID}],
    "gone": [],
    "overridden": [OVERRIDDEN],
    "closes": [{"id": TASK_ID, "kind": "merge"}],
    "conflicts": [],
    "rescored": [
        {
            "kind": "move",
            "text": "2 papers of Wei Wang would move to the new profile",
            "mentions": 2,
            "new": True,
        }
    ],
    "compared": 12,
    "mentions": 12,
}
COMMITTED: dict[str, Any] = {
    "decision": DECISION_ID,
    "event": 140_213,
    "identities": [{"id": ID, "version": 140_213}],
    "created": [],
    "moved": 1,
    "unsure": None,
    "overridden": [],
}
_MENTION = {
    "work": "10.1000/182",
    "position": 2,
    "name": "Wei Wang",
    "title": "Gripper planning",
    "venue": None,
    "year": 2012,
    "block": "w wang",
}
_SCORE = {
    "probability": 0.41,
    "log_odds": -0.36,
    "bias": -1.2,
    "calibration": 0.04,
    "contributions": [
        {
            "feature": "years_gap",
            "theme": "time",
            "value": 2.0,
            "log_odds": 0.8,
            "words": "2 years apart",
        }
    ],
    "themes": {"time": 0.8},
}
COMPARISON: dict[str, Any] = {
    "a": _MENTION,
    "b": {**_MENTION, "work": "10.1000/77", "position": 0},
    "same": False,
    "probability": 0.41,
    "decided_by": "second level",
    "because": ["The first level put them in two groups, of 1 and 3 mentions."],
    "same_block": True,
    "pair": _SCORE,
    "groups": {
        "first_a": 1,
        "first_b": 3,
        "size_a": 1,
        "size_b": 3,
        "together": False,
        "score": _SCORE,
    },
}
