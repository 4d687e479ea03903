"""Examples of the OpenAPI document; a test holds each to its schema. The people are invented."""

from __future__ import annotations

from typing import Any

ID = "a-3k9x0f7q2m1b"
OTHER = "a-90c4w7rj5d2e"
AT = "2025-03-01T09:30:00+00:00"

STATS: dict[str, Any] = {
    "works": 95465,
    "names": 131072,
    "mentions": 368238,
    "placed": 368200,
    "unplaced": 38,
    "identities": {"active": 140210, "redirected": 412, "gone": 35, "curated": 96},
    "publication": {"run": "r-7h2k9p0x4c1m", "sequence": 140230, "at": AT},
    "sequence": 141022,
}

CHANGES: dict[str, Any] = {
    "items": [
        {
            "sequence": 141021,
            "event": 141020,
            "kind": "merge",
            "identity": ID,
            "others": [{"identity": OTHER, "mentions": 4}],
            "mentions": 4,
            "at": AT,
        }
    ],
    "since": 141021,
    "next": None,
}
