"""One new work held against the published mentions that bear on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disambig import domain
from disambig.assign import Assigner, AuthorAssignment
from disambig.contents import Contents
from disambig.corpus import Corpus
from disambig.index import get_coauthor_keys, tokenise_corpus
from disambig.model import Model
from disambig.semantic import SemanticSpace
from disambig.statistics import Statistics
from service.nearby import Nearby
from service.reasons import Reasons, company_names


def compare(
    near: Nearby, work: domain.Work, model: Model, space: SemanticSpace, statistics: Statistics
) -> tuple[Sequence[AuthorAssignment], list[int], Reasons]:
    """Placements of a work's authors, the keys their identities stand for, and the reasons."""
    corpus = Corpus.from_works(near.works.values())
    key_of = {known.id: key for key, known in near.works.items()}
    works = [key_of[i] for i in corpus.work_ids]
    places = zip(corpus.signature_work.tolist(), corpus.signature_position.tolist(), strict=True)
    published = [near.identity.get((works[w], at)) for w, at in places]
    rows = np.array([r for r, key in enumerate(published) if key is not None], dtype=np.int32)
    keys, label = np.unique([published[r] for r in rows.tolist()], return_inverse=True)
    contents = Contents.of(corpus, get_coauthor_keys(corpus), tokenise_corpus(corpus), space, model.frequency)
    assigner = Assigner.from_contents(contents.select(rows), statistics, label.astype(np.int32), model, space)
    compared = assigner.compare(work)
    printed = company_names([*corpus.names, *Corpus.from_works([work]).names])
    placements = assigner.decide(work, compared)
    known = [int(key) for key in keys.tolist()]
    return placements, known, Reasons(compared, known, model, printed)
