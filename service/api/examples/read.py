"""Examples of reads for the OpenAPI document; a test validates each against its schema.

The people are invented.
"""

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

PAPER: dict[str, Any] = {
    "work": "conf/example/RoeW19",
    "position": 1,
    "name": "Wei Wang",
    "title": "Sorting Lists That Almost Are Sorted",
    "venue": "Invented Conference on Sorting",
    "year": 2019,
    "citations": 12,
    "authors": 2,
    "confidence": 0.97,
    "origin": "run",
}
PAPERS: dict[str, Any] = {"items": [PAPER], "next": None}

NAMES: dict[str, Any] = {
    "items": [
        {
            "name": "Wei Wang",
            "folded": "wei wang",
            "closeness": 1.0,
            "mentions": 1930,
            "people": 412,
            "page": "/v1/names/wei%20wang",
        }
    ],
    "next": "/v1/names?q=wei+wang&limit=1&cursor=eyJleGFtcGxlIg",
}

ENTRY: dict[str, Any] = {
    "id": ID,
    "name": "Wei Wang",
    "n_works": 3,
    "first_year": 2017,
    "last_year": 2019,
    "curated": False,
}
IDENTITIES: dict[str, Any] = {
    "items": [{**ENTRY, "matched": "Wei Wang", "closeness": 1.0}],
    "next": None,
}

NAME_PAGE: dict[str, Any] = {
    "name": "Wei Wang",
    "folded": "wei wang",
    "mentions": 6,
    "papers": 6,
    "people": 2,
    "items": [
        {
            **ENTRY,
            "mentions": 3,
            "papers": 3,
            "confidence": 0.95,
            "years": {"2017": 1, "2019": 2},
            "venues": [{"venue": "Invented Conference on Sorting", "works": 2}],
            "coauthors": [{"id": OTHER, "name": "Jane Roe", "works": 2}],
            "affiliations": [
                {
                    "affiliation": "University of Nowhere",
                    "works": 2,
                    "first_year": 2017,
                    "last_year": 2019,
                }
            ],
            "topics": [{"word": "sorting", "works": 2}],
            "external_ids": [],
            "sample": [PAPER],
            "together": [
                {
                    "kind": "coauthors",
                    "count": 2,
                    "text": "2 of 3 papers share a co-author with another: Jane Roe on 2",
                }
            ],
            "apart": [
                {
                    "from": OTHER,
                    "reasons": [
                        {"kind": "coauthors", "count": 0, "text": "no co-authors in common"}
                    ],
                    "shared": [],
                }
            ],
            "profile": f"/v1/identities/{ID}",
            "works": f"/v1/identities/{ID}/works",
        }
    ],
    "next": "/v1/names/wei%20wang?limit=1&cursor=eyJleGFtcGxlIg",
    "unplaced": {"mentions": 0, "items": [], "next": None},
}

COAUTHOR: dict[str, Any] = {
    "id": OTHER,
    "name": "Jane Roe",
    "works": 2,
    "first_year": 2017,
    "last_year": 2019,
}
COAUTHORS: dict[str, Any] = {"items": [COAUTHOR], "next": None}

PROFILE: dict[str, Any] = {
    **ENTRY,
    "mentions": 3,
    "names": [{"name": "Wei Wang", "mentions": 2}, {"name": "W. Wang", "mentions": 1}],
    "confidence": 0.95,
    "years": {"2017": 1, "2019": 2},
    "picture": f"/v1/identities/{ID}/years.svg",
    "venues": [{"venue": "Invented Conference on Sorting", "works": 2}],
    "topics": [{"word": "sorting", "works": 2}],
    "affiliations": [
        {
            "affiliation": "University of Nowhere",
            "works": 2,
            "first_year": 2017,
            "last_year": 2019,
        }
    ],
    "coauthors": {"total": 1, "items": [COAUTHOR], "more": f"/v1/identities/{ID}/coauthors"},
    "external_ids": [{"scheme": "orcid", "value": "0000-0002-1825-0097", "source": "mention"}],
    "citations": {"total": 14, "h_index": 2, "works_known": 3},
    "lineage": {
        "redirects": ["a-0c4d8q1z7y2x"],
        "came_from": [
            {
                "id": "a-0c4d8q1z7y2x",
                "status": "redirected",
                "name": "W. Wang",
                "kind": "merge",
                "mentions": 1,
                "sequence": 140230,
            }
        ],
        "went_to": [],
    },
    "works": {"total": 3, "items": [PAPER], "more": f"/v1/identities/{ID}/works"},
    "history": f"/v1/identities/{ID}/history",
    "version": 140230,
}

_STATE: dict[str, Any] = {
    "id": ID,
    "status": "active",
    "redirect": None,
    "name": "Wei Wang",
    "mentions": 2,
    "works": 2,
    "first_year": 2017,
    "last_year": 2019,
    "curated": False,
    "version": 139001,
}
HISTORY: dict[str, Any] = {
    "items": [
        {
            "sequence": 140230,
            "kind": "decided",
            "at": AT,
            "actor": "key:k-2m8x5t0q9w3r",
            "reason": "same ORCID iD on both home pages",
            "subject": "d-6v1n4b7z0s2k",
            "before": _STATE,
            "after": {**_STATE, "mentions": 3, "works": 3, "curated": True, "version": 140230},
            "undoable": "d-6v1n4b7z0s2k",
        }
    ],
    "next": None,
}

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" role="img">…</svg>'

WORKS: dict[str, Any] = {
    "items": [
        {
            "id": "conf/example/RoeW19",
            "title": "Sorting Lists That Almost Are Sorted",
            "venue": "Invented Conference on Sorting",
            "year": 2019,
            "citations": 12,
            "authors": 2,
            "version": 1,
        }
    ],
    "next": None,
}

WORK: dict[str, Any] = {
    "id": "conf/example/RoeW19",
    "version": 1,
    "current": 1,
    "title": "Sorting Lists That Almost Are Sorted",
    "abstract": None,
    "venue": "Invented Conference on Sorting",
    "year": 2019,
    "keywords": ["sorting"],
    "ids": {"doi": "10.5555/12345678"},
    "citations": 12,
    "affiliations": [],
    "authors_complete": True,
    "authors": [
        {
            "position": 0,
            "name": "Jane Roe",
            "affiliation": "University of Nowhere",
            "orcid": "0000-0002-1825-0097",
            "identity": {"id": OTHER, "name": "Jane Roe"},
            "confidence": 0.99,
            "origin": "run",
        },
        {
            "position": 1,
            "name": "Wei Wang",
            "affiliation": None,
            "orcid": None,
            "identity": {"id": ID, "name": "Wei Wang"},
            "confidence": 0.97,
            "origin": "run",
        },
    ],
    "versions": [
        {
            "version": 1,
            "received_at": AT,
            "source": {"kind": "file", "label": "works.jsonl.gz", "format": "native"},
            "line": 17,
        }
    ],
}
