"""Measure the generator's parameters on real corpora: ``python -m labeled.generator.measure DATA``.

DATA holds folders of corpora (``ml``, ``acl``, ...), each with ``works.jsonl.gz``. The output holds
counts (of name parts, title words, venues, institutions, numbers of authors, years), never a record
of a work or a person; name parts and words that occur once or twice are left out.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig.arrays import Float64, Int64
from disambig.corpus.embeddings import SemanticSpace, split_words
from labeled.generator.cultures import Cultures, fit_cultures
from labeled.generator.parameters import PARAMETERS_FILE

Record = dict[str, Any]
MAIN_CORPUS = "ml"
N_TOPICS = 240
FIRST_YEAR, LAST_YEAR = 1987, 2025
_YEAR = re.compile(r"\b(?:19|20)\d\d\b|['’]\d\d\b")
_INSTITUTION = re.compile(
    r"univ|instit|college|school of tech|polytech|laborator|research|academy|google|microsoft"
    r"|facebook|meta|amazon|nvidia|huawei|tencent|alibaba|baidu|deepmind|openai|bosch|inria|csiro"
    r"|adobe|apple|intel|ibm|eth |epfl|mit|kaist|politecnico|école|universit|hochschule|cnrs|inc\b",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"^(?:dep|school|faculty|college of|lab|robotics|center|centre|division|group)", re.I
)
_INITIALS = re.compile(r"^(?:[^\W\d_]\.?-?){1,3}$")


def read_works(folder: Path) -> Iterator[Record]:
    """Stream the records of ``folder/works.jsonl.gz``."""
    with gzip.open(folder / "works.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def measure_parameters(data: Path) -> Record:
    """Measure all parameters of the generator as one JSON document of counts and shares."""
    corpora = {
        folder.name: list(read_works(folder))
        for folder in sorted(data.iterdir())
        if (folder / "works.jsonl.gz").exists()
    }
    main = corpora[MAIN_CORPUS]
    printed = Counter(a["name"] for works in corpora.values() for w in works for a in w["authors"])
    cultures = fit_cultures(printed)
    titles, labels = _cluster_topics(corpora)
    return {
        "cultures": cultures.to_dict(),
        "institutions": _count_institutions(main, cultures),
        "topics": titles,
        "venues": _count_venues(corpora, labels),
        "teams": _build_histogram((len(w["authors"]) for w in main), 25),
        "title_words": _build_histogram(
            (len(split_words(w["title"])) for works in corpora.values() for w in works), 25
        ),
        "years": _count_years(main),
        "forms": _measure_initials(main),
        "missing": _measure_missing(corpora),
    }


def _build_histogram(values: Iterator[int], maximum: int) -> list[int]:
    counts = np.bincount([v for v in values if 0 < v <= maximum], minlength=maximum + 1)
    return [int(c) for c in counts]


def _count_years(works: list[Record]) -> Record:
    """Count works per year, smoothed over five years against biennial conferences."""
    raw = np.bincount(
        [w["year"] - FIRST_YEAR for w in works if w.get("year", 0) >= FIRST_YEAR],
        minlength=LAST_YEAR - FIRST_YEAR + 1,
    ).astype(float)
    padded = np.pad(raw, 2, mode="edge")
    smooth = np.convolve(padded, np.ones(5) / 5, mode="valid")
    return {"first": FIRST_YEAR, "works": [round(float(v), 1) for v in smooth]}


def _measure_initials(works: list[Record]) -> Record:
    """Measure the share of names printed with initials only, by three-year period."""
    counts_by_period: dict[int, Counter[str]] = {}
    for work in works:
        period = (work["year"] - FIRST_YEAR) // 3
        for author in work["authors"]:
            tokens = author["name"].split()
            if len(tokens) < 2:
                continue
            kind = "initials" if _INITIALS.match(tokens[0]) and "." in tokens[0] else "full"
            counts_by_period.setdefault(max(period, 0), Counter())[kind] += 1
    rows = [counts_by_period.get(p, Counter()) for p in range(max(counts_by_period) + 1)]
    return {
        "period": 3,
        "initials": [round(r["initials"] / max(1, r.total()), 3) for r in rows],
    }


def _measure_missing(corpora: dict[str, list[Record]]) -> Record:
    main = corpora[MAIN_CORPUS]
    other = [w for name, works in corpora.items() if name != MAIN_CORPUS for w in works]
    all_works = main + other
    return {
        "affiliation_works": _compute_share(
            not any(a.get("affiliation") for a in w["authors"]) for w in main
        ),
        "year": _compute_share(w.get("year") is None for w in all_works),
        "venue": _compute_share(not w.get("venue") for w in other),
        "keywords": 1 - _compute_share(not w.get("keywords") for w in main),
    }


def _compute_share(flags: Iterator[bool]) -> float:
    return round(float(np.mean(list(flags))), 4)


def _cluster_topics(corpora: dict[str, list[Record]]) -> tuple[Record, dict[str, Int64]]:
    """Cluster titles by topic; return word counts of each topic, and the topic of each work."""
    from sklearn.cluster import MiniBatchKMeans

    space = SemanticSpace.load()
    names = list(corpora)
    titles = [w["title"] for name in names for w in corpora[name]]
    vectors = np.nan_to_num(space.embed_texts(titles))
    model = MiniBatchKMeans(N_TOPICS, random_state=0, batch_size=4096, n_init=3).fit(vectors)
    label = model.predict(vectors).astype(np.int64)
    counts = [Counter[str]() for _ in range(N_TOPICS)]
    for title, topic in zip(titles, label, strict=True):
        counts[topic].update(split_words(title))
    total = Counter[str]()
    for topic_counts in counts:
        total.update(topic_counts)
    words = sorted(w for w, c in total.items() if c >= 3 and not w.isdigit())
    row = {w: i for i, w in enumerate(words)}
    document = {
        "words": words,
        "works": [int(c) for c in np.bincount(label, minlength=N_TOPICS)],
        "near": _find_nearest(model.cluster_centers_, 8),
        "counts": [
            [[row[w] for w in sorted(c) if w in row], [c[w] for w in sorted(c) if w in row]]
            for c in counts
        ],
    }
    corpus_ends = np.cumsum([len(corpora[name]) for name in names])[:-1]
    return document, dict(zip(names, np.split(label, corpus_ends), strict=True))


def _find_nearest(centres: npt.NDArray[np.floating[Any]], k: int) -> list[list[int]]:
    unit = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    near = np.argsort(-(unit @ unit.T), axis=1, kind="stable")[:, 1 : k + 1]
    return [[int(t) for t in row] for row in near]


def _count_venues(corpora: dict[str, list[Record]], labels: dict[str, Int64]) -> Record:
    """Count venues by topic, without years; keep venues with at least five works."""
    topics_by_venue: dict[str, Counter[int]] = {}
    for name, works in corpora.items():
        for work, topic in zip(works, labels[name], strict=True):
            venue = " ".join(_YEAR.sub("", work.get("venue") or "").replace("()", "").split())
            if venue and '"' not in venue and "\\" not in venue:
                topics_by_venue.setdefault(venue.strip(" -,:"), Counter())[int(topic)] += 1
    venue_names = sorted(v for v, c in topics_by_venue.items() if c.total() >= 5 and len(v) > 1)
    return {
        "names": venue_names,
        "counts": [
            [
                sorted(topics_by_venue[v]),
                [topics_by_venue[v][t] for t in sorted(topics_by_venue[v])],
            ]
            for v in venue_names
        ],
    }


def _count_institutions(works: list[Record], cultures: Cultures) -> Record:
    """Count frequent institutions and units, and the naming cultures of their people."""
    count: Counter[str] = Counter()
    units: Counter[str] = Counter()
    mix: dict[str, Float64] = {}
    for work in works:
        for author in work["authors"]:
            institution = _parse_affiliation(author.get("affiliation") or "", units)
            share = cultures.compute_posterior(author["name"]) if institution else None
            if share is None:
                continue
            count[institution] += 1
            mix[institution] = mix.get(institution, 0) + share
    frequent = [n for n, c in sorted(count.items(), key=lambda p: (-p[1], p[0])) if c >= 20]
    shares = [mix[n] / mix[n].sum() for n in frequent]
    return {
        "names": frequent,
        "counts": [count[n] for n in frequent],
        "cultures": [[round(float(v), 3) for v in s] for s in shares],
        "units": [u for u, c in sorted(units.items(), key=lambda p: (-p[1], p[0])) if c >= 60],
    }


def _parse_affiliation(affiliation: str, units: Counter[str]) -> str:
    institution = ""
    for part in re.split(r"\s*[,;+]\s*", affiliation.replace('"', "").replace("\\", "")):
        if _UNIT.match(part) and 8 < len(part) < 70:
            units[part] += 1
        elif not institution and _INSTITUTION.search(part) and len(part) < 60:
            institution = " ".join(part.split())
    return institution


def write_parameters(document: Record, path: Path) -> None:
    """Write compressed JSON; equal documents produce byte-identical files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    write_parameters(measure_parameters(Path(sys.argv[1])), PARAMETERS_FILE)
