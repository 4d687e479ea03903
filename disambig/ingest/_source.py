"""Read bytes of files, pipes and standard input, plain or gzipped, once from start to end."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from disambig.errors import FormatError, InputError
from disambig.ingest._problems import BadRecord

HEAD_BYTES = 64 * 1024
#: Longer lines are rejected, so that a broken file cannot fill the memory.
MAX_LINE_BYTES = 64 * 1024 * 1024
#: Largest document (JSON array, S2AND file, page) that is loaded as a whole, uncompressed.
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BUFFER_BYTES = 1024 * 1024
_LONG_LINE_BYTES = 1000
# raised while reading: a truncated or damaged gzip stream, or a failing disk
_DAMAGE_ERRORS = (EOFError, zlib.error, OSError)


@dataclass(frozen=True, slots=True)
class Source:
    """An input: a path, or standard input if ``path`` is None."""

    path: Path | None
    in_folder: bool = False

    @property
    def name(self) -> str:
        """Name in messages."""
        return "<stdin>" if self.path is None else str(self.path)

    @property
    def is_rereadable(self) -> bool:
        """Whether it may be opened twice; a pipe may not."""
        return self.path is not None and self.path.is_file()


@dataclass(frozen=True, slots=True)
class OpenFile:
    """The first bytes of a source, uncompressed, and a stream that starts with them."""

    head: bytes
    stream: io.BufferedReader


def expand_paths(paths: list[str | Path]) -> list[Source]:
    """List sources in the order of ``paths``; folders recursively, sorted, without hidden files.

    Raises
    ------
    InputError
        A path does not exist.
    """
    sources: list[Source] = []
    for path in paths:
        if str(path) == "-":
            sources.append(Source(None))
        elif Path(path).is_dir():
            sources += [
                Source(inner_path, in_folder=True) for inner_path in _list_files(Path(path))
            ]
        elif Path(path).exists():
            sources.append(Source(Path(path)))
        else:
            raise InputError(f"{path}: no such file or folder; check the path")
    return sources


def _list_files(folder: Path) -> list[Path]:
    paths: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(parent, name) for name in files if not name.startswith(".")]
    return sorted(path for path in paths if path.is_file())


@contextmanager
def open_source(
    source: Source, progress: Callable[[int], None] | None = None
) -> Iterator[OpenFile]:
    """Open a source, decompress it if its first bytes are gzip's, and read its head.

    ``progress`` is called with the number of bytes read from the file since the last call
    (compressed bytes of a compressed file). Damage is reported when :func:`read_lines` or
    :func:`read_document` reach it.

    Raises
    ------
    InputError
        The file cannot be opened.
    """
    if source.path is None:
        yield _unpack(sys.stdin.buffer, progress)
        return
    try:
        file = source.path.open("rb", buffering=0)
    except OSError as error:
        raise InputError(f"{source.name}: {error.strerror}; check the file") from error
    with file:
        yield _unpack(file, progress)


def _unpack(file: _Readable, progress: Callable[[int], None] | None) -> OpenFile:
    reader = _CountingReader(file, progress)
    magic, error = _read_up_to(reader.read, len(_GZIP_MAGIC))
    whole = io.BufferedReader(_ReplayReader(magic, reader.read, error), _BUFFER_BYTES)
    # read1 returns what is available; read would lose it if the stream ends early
    is_packed = magic == _GZIP_MAGIC
    read = gzip.GzipFile(fileobj=whole, mode="rb").read1 if is_packed else whole.read1
    head, error = _read_up_to(read, HEAD_BYTES)
    return OpenFile(head, io.BufferedReader(_ReplayReader(head, read, error), _BUFFER_BYTES))


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


_Read = Callable[[int], bytes | None]


class _CountingReader(io.RawIOBase):
    """Reads from a file and reports the number of bytes."""

    def __init__(self, file: _Readable, progress: Callable[[int], None] | None) -> None:
        self._file, self._progress = file, progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer)) or b""
        buffer[: len(data)] = data
        if data and self._progress is not None:
            self._progress(len(data))
        return len(data)


class _ReplayReader(io.RawIOBase):
    """Replays bytes already read, then raises the error that followed or reads the rest."""

    def __init__(self, head: bytes, rest: _Read, error: Exception | None) -> None:
        self._head, self._rest, self._error = memoryview(head), rest, error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._head:
            data: bytes | memoryview = self._head[: len(buffer)]
            self._head = self._head[len(data) :]
        elif self._error is not None:
            raise self._error
        else:
            data = self._rest(len(buffer)) or b""
        buffer[: len(data)] = data
        return len(data)


def _read_up_to(read: _Read, size: int) -> tuple[bytes, Exception | None]:
    data = b""
    while len(data) < size:
        try:
            part = read(size - len(data))
        except _DAMAGE_ERRORS as error:
            return data, error
        if not part:
            break
        data += part
    return data, None


def read_lines(
    stream: BinaryIO | io.BufferedReader,
) -> Iterator[tuple[int, bytes | BadRecord, bytes]]:
    """Yield numbered lines of bytes without line ends, as ``(number, line, line)``.

    A line that is too long, or damage to the stream, is yielded as ``(number, BadRecord, start of
    the line)``; damage ends the iteration.
    """
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MAX_LINE_BYTES)
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                _skip_line(stream)
                yield number, _make_long_line_error(), line[:_LONG_LINE_BYTES]
                continue
        except _DAMAGE_ERRORS as error:
            yield number, describe_damage(error), b""
            return
        if not line:
            return
        line = line.rstrip(b"\r\n")
        yield number, line, line


def _skip_line(stream: BinaryIO | io.BufferedReader) -> None:
    while (rest := stream.readline(_BUFFER_BYTES)) and not rest.endswith(b"\n"):
        pass


def _make_long_line_error() -> BadRecord:
    megabytes = MAX_LINE_BYTES // 1024 // 1024
    return BadRecord(
        "record", f"its line is longer than {megabytes} MB", "write one record in each line"
    )


def describe_damage(error: Exception) -> BadRecord:
    """Return the error of a file whose stream is damaged."""
    if isinstance(error, EOFError):
        what = "the gzip stream is truncated"
    elif isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        what = f"cannot be read further ({error.strerror or error})"
    else:
        what = f"the gzip stream is damaged ({error})"
    return BadRecord("file", what, "copy or create the file again; earlier records are kept")


def read_document(source: Source, stream: io.BufferedReader) -> tuple[bytes, BadRecord | None]:
    """Read all bytes of a stream; also return the error that ended it early.

    Raises
    ------
    FormatError
        The document is larger than ``MAX_DOCUMENT_BYTES``.
    """
    parts: list[bytes] = []
    size = 0
    try:
        while part := stream.read1(_BUFFER_BYTES):
            parts.append(part)
            size += len(part)
            if size > MAX_DOCUMENT_BYTES:
                limit = MAX_DOCUMENT_BYTES // 1024**3
                raise FormatError(
                    f"{source.name}: one document of more than {limit} GB; "
                    "use JSONL, one record in each line, which is read as a stream"
                )
    except _DAMAGE_ERRORS as error:
        return b"".join(parts), describe_damage(error)
    return b"".join(parts), None
