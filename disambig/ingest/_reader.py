"""Works from any of the formats, one after another: the reader and its report.

Which work ids were met, where, and with what content.
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
from disambig.ingest._author_page_works import PageWork, bad_id, merge, page_work
from disambig.ingest._author_pages import (
    BrokenRecord,
    PageHeader,
    PageRecord,
    page_kind,
    parse_page,
)
from disambig.ingest._json_records import rows
from disambig.ingest._native import Parsed, parse_json
from disambig.ingest._plan import FileReport, decide_kind, plan_reading
from disambig.ingest._problems import BadRecord, ProblemLog, Problem
from disambig.ingest._s2and import Dataset, read_dataset
from disambig.ingest._serialise import Received, text_of
from disambig.ingest._sniff import FORMAT_OF, FORMATS, Kind
from disambig.ingest._source import OpenFile, Source, read_document, expand_paths, open_source


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What became of the records: ``read == kept + rejected + duplicates``.

    ``repaired`` counts the kept works that needed a harmless fix; ``duplicates`` were met before
    with the same content. A file that breaks off counts as one more rejected record. Rejected
    signatures of an S2AND data set count as read, too. ``str`` of it is the closing summary.
    """

    read: int
    kept: int
    repaired: int
    rejected: int
    duplicates: int
    warnings: int
    files: tuple[FileReport, ...]
    pages: tuple[PageHeader, ...]

    def counts(self) -> dict[str, int]:
        """The numbers, without files and pages."""
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


