"""Errors that a caller can handle.

::

    DisambigError
    ├── InputError          a file or record cannot be used
    │   ├── RecordError     one record; holds file, line, field and remedy
    │   └── FormatError     a whole file; its format is unknown or not as declared
    ├── ConstraintError     constraints name unknown signatures or contradict each other
    └── ModelError          a model file is damaged, of another version, or does not fit
"""

from __future__ import annotations


class DisambigError(Exception):
    """Base of all deliberate errors. The message says what to do."""


class InputError(DisambigError):
    """A file or record that cannot be used."""


class RecordError(InputError):
    """One bad record: ``file:line: field: problem; remedy``."""

    def __init__(self, file: str, line: int, field: str, problem: str, remedy: str) -> None:
        """``line`` counts from 1; 0 is the whole file."""
        self.file, self.line, self.field = file, line, field
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{file}:{line}: {field}: {problem}; {remedy}")


class FormatError(InputError):
    """A file whose format is unknown, or that is not what ``--format`` declared."""


class ConstraintError(DisambigError):
    """Constraints that contradict each other or name signatures that do not exist."""


class ModelError(DisambigError):
    """A model file that is damaged, of another version, or does not fit the data."""
