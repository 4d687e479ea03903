"""Stream works from files of any format, and count what was kept, repaired and rejected.

Work ids are registered, so that duplicates are skipped and conflicting records rejected.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from types import TracebackType

from disambig.domain import Work
from disambig.errors import FormatError, InputError
from disambig.ingest._author_page_works import (
    PageWork,
    make_id_conflict,
    make_page_work,
    merge_page_works,
)
from disambig.ingest._author_pages import (
    BrokenRecord,
    PageHeader,
    PageRecord,
    detect_page_kind,
    parse_page,
)
from disambig.ingest._json_records import read_raw_records
from disambig.ingest._native import ParsedWork, parse_json
from disambig.ingest._plan import FileReport, decide_kind, plan_reading
from disambig.ingest._problems import BadRecord, Problem, ProblemLog
from disambig.ingest._s2and import Dataset, read_dataset
from disambig.ingest._serialise import ReceivedWork, decode_raw
from disambig.ingest._sniff import FORMAT_OF, FORMATS, Kind
from disambig.ingest._source import OpenFile, Source, expand_paths, open_source, read_document


@dataclass(frozen=True, slots=True)
class ReadReport:
    """Counts of records: ``read == kept + rejected + duplicates``.

    ``repaired`` counts the kept works that needed a harmless fix; ``duplicates`` have the id and
    content of an earlier record. A truncated file counts as one more rejected record. Rejected
    signatures of an S2AND data set count as read, too. ``str()`` gives the closing summary.
    """

    read: int
    kept: int
    repaired: int
    rejected: int
    duplicates: int
    warnings: int
    files: tuple[FileReport, ...]
    pages: tuple[PageHeader, ...]

    def get_counts(self) -> dict[str, int]:
        """Return the counts by name, without files and pages."""
        return {
            name: getattr(self, name)
            for name in ("read", "kept", "repaired", "rejected", "duplicates", "warnings")
        }

    def __str__(self) -> str:
        parts = (
            f"{self.read:,} read",
            f"{self.kept:,} kept",
            f"{self.repaired:,} repaired",
            f"{self.rejected:,} rejected",
            f"{self.duplicates:,} duplicates" if self.duplicates else "",
            f"{self.warnings:,} warnings" if self.warnings else "",
        )
        return ", ".join(filter(None, parts))


_FoundWork = tuple[Work, str, int, object]
"""A work, its file and line, and its raw record or a function that returns it."""


def read_works(
    paths: Sequence[str | Path],
    *,
    format: str = "auto",
    strict: bool = False,
    rejects: str | Path | None = None,
    on_problem: Callable[[Problem], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> WorkReader:
    """Read works from files, folders and standard input ("-"), plain or gzipped.

    Native records are streamed; a JSON array and the files of an S2AND data set are loaded one at a
    time; works of author pages come last, since one paper may be on several pages. Labels,
    constraints and this program's own output are recognised and skipped with a note.

    Parameters
    ----------
    format
        "auto" detects the format of each file from its content; otherwise one of ``FORMATS``.
    strict
        Stop with :class:`RecordError` at the first rejected record.
    rejects
        File for rejected records, created with the first one.
    on_problem
        Called with every problem, repair, warning and note.
    progress
        Called with the number of bytes read from a file since the last call (compressed bytes
        of a compressed file).

    Raises
    ------
    InputError
        A path does not exist or cannot be opened, or ``rejects`` is one of the inputs.
    FormatError
        A file (outside a folder) has an unknown format, or no file contains works.
    """
    if format != "auto" and format not in FORMATS:
        raise FormatError(f"{format}: unknown format; choose auto, {', '.join(FORMATS)}")
    sources = expand_paths(list(paths))
    _reject_overwriting(sources, rejects)
    log = ProblemLog(strict=strict, rejects=rejects, on_problem=on_problem)
    return WorkReader(sources, None if format == "auto" else format, log, progress)


def _reject_overwriting(sources: list[Source], rejects: str | Path | None) -> None:
    if rejects is None:
        return
    target = Path(rejects)
    for source in sources:
        # the rejects file of an earlier run may be in a folder of works; it may be overwritten
        if source.path is None or source.in_folder or not target.exists():
            continue
        if source.path.samefile(target):
            raise InputError(f"{rejects}: is an input; name another file for rejects")


class WorkReader:
    """Iterator of :class:`Work`; :attr:`report` counts the records read so far.

    Returned by :func:`read_works`. Its files are closed at the end of the iteration, or at the end
    of a ``with`` block.
    """

    def __init__(
        self,
        sources: list[Source],
        declared_format: str | None,
        log: ProblemLog,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._declared_format, self._log, self._progress = declared_format, log, progress
        self._registry = WorkRegistry()
        self._headers: list[PageHeader] = []
        self._page_works: list[PageWork] = []
        # proceedings of the year after next are announced already
        self._max_year = date.today().year + 2
        self._plan = plan_reading(sources, declared_format, log)
        self._works = self._read()

    @property
    def report(self) -> ReadReport:
        """Counts so far; final once the iterator has ended."""
        log = self._log
        return ReadReport(
            log.read,
            log.kept,
            log.repaired,
            log.rejected,
            log.duplicates,
            log.warnings,
            tuple(self._plan.reports),
            tuple(self._headers),
        )

    def __iter__(self) -> Iterator[Work]:
        return self

    def __next__(self) -> Work:
        return next(self._works)[0]

    def iterate_received(self) -> Iterator[ReceivedWork]:
        """Yield the remaining works, each with its record as received."""
        for work, file, line, raw in self._works:
            yield ReceivedWork(work, line, decode_raw(raw), file)

    def __enter__(self) -> WorkReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading and close the files."""
        self._works.close()
        self._log.close()

    def _read(self) -> Generator[_FoundWork, None, None]:
        try:
            for source, kind in self._plan.files:
                with open_source(source, self._progress) as file:
                    yield from self._read_file(source, kind, file)
            for data in self._plan.datasets:
                yield from self._read_dataset(data)
            yield from self._merge_page_works()
        finally:
            self._log.close()

    def _read_file(self, source: Source, kind: Kind | None, file: OpenFile) -> Iterator[_FoundWork]:
        if kind is None:
            kind = decide_kind(source, file, self._declared_format, self._log, self._plan.reports)
        if kind is None:
            return
        match FORMAT_OF[kind]:
            case "native":
                yield from self._read_native(source, file)
            case "page":
                self._read_page(source, file)
            case _:
                raise FormatError(
                    f"{source.name}: S2AND data cannot be read from a pipe; "
                    "give the folder that holds signatures.json and papers.json"
                )

    def _read_native(self, source: Source, file: OpenFile) -> Iterator[_FoundWork]:
        log, name = self._log, source.name
        for line, record, raw in read_raw_records(source, file):
            log.read += 1
            try:
                if isinstance(record, BadRecord):
                    raise record
                parsed = parse_json(record, max_year=self._max_year)
            except BadRecord as error:
                log.reject(name, line, error, raw)
                continue
            if self._accept(name, line, parsed, raw):
                yield parsed.work, name, line, raw

    def _read_dataset(self, data: Dataset) -> Iterator[_FoundWork]:
        if data.papers is None:
            return
        name = data.papers.name
        for paper in read_dataset(
            data, self._log, max_year=self._max_year, progress=self._progress
        ):
            self._log.read += 1
            if isinstance(paper.parsed, BadRecord):
                self._log.reject(name, paper.line, paper.parsed, paper.raw)
            elif self._accept(name, paper.line, paper.parsed, paper.raw):
                yield paper.parsed.work, name, paper.line, paper.to_received

    def _accept(self, file: str, line: int, parsed: ParsedWork, raw: object) -> bool:
        log, work = self._log, parsed.work
        status = self._registry.register(work, file, line)
        if status is IdStatus.CONFLICT:
            log.reject(file, line, self._registry.describe_conflict(work, file), raw)
        elif status is IdStatus.DUPLICATE:
            log.duplicates += 1
        else:
            log.kept += 1
            if parsed.repairs:
                log.report_repairs(file, line, parsed.repairs)
        return status is IdStatus.NEW

    def _read_page(self, source: Source, file: OpenFile) -> None:
        data, read_error = read_document(source, file.stream)
        # invalid UTF-8 rejects only the records that contain it
        text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        kind = detect_page_kind(text) or detect_page_kind(text, strict=False)
        if kind is None:
            raise FormatError(f"{source.name}: is not a page of a known kind; copy the whole page")
        page = parse_page(text, source.name, kind)
        self._headers.append(page.header)
        for record in page.records:
            self._log.read += 1
            self._read_page_record(record, page.header)
        for line in page.stray_lines:
            self._log.warn(
                source.name, line, "record", "is neither a title nor an abstract", "skipped"
            )
        self._compare_count(page.header)
        if read_error is not None:
            self._log.read += 1
            self._log.reject(source.name, text.count("\n") + 1, read_error, "")

    def _read_page_record(self, record: PageRecord | BrokenRecord, header: PageHeader) -> None:
        if isinstance(record, BrokenRecord):
            self._log.reject(header.file, record.line, record.error, record.text)
            return
        try:
            page_work = make_page_work(record, header, max_year=self._max_year)
        except BadRecord as error:
            self._log.reject(header.file, record.line, error, asdict(record))
            return
        self._page_works.append(page_work)
        if page_work.is_name_missing:
            self._log.warn(
                header.file,
                record.line,
                "authors",
                f"{header.name} is not among the authors, although the list seems complete",
                "compare it with the paper",
            )

    def _compare_count(self, header: PageHeader) -> None:
        if header.papers is not None and header.papers != header.n_records:
            self._log.warn(
                header.file,
                0,
                "papers",
                f"the page says {header.papers}, {header.n_records} were found",
                "copy the whole page",
            )

    def _merge_page_works(self) -> Iterator[_FoundWork]:
        works, conflicts = merge_page_works(self._page_works)
        self._log.duplicates += len(self._page_works) - len(works) - len(conflicts)
        for page_work in works:
            parsed = ParsedWork(page_work.work, page_work.repairs)
            if self._accept(page_work.file, page_work.line, parsed, asdict(page_work.work)):
                yield page_work.work, page_work.file, page_work.line, page_work.to_received
        for conflict in conflicts:
            self._log.reject(
                conflict.file, conflict.line, make_id_conflict(conflict), asdict(conflict.work)
            )