_Found = tuple[Work, str, int, object]
"""A work, the file and line it was read from, and the record there or what makes it."""


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

    Native records are streamed; a JSON array and the files of an S2AND data set are held in
    memory one at a time; works of pages come last, since one paper may be on several pages.
    Labels, constraints and this program's own output are recognised and left out with a note.

    Parameters
    ----------
    format
        "auto" tells each file's format from its content; otherwise one of ``FORMATS``.
    strict
        Stop with :class:`RecordError` at the first rejected record.
    rejects
        File for rejected records, made when the first one comes.
    on_problem
        Called with every problem, repair, warning and note.
    progress
        Called with the number of bytes taken from a file since the last call (of the packed
        file where it is packed).

    Raises
    ------
    InputError
        A path does not exist or cannot be opened, or ``rejects`` is one of the inputs.
    FormatError
        A file (outside a folder) has an unknown format, or nothing holds works.
    """
    if format != "auto" and format not in FORMATS:
        raise FormatError(f"{format}: unknown format; choose auto, {', '.join(FORMATS)}")
    sources = expand_paths(list(paths))
    _refuse_overwriting(sources, rejects)
    ledger = ProblemLog(strict=strict, rejects=rejects, on_problem=on_problem)
    return WorkReader(sources, None if format == "auto" else format, ledger, progress)


def _refuse_overwriting(sources: list[Source], rejects: str | Path | None) -> None:
    if rejects is None:
        return
    target = Path(rejects)
    for source in sources:
        # A rejects file of an earlier run lies well in a folder of works; it may be written anew.
        if source.path is None or source.in_folder or not target.exists():
            continue
        if source.path.samefile(target):
            raise InputError(f"{rejects}: is an input; name another file for rejects")


class WorkReader:
    """Iterator of :class:`Work`; :attr:`report` tells how far it is and what it met.

    Made by :func:`read_works`. Read it to the end, or use it as a context manager, to have its
    files closed.
    """

    def __init__(
        self,
        sources: list[Source],
        forced: str | None,
        ledger: ProblemLog,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._forced, self._ledger, self._progress = forced, ledger, progress
        self._registry = Registry()
        self._headers: list[PageHeader] = []
        self._page_works: list[PageWork] = []
        # Proceedings of the year after next do get announced.
        self._max_year = date.today().year + 2
        self._plan = plan_reading(sources, forced, ledger)
        self._works = self._read()

    @property
    def report(self) -> ReadReport:
        """Counts so far; final once the iterator has ended."""
        ledger = self._ledger
        return ReadReport(
            ledger.read,
            ledger.kept,
            ledger.repaired,
            ledger.rejected,
            ledger.duplicates,
            ledger.warnings,
            tuple(self._plan.reports),
            tuple(self._headers),
        )

    def __iter__(self) -> Iterator[Work]:
        return self

    def __next__(self) -> Work:
        return next(self._works)[0]

    def received(self) -> Iterator[Received]:
        """The works that are left, each with its record as it was received."""
        for work, file, line, raw in self._works:
            yield Received(work, line, text_of(raw), file)

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
        self._ledger.close()

    def _read(self) -> Generator[_Found, None, None]:
        try:
            for source, kind in self._plan.files:
                with open_source(source, self._progress) as file:
                    yield from self._read_file(source, kind, file)
            for data in self._plan.datasets:
                yield from self._read_dataset(data)
            yield from self._merged_page_works()
        finally:
            self._ledger.close()

    def _read_file(self, source: Source, kind: Kind | None, file: OpenFile) -> Iterator[_Found]:
        if kind is None:
            kind = decide_kind(source, file, self._forced, self._ledger, self._plan.reports)
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

    def _read_native(self, source: Source, file: OpenFile) -> Iterator[_Found]:
        ledger, name = self._ledger, source.name
        for line, record, raw in rows(source, file):
            ledger.read += 1
            try:
                if isinstance(record, BadRecord):
                    raise record
                parsed = parse_json(record, max_year=self._max_year)
            except BadRecord as bad:
                ledger.reject(name, line, bad, raw)
                continue
            if self._accept(name, line, parsed, raw):
                yield parsed.work, name, line, raw

    def _read_dataset(self, data: Dataset) -> Iterator[_Found]:
        if data.papers is None:
            return
        name = data.papers.name
        for paper in read_dataset(
            data, self._ledger, max_year=self._max_year, progress=self._progress
        ):
            self._ledger.read += 1
            if isinstance(paper.parsed, BadRecord):
                self._ledger.reject(name, paper.line, paper.parsed, paper.raw)
            elif self._accept(name, paper.line, paper.parsed, paper.raw):
                yield paper.parsed.work, name, paper.line, paper.received

    def _accept(self, file: str, line: int, parsed: Parsed, raw: object) -> bool:
        ledger, work = self._ledger, parsed.work
        met = self._registry.meet(work, file, line)
        if met is Met.OTHER:
            ledger.reject(file, line, self._registry.clash(work, file), raw)
        elif met is Met.SAME:
            ledger.duplicates += 1
        else:
            ledger.kept += 1
            if parsed.repairs:
                ledger.repair(file, line, parsed.repairs)
        return met is Met.NEW

    def _read_page(self, source: Source, file: OpenFile) -> None:
        data, stopped = read_document(source, file.stream)
        # Bytes that are no UTF-8 are carried along and cost only the records they are in.
        text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        kind = page_kind(text) or page_kind(text, sure=False)
        if kind is None:
            raise FormatError(f"{source.name}: is no page of a known kind; copy the whole page")
        page = parse_page(text, source.name, kind)
        self._headers.append(page.header)
        for record in page.records:
            self._ledger.read += 1
            self._read_page_record(record, page.header)
        for line in page.strays:
            self._ledger.warn(
                source.name, line, "record", "neither a title nor an abstract", "left out"
            )
        self._compare_count(page.header)
        if stopped is not None:
            self._ledger.read += 1
            self._ledger.reject(source.name, text.count("\n") + 1, stopped, "")

    def _read_page_record(self, record: PageRecord | BrokenRecord, header: PageHeader) -> None:
        if isinstance(record, BrokenRecord):
            self._ledger.reject(header.file, record.line, record.bad, record.text)
            return
        try:
            found = page_work(record, header, max_year=self._max_year)
        except BadRecord as bad:
            self._ledger.reject(header.file, record.line, bad, asdict(record))
            return
        self._page_works.append(found)
        if found.unlisted:
            self._ledger.warn(
                header.file,
                record.line,
                "authors",
                f"{header.name} is not among the authors, though the list does not look cut",
                "compare it with the paper",
            )

    def _compare_count(self, header: PageHeader) -> None:
        if header.papers is not None and header.papers != header.found:
            self._ledger.warn(
                header.file,
                0,
                "papers",
                f"the page says {header.papers}, {header.found} were found",
                "copy the whole page",
            )

    def _merged_page_works(self) -> Iterator[_Found]:
        works, clashes = merge(self._page_works)
        self._ledger.duplicates += len(self._page_works) - len(works) - len(clashes)
        for found in works:
            parsed = Parsed(found.work, found.repairs)
            if self._accept(found.file, found.line, parsed, asdict(found.work)):
                yield found.work, found.file, found.line, found.received
        for clash in clashes:
            self._ledger.reject(clash.file, clash.line, bad_id(clash), asdict(clash.work))


class Met(Enum):
    """Whether a work's id was met before."""

    NEW = 0
    SAME = 1
    OTHER = 2


class Registry:
    """Ids of accepted works. Memory: the ids and about 120 bytes for each."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._hashes, self._lines, self._files = array("q"), array("q"), array("l")
        self._names: list[str] = []

    def meet(self, work: Work, file: str, line: int) -> Met:
        """Register a work, or tell that its id was met with the same or with other content.

        Contents are compared by a 64-bit hash of the whole work.
        """
        row = self._rows.setdefault(work.id, len(self._hashes))
        content = hash(work)
        if row < len(self._hashes):
            return Met.SAME if self._hashes[row] == content else Met.OTHER
        if not self._names or self._names[-1] != file:
            self._names.append(file)
        self._hashes.append(content)
        self._lines.append(line)
        self._files.append(len(self._names) - 1)
        return Met.NEW

    def clash(self, work: Work, file: str) -> BadRecord:
        """The problem of a work whose id was met with other content."""
        row = self._rows[work.id]
        first = self._names[self._files[row]]
        place = f"line {self._lines[row]}" if first == file else f"{first}:{self._lines[row]}"
        return BadRecord(
            "id",
            f"{work.id} was given to another record ({place})",
            "give each work its own id, or remove the outdated record",
        )
