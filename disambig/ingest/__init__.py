"""Read and validate works, labels and constraints from files that may be damaged.

:func:`read_works` detects the format of each file from its content and streams :class:`Work`. A
record that cannot be used is reported in one line and written to a rejects file; reading continues.
"""

from disambig.ingest._author_pages import PageHeader, PageKind
from disambig.ingest._json_records import Row, read_records
from disambig.ingest._labels import read_constraints, read_labels, read_s2and_labels
from disambig.ingest._native import NativeAuthor, NativeWork
from disambig.ingest._plan import FileReport
from disambig.ingest._problems import Problem, Severity
from disambig.ingest._reader import ReadReport, WorkReader, read_works
from disambig.ingest._serialise import ReceivedWork, dump_work, load_work
from disambig.ingest._sniff import FORMATS

__all__ = [
    "FORMATS",
    "FileReport",
    "NativeAuthor",
    "NativeWork",
    "PageHeader",
    "PageKind",
    "Problem",
    "ReadReport",
    "ReceivedWork",
    "Row",
    "Severity",
    "WorkReader",
    "dump_work",
    "load_work",
    "read_constraints",
    "read_labels",
    "read_records",
    "read_s2and_labels",
    "read_works",
]
