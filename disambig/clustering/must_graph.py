"""Graph of must-links and identifiers.

Signatures are nodes, a must-link is an edge, and an identifier is one more node with an edge to
every signature that has it. Must-groups are the connected components; a shortest path is the
chain of must-links and identifiers that makes two signatures one person.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from disambig.arrays import Int64
from disambig.corpus.corpus import Corpus
from disambig.corpus.identifiers import Identifiers


@dataclass(frozen=True, eq=False)
class MustGraph:
    """Edges among the nodes of S signatures and of identifiers.

    Attributes
    ----------
    n_signatures : int
        S; nodes below it are signature rows, nodes from it on identifiers.
    left, right : int64[E]
        Ends of each edge.
    sources : dict
        Source of the edge between two signatures, lower row first.
    identifier_texts : list of str
        Text of each identifier.
    """

    n_signatures: int
    left: Int64
    right: Int64
    sources: dict[tuple[int, int], str]
    identifier_texts: list[str] = field(default_factory=list)

    def label_components(self) -> Int64:
        """Return the connected component of each signature, int64[S]."""
        n = self.n_signatures + len(self.identifier_texts)
        data = np.ones(len(self.left), dtype=np.int8)
        graph = sparse.coo_array((data, (self.left, self.right)), shape=(n, n))
        components: Int64 = connected_components(graph, directed=False)[1].astype(np.int64)
        return components[: self.n_signatures]

    def add_identifiers(self, identifiers: Identifiers) -> MustGraph:
        """Return the graph with one more kind of identifiers."""
        first = self.n_signatures + len(self.identifier_texts)
        return MustGraph(
            self.n_signatures,
            np.concatenate([self.left, identifiers.row]),
            np.concatenate([self.right, first + identifiers.value]),
            self.sources,
            self.identifier_texts + [f"{identifiers.kind} {text}" for text in identifiers.texts],
        )

    def list_neighbours(self) -> dict[int, list[int]]:
        """List the adjacent nodes of each node that has any."""
        out: dict[int, list[int]] = {}
        for a, b in zip(self.left.tolist(), self.right.tolist(), strict=True):
            out.setdefault(a, []).append(b)
            out.setdefault(b, []).append(a)
        return out

    def describe_chain(self, corpus: Corpus, path: list[int]) -> str:
        """Describe a path: "A must be B (user), B and C share ORCID iD 0000-…"."""
        n = self.n_signatures
        node_texts = [str(corpus.signature(node)) if node < n else "" for node in path]
        parts = [] if len(path) > 1 else [f"{node_texts[0]} is itself"]
        for k in range(len(path) - 1):
            a, b = path[k], path[k + 1]
            if a < n and b < n:
                source = self.sources[min(a, b), max(a, b)]
                parts.append(f"{node_texts[k]} must be {node_texts[k + 1]} ({source})")
            elif b >= n:
                parts.append(
                    f"{node_texts[k]} and {node_texts[k + 2]} share {self.identifier_texts[b - n]}"
                )
        return ", ".join(parts)