class IdStatus(Enum):
    """Whether the id of a work is new, repeated, or taken by another work."""

    NEW = 0
    DUPLICATE = 1
    CONFLICT = 2


class WorkRegistry:
    """Ids of accepted works, with a hash of each. Uses about 120 bytes for each, and the ids."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._hashes, self._lines, self._files = array("q"), array("q"), array("l")
        self._names: list[str] = []

    def register(self, work: Work, file: str, line: int) -> IdStatus:
        """Register a work; report whether its id is known with the same or with other content.

        Contents are compared by a 64-bit hash of the whole work.
        """
        row = self._rows.setdefault(work.id, len(self._hashes))
        content = hash(work)
        if row < len(self._hashes):
            return IdStatus.DUPLICATE if self._hashes[row] == content else IdStatus.CONFLICT
        if not self._names or self._names[-1] != file:
            self._names.append(file)
        self._hashes.append(content)
        self._lines.append(line)
        self._files.append(len(self._names) - 1)
        return IdStatus.NEW

    def describe_conflict(self, work: Work, file: str) -> BadRecord:
        """Return the error of a work whose id is taken by a record with other content."""
        row = self._rows[work.id]
        first = self._names[self._files[row]]
        place = f"line {self._lines[row]}" if first == file else f"{first}:{self._lines[row]}"
        return BadRecord(
            "id",
            f"{work.id} is the id of another record ({place})",
            "give each work its own id, or remove the outdated record",
        )
