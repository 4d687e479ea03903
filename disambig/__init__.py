"""Author name disambiguation: cluster the author mentions of works into identities.

>>> import disambig
>>> works = disambig.read_works(["works.jsonl"])  # doctest: +SKIP
>>> corpus = disambig.Corpus.from_works(works)  # doctest: +SKIP
>>> people = disambig.Disambiguator().predict(corpus)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disambig.assignment.assign import Assigner
    from disambig.corpus.corpus import Corpus
    from disambig.corpus.embeddings import SemanticSpace
    from disambig.domain import (
        Assignment,
        Author,
        Constraint,
        ConstraintKind,
        Label,
        Signature,
        Work,
    )
    from disambig.errors import (
        ConstraintError,
        DisambigError,
        FormatError,
        InputError,
        ModelError,
        RecordError,
    )
    from disambig.estimator import Disambiguator
    from disambig.evaluation.metrics import Metrics, evaluate
    from disambig.ingest import read_constraints, read_labels, read_works
    from disambig.model.model import Model
    from disambig.partition import Partition

_HOME = {
    "Assigner": "assignment.assign",
    "Assignment": "domain",
    "Author": "domain",
    "Constraint": "domain",
    "ConstraintError": "errors",
    "ConstraintKind": "domain",
    "Corpus": "corpus.corpus",
    "DisambigError": "errors",
    "Disambiguator": "estimator",
    "FormatError": "errors",
    "InputError": "errors",
    "Label": "domain",
    "Metrics": "evaluation.metrics",
    "Model": "model.model",
    "ModelError": "errors",
    "Partition": "partition",
    "RecordError": "errors",
    "SemanticSpace": "corpus.embeddings",
    "Signature": "domain",
    "Work": "domain",
    "evaluate": "evaluation.metrics",
    "read_constraints": "ingest",
    "read_labels": "ingest",
    "read_works": "ingest",
}

__all__ = [
    "Assigner",
    "Assignment",
    "Author",
    "Constraint",
    "ConstraintError",
    "ConstraintKind",
    "Corpus",
    "DisambigError",
    "Disambiguator",
    "FormatError",
    "InputError",
    "Label",
    "Metrics",
    "Model",
    "ModelError",
    "Partition",
    "RecordError",
    "SemanticSpace",
    "Signature",
    "Work",
    "evaluate",
    "read_constraints",
    "read_labels",
    "read_works",
]


def __getattr__(name: str) -> Any:
    """Import public names at first use, so that ``--help`` does not import scikit-learn."""
    if name in _HOME:
        return getattr(import_module(f"disambig.{_HOME[name]}"), name)
    raise AttributeError(f"module 'disambig' has no attribute {name!r}")
