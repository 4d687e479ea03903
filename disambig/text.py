"""Text columns to token matrices, in bulk.

Tokens are runs of ASCII letters and digits after case folding and transliteration, at least
two long, stop words left out. Everything runs inside pyarrow's C++ kernels: no Python loop
over tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii
from scipy import sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

Float32 = npt.NDArray[np.float32]


def fold(texts: Sequence[str]) -> pa.StringArray:
    """Lower-case and transliterate to ASCII. Length and order are kept."""
    ascii_only = [text if text.isascii() else anyascii(text) for text in texts]
    return pc.utf8_lower(pa.array(ascii_only, type=pa.large_string()))


def token_matrix(
    texts: Sequence[str], *, drop: frozenset[str] = ENGLISH_STOP_WORDS
) -> tuple[sparse.csr_array, list[str]]:
    """Which words each text holds.

    Returns
    -------
    matrix : csr_array of shape (len(texts), n_words), float32
        Term counts; columns in alphabetical order, so that sums over them run in one order
        whatever order the texts came in.
    words : list of str
        The word of each column.
    """
    tokens = pc.split_pattern_regex(fold(texts), pattern="[^a-z0-9]+")
    owner = pc.list_parent_indices(tokens).to_numpy(zero_copy_only=False)
    flat = pc.list_flatten(tokens)
    long_enough = pc.greater(pc.utf8_length(flat), 1)
    stop = pc.is_in(flat, value_set=pa.array(sorted(drop), type=flat.type))
    keep = pc.and_(long_enough, pc.invert(stop))
    encoded = pc.dictionary_encode(flat.filter(keep))
    alphabetical = pc.array_sort_indices(encoded.dictionary).to_numpy()
    place = np.empty(len(alphabetical), dtype=np.int32)
    place[alphabetical] = np.arange(len(alphabetical), dtype=np.int32)
    column = place[encoded.indices.to_numpy()]
    row = owner[keep.to_numpy(zero_copy_only=False)]
    words: list[str] = encoded.dictionary.take(pa.array(alphabetical)).to_pylist()
    matrix = sparse.csr_array(
        (np.ones(len(row), dtype=np.float32), (row, column)), shape=(len(texts), len(words))
    )
    matrix.sum_duplicates()
    return matrix, words


def document_frequency(matrix: sparse.csr_array) -> Float32:
    """Rows in which each column appears, float32[n_columns]."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float32)


def unit_rows(matrix: sparse.csr_array) -> sparse.csr_array:
    """Rows scaled to length 1; empty rows stay empty."""
    norm = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
    scaled: sparse.csr_array = sparse.csr_array(matrix.multiply(scale[:, None])).astype(np.float32)
    return scaled
