"""Whatever the bytes: works, problems or an error made for the user, never anything else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disambig.errors import DisambigError
from disambig.ingest import FORMATS, read_constraints, read_labels
from tests.support.ingest_reading import PAGES, read

OPTIONS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(("name", "work")), inner, max_size=4
        )
    ),
    max_leaves=8,
)
KEYS = (
    *("id", "title", "abstract", "venue", "year", "keywords", "authors", "ids", "doi"),
    *("citations", "work", "position", "person", "kind", "a", "b"),
    *("paper_id", "signature_id", "author_info", "signature_ids", "cluster_id"),
)
ROWS = st.lists(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8), min_size=1, max_size=4)
PAGE_TEXTS = [path.read_bytes() for path in sorted(PAGES.glob("*.txt"))]


def refusal(read_it: Callable[[], Any]) -> str | None:
    """What a reader said against its input; None where it read it. Other errors pass through."""
    try:
        read_it()
    except DisambigError as error:
        return str(error)
    return None


def silent_refusals(path: Path) -> list[str]:
    """Refusals by any reader that do not say why."""
    said = [refusal(lambda f=format: read(path, format=f)) for format in ("auto", *FORMATS)]
    said.append(refusal(lambda: list(read_labels([path], strict=False))))
    said.append(refusal(lambda: read_constraints(path, strict=False)))
    return [text for text in said if text is not None and not text.strip()]


@OPTIONS
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert silent_refusals(path) == []


@OPTIONS
@given(ROWS)
def test_any_json_rows_are_survived(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "x"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert silent_refusals(path) == []
    path.write_text(json.dumps(rows))
    assert silent_refusals(path) == []
    path.write_text(json.dumps({str(n): row for n, row in enumerate(rows)}))
    assert silent_refusals(path) == []


@OPTIONS
@given(st.sampled_from(PAGE_TEXTS), st.randoms(use_true_random=False))
def test_a_page_with_lines_missing_and_doubled_is_survived(
    tmp_path: Path, content: bytes, chance: Any
) -> None:
    lines = [line for line in content.split(b"\n")[:60] for _ in range(chance.choice((0, 1, 1, 2)))]
    path = tmp_path / "x"
    path.write_bytes(b"\n".join(lines))
    assert silent_refusals(path) == []


@OPTIONS
@given(st.binary(max_size=200), st.integers(0, 40), st.binary(max_size=5))
def test_a_gzip_stream_damaged_anywhere_is_survived(
    tmp_path: Path, content: bytes, at: int, noise: bytes
) -> None:
    packed = gzip.compress(b'{"id": "a"}\n' + content)
    path = tmp_path / "x"
    path.write_bytes(packed[:at] + noise + packed[at + len(noise) :])
    assert silent_refusals(path) == []


@OPTIONS
@given(ROWS)
def test_every_record_is_kept_rejected_or_a_duplicate(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    path = tmp_path / "x"
    path.write_text("\n".join(map(json.dumps, rows)))
    with suppress(DisambigError):
        report = read(path, format="native").report
        assert report.read == len(rows) == report.kept + report.rejected + report.duplicates
