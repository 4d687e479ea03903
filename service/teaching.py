"""Decisions as labels: a model fitted on them, compared with the one in use.

A decision says of pairs of mentions that they are the same person, or different ones. Mentions
that decisions join are one labelled person; of two such persons it is known that they differ only
where a decision says so, and other pairs are not learned from. A random share of the decisions,
not of the pairs, is held back: pairs of one decision look alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from disambig.domain import Constraint, ConstraintKind, Label, Signature
from disambig.progress import Progress, silent
from service.database import Database
from service.errors import Invalid
from service.link_rows import constraints_of
from service.links import Groups

if TYPE_CHECKING:
    from disambig.corpus import Corpus
    from disambig.model import Model
    from disambig.partition import Partition

HELD_BACK = 0.2
"""Share of the decisions that are not learned from."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What decisions teach.

    Attributes
    ----------
    labels : tuple of Label
        Mentions with the person that decisions make of them.
    apart : tuple of (str, str)
        Persons that decisions say differ.
    held : tuple of Constraint
        What the decisions held back say that does not follow from the others.
    decisions, held_decisions : int
    """

    labels: tuple[Label, ...]
    apart: tuple[tuple[str, str], ...]
    held: tuple[Constraint, ...]
    decisions: int
    held_decisions: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One model beside another, ``old`` and ``new``.

    Attributes
    ----------
    held_pairs : int
        Pairs that the decisions held back speak of.
    held_right : mapping
        How many of them each clusters as was decided.
    gold : mapping
        B-cubed precision, recall and F1 of each on labels that neither learned from here; empty
        without any.
    mentions : int
        In the database.
    changed : int
        Mentions whose identity would hold other mentions.
    identities : mapping
        How many each finds.
    """

    held_pairs: int
    held_right: Mapping[str, int]
    gold: Mapping[str, Mapping[str, float]]
    mentions: int
    changed: int
    identities: Mapping[str, int]


def lesson(decided: Sequence[Constraint], share: float, seed: int) -> Lesson:
    """Divide what decisions say into what is learned from and what is held back.

    Parameters
    ----------
    decided : sequence of Constraint
        Each with its decision as the source.
    share : float
        Of the decisions, to hold back: at least one where there are two and it is above 0.
    """
    sources = sorted({c.source for c in decided})
    n = min(max(round(share * len(sources)), 1), len(sources) - 1) if share > 0 else 0
    held = set(Random(seed).sample(sources, max(n, 0)))
    known = [c for c in decided if c.source not in held]
    people = _people(known)
    apart = {
        _pair(people[c.a], people[c.b])
        for c in known
        if c.kind is ConstraintKind.CANNOT and people[c.a] != people[c.b]
    }
    open_ = [
        c for c in decided
        if c.source in held and not _follows(people.get(c.a), people.get(c.b), apart)
    ]  # fmt: skip
    labels = [Label(signature, person) for signature, person in people.items()]
    labels.sort(key=lambda label: (label.signature.work, label.signature.position))
    return Lesson(
        tuple(labels), tuple(sorted(apart)), tuple(open_), len(sources) - len(held), len(held)
    )


def _people(decided: Iterable[Constraint]) -> dict[Signature, str]:
    """A name for the person of every mention that decisions speak of."""
    number: dict[Signature, int] = {}
    groups = Groups()
    for constraint in decided:
        a, b = (number.setdefault(end, len(number)) for end in (constraint.a, constraint.b))
        if constraint.kind is ConstraintKind.MUST:
            groups.join(a, b)
    return {signature: f"decided {groups.of(k)}" for signature, k in number.items()}


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)


def _follows(a: str | None, b: str | None, apart: set[tuple[str, str]]) -> bool:
    return a is not None and b is not None and (a == b or _pair(a, b) in apart)


def read(database: Database) -> tuple[Corpus, list[Constraint]]:
    """All works, and what the decisions in force say of them."""
    from disambig.corpus import Corpus
    from service.stored import all_works

    with database.read() as connection:
        decided = constraints_of(connection)
        return Corpus.from_works(work for _, work in all_works(connection)), decided


def fitted(
    corpus: Corpus,
    taught: Lesson,
    gold: tuple[Corpus, Sequence[Label]] | None = None,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Model:
    """A model of what decisions teach, together with gold if there is any.

    Raises
    ------
    Invalid
        If no decision is left to learn from.
    InputError
        If the labels are too few to learn from.
    """
    from disambig.training import LabelledCorpus, fit_model

    if not taught.labels:
        raise Invalid("no decisions to learn from", "decide some tasks first")
    corpora = [LabelledCorpus("decisions", corpus, taught.labels, taught.apart)]
    if gold is not None:
        corpora.append(LabelledCorpus("gold", *gold))
    metadata = {"decisions": taught.decisions, "held_back": taught.held_decisions}
    return fit_model(corpora, metadata=metadata, seed=seed, progress=progress)


def compared(
    corpus: Corpus,
    decided: Sequence[Constraint],
    taught: Lesson,
    models: Mapping[str, Model],
    gold: tuple[Corpus, Sequence[Label]] | None = None,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> Compared:
    """Cluster with the ``old`` and the ``new`` model, and compare; nothing is stored.

    The decisions held back do not constrain the clusterings that they judge; what would change is
    counted under all decisions, as a run would cluster.
    """
    from disambig.estimator import Disambiguator

    def cluster(of: Corpus, model: Model, constraints: Sequence[Constraint] = ()) -> Partition:
        return Disambiguator(
            model=model, constraints=constraints, workers=workers, progress=progress
        ).predict(of)

    held = {(c.a, c.b, c.kind) for c in taught.held}
    judged = [c for c in decided if (c.a, c.b, c.kind) not in held]
    right = {}
    for name, model in models.items():
        identity = cluster(corpus, model, judged).identity if held else ()
        right[name] = sum(
            (identity[corpus.row_of(a)] == identity[corpus.row_of(b)])
            == (kind is ConstraintKind.MUST)
            for a, b, kind in held
        )
    whole = {name: cluster(corpus, model, decided) for name, model in models.items()}
    measured = {}
    if gold is not None and gold[1]:
        measured = {
            name: _measured(cluster(gold[0], model), gold[1]) for name, model in models.items()
        }
    return Compared(
        len(held), right, measured, corpus.n_signatures,
        _changed(whole["old"], whole["new"]),
        {name: people.n_identities for name, people in whole.items()},
    )  # fmt: skip


def _measured(people: Partition, labels: Sequence[Label]) -> dict[str, float]:
    import numpy as np

    from disambig.metrics import evaluate

    rows = np.array([people.corpus.row_of(label.signature) for label in labels], dtype=np.int64)
    person = np.unique([label.person for label in labels], return_inverse=True)[1]
    block = None
    if all(label.block for label in labels):
        block = np.unique([label.block for label in labels], return_inverse=True)[1]
    found = evaluate(people.identity[rows], person.astype(np.int64), block)
    return {
        "precision": found.bcubed_precision, "recall": found.bcubed_recall,
        "f1": found.bcubed_f1,
    }  # fmt: skip


def _changed(old: Partition, new: Partition) -> int:
    import numpy as np

    from disambig.metrics import bcubed_by_signature

    precision, recall = bcubed_by_signature(new.identity, old.identity)
    return int(np.count_nonzero((precision < 1) | (recall < 1)))


def told(found: Compared) -> dict[str, Any]:
    """A comparison as JSON knows it."""
    return asdict(found)
