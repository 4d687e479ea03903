"""Plan which files to read, in which formats, before the first record is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from disambig.errors import FormatError
from disambig.ingest._author_pages import detect_page_kind
from disambig.ingest._problems import ProblemLog
from disambig.ingest._s2and import Dataset, group_datasets
from disambig.ingest._sniff import FORMAT_OF, FORMATS, Kind, describe_head, detect_kind
from disambig.ingest._source import OpenFile, Source, open_source

_NO_WORKS = frozenset((Kind.LABELS, Kind.CONSTRAINTS, Kind.ASSIGNMENTS, Kind.REJECTS))


@dataclass(frozen=True, slots=True)
class FileReport:
    """A file and the format it was read as; ``format`` is None for a skipped one."""

    file: str
    format: str | None
    holds: str


@dataclass(slots=True)
class ReadPlan:
    """Files in reading order, and data sets. The kind of a pipe is None until it is opened."""

    files: list[tuple[Source, Kind | None]] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    reports: list[FileReport] = field(default_factory=list)


def plan_reading(sources: list[Source], declared_format: str | None, log: ProblemLog) -> ReadPlan:
    """Inspect each file once, so that an unknown format is reported before hours of work.

    Raises
    ------
    FormatError
        A file has an unknown format, a data set is incomplete, or no file contains works.
    """
    plan = ReadPlan()
    s2and: list[tuple[Source, Kind]] = []
    for source in sources:
        if not source.is_rereadable:
            plan.files.append((source, None))
            continue
        with open_source(source) as file:
            kind = decide_kind(source, file, declared_format, log, plan.reports)
        if kind is None:
            continue
        if FORMAT_OF[kind] == "s2and":
            s2and.append((source, kind))
        else:
            plan.files.append((source, kind))
    plan.datasets = group_datasets(s2and)
    if not plan.files and not any(data.papers for data in plan.datasets):
        contents = "; ".join(
            f"{report.file} contains {report.holds}" for report in plan.reports[:5]
        )
        raise FormatError(
            f"no works found{f' ({contents})' if contents else ''}; "
            f"give files or folders in one of the formats {', '.join(FORMATS)}"
        )
    return plan


def decide_kind(
    source: Source,
    file: OpenFile,
    declared_format: str | None,
    log: ProblemLog,
    reports: list[FileReport],
) -> Kind | None:
    """Return the kind of a source; None, with a note, if it contains no works.

    Raises
    ------
    FormatError
        The source is not in a folder and has no known format, or not the declared one.
    """
    detected_kind = detect_kind(file.head)
    kind = (
        detected_kind
        if declared_format is None
        else _check_declared_format(declared_format, detected_kind, source, file.head)
    )
    if detected_kind in _NO_WORKS or (kind is Kind.UNKNOWN and source.in_folder):
        holds = describe_head(file.head) if detected_kind is Kind.UNKNOWN else detected_kind.value
        reports.append(FileReport(source.name, None, holds))
        log.note(source.name, f"contains {holds}, no works", "skipped")
        return None
    if kind is Kind.UNKNOWN:
        what = (
            "has an unknown format"
            if declared_format is None
            else f"is not in the format {declared_format}"
        )
        looks = describe_head(file.head) if detected_kind is Kind.UNKNOWN else detected_kind.value
        raise FormatError(
            f"{source.name}: {what}; it looks like {looks}; the formats are {', '.join(FORMATS)}"
        )
    if kind is Kind.EMPTY:
        log.warn(source.name, 0, "file", "is empty", "check that it was written")
    reports.append(FileReport(source.name, FORMAT_OF[kind], kind.value))
    return kind


def _check_declared_format(
    declared_format: str, detected_kind: Kind, source: Source, head: bytes
) -> Kind:
    if detected_kind is Kind.EMPTY or FORMAT_OF.get(detected_kind) == declared_format:
        return detected_kind
    if declared_format == "native" and not (detected_kind is Kind.UNKNOWN and source.in_folder):
        return Kind.NATIVE
    text = head.decode("utf-8", "replace")
    if declared_format == "page" and detect_page_kind(text, strict=False) is not None:
        return Kind.PAGE
    return Kind.UNKNOWN
