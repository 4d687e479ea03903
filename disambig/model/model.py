"""A trained model: its forests, their calibrations, name statistics and settings, in one file.

The file holds arrays and JSON only (see :mod:`disambig.archive`): loading it cannot run code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig import archive
from disambig.archive import Arrays
from disambig.errors import ModelError
from disambig.model.calibration import Calibration
from disambig.model.forest import Forest
from disambig.model.size_shift import SIZE_FEATURES, SIZE_SHIFT_FEATURES
from disambig.names.frequency import NameFrequency

FORMAT = 3
"""Version of the file format, increased when readers and files become incompatible."""

_NODES = ("feature", "threshold", "missing_left", "left", "right", "value", "tree_start")
_LEVELS = {
    "pair": "pair",
    "group": "group",
    "confidence": "confidence",
    "pair_growth": "pair_size_shift",
    "group_growth": "group_size_shift",
}
"""Attribute of each forest, by its name in the file."""
_CALIBRATED = ("pair", "group", "confidence")
_KNOTS = ("x", "y")
_NAMES = ("family", "given", "initial")
_REMEDY = "make one with `disambig train`, or reinstall disambig to get its default model back"


@dataclass(frozen=True, eq=False)
class Model:
    """Everything learned that a run needs, except the semantic space.

    Attributes
    ----------
    pair, group : Forest
        First level, over pairs of signatures; second level, over pairs of groups.
    confidence : Forest
        Over signatures in their identities, see :mod:`disambig.clustering.confidence`.
    pair_calibration, group_calibration, confidence_calibration : Calibration or None
        Map from a forest's log-odds to probabilities; None for the sigmoid.
    pair_size_shift, group_size_shift : Forest or None
        For corpora larger than those the first two were fitted on
        (:mod:`disambig.model.size_shift`); None where the model takes all corpora to be alike.
    frequency : NameFrequency
        How common names are.
    settings : mapping of str to float
        Thresholds of the stages, by name.
    metadata : mapping of str to JSON
        Documentation and checks: training data, versions, seed, date, dev metrics, and
        ``space``, the fingerprint of the semantic space the features were computed with.
    """

    pair: Forest
    pair_calibration: Calibration | None
    group: Forest
    group_calibration: Calibration | None
    confidence: Forest
    confidence_calibration: Calibration | None
    frequency: NameFrequency
    settings: Mapping[str, float]
    metadata: Mapping[str, Any]
    pair_size_shift: Forest | None = None
    group_size_shift: Forest | None = None

    @classmethod
    def load(cls, path: Path | str | None = None) -> Model:
        """Read a model; without ``path`` the default one shipped in the package.

        Raises
        ------
        ModelError
            The file is missing, damaged, changed, too large, of another format version, or
            holds anything that is no plain array.
        """
        source = files("disambig") / "data" / "model.npz" if path is None else Path(path)
        try:
            document, arrays = archive.read_archive(source, FORMAT)
            return _build_model(document, arrays)
        except ModelError as problem:
            raise ModelError(f"{source}: {problem}; {_REMEDY}") from problem

    def save(self, path: Path | str) -> None:
        """Write the model to ``path``; equal models give files equal to the byte.

        Raises
        ------
        ModelError
            The metadata is not JSON, a name holds a line break or half a character, or the
            file cannot be written.
        """
        archive.write_archive(Path(path), FORMAT, _to_document(self), _to_arrays(self))

    def get_first_level_threshold(self, doublings: int) -> float:
        """Return the mean probability from which the first level joins, in a corpus ``doublings``
        beyond the size that the first forests were fitted on
        (:func:`disambig.corpus.statistics.count_doublings`).
        """
        shifted_threshold = self.settings.get("first_level_growth") if doublings else None
        return self.settings["first_level"] if shifted_threshold is None else shifted_threshold

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, in hex, as stored in the file; equal for equal models."""
        return archive.compute_digest(_to_document(self), _to_arrays(self))

    def check_features(
        self, pair: Sequence[str], group: Sequence[str], confidence: Sequence[str]
    ) -> None:
        """Check that the running code computes all features that the model was fitted on.

        Further ones, added since, are not read: forests select their columns by name.

        Raises
        ------
        ModelError
            Some are missing; the text lists them.
        """
        problems = []
        for level, forest in _get_forests(self).items():
            computed = {"pair": pair, "group": group, "confidence": confidence}[level.split("_")[0]]
            if level == "group_growth":
                computed = (*computed, *SIZE_SHIFT_FEATURES)
            if level.endswith("growth"):
                computed = (*computed, *SIZE_FEATURES)
            missing = [name for name in forest.features if name not in set(computed)]
            if missing:
                problems.append(f"{level} features it needs are missing: {', '.join(missing)}")
        if problems:
            raise ModelError(
                f"the model does not fit this version of disambig: {'; '.join(problems)}; train"
                " one for this version with `disambig train`, or use the default model"
            )

    def check_space(self, fingerprint: str) -> None:
        """Compare the semantic space in use with the one the model was fitted with.

        Raises
        ------
        ModelError
            They differ, or the model does not say which it was.
        """
        fitted_space = self.metadata.get("space")
        if fitted_space != fingerprint:
            fitted_name = (
                "an unknown semantic space"
                if fitted_space is None
                else f"semantic space {fitted_space!s:.12}"
            )
            raise ModelError(
                f"the model was fitted with {fitted_name}, in use is {fingerprint:.12}; use the"
                " space it was fitted with, or train one for this space with `disambig train`"
            )


def _get_forests(model: Model) -> dict[str, Forest]:
    """Return the forests of a model by level."""
    by_level = {level: getattr(model, attribute) for level, attribute in _LEVELS.items()}
    return {level: forest for level, forest in by_level.items() if forest is not None}


def _to_document(model: Model) -> dict[str, Any]:
    """Return the part of a model that is stored as JSON."""
    return {
        "features": {level: list(f.features) for level, f in _get_forests(model).items()},
        "baseline": {level: f.baseline for level, f in _get_forests(model).items()},
        "names": model.frequency.total,
        "settings": dict(model.settings),
        "metadata": dict(model.metadata),
    }


def _to_arrays(model: Model) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a model, by member name."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for level, forest in _get_forests(model).items():
        arrays |= {f"{level}_{name}": getattr(forest, name) for name in _NODES}
    for level in _CALIBRATED:
        map_ = getattr(model, f"{level}_calibration")
        if map_ is not None:
            arrays |= {f"{level}_calibration_{name}": getattr(map_, name) for name in _KNOTS}
    for name in _NAMES:
        counts: dict[str, int] = getattr(model.frequency, name)
        if any(not key or "\n" in key for key in counts):
            raise ModelError(f"a {name} name is empty or holds a line break; names must be parsed")
        try:
            text = "\n".join(counts).encode("utf-8")
        except UnicodeEncodeError as problem:
            raise ModelError(f"a {name} name is not UTF-8; names must be parsed") from problem
        arrays[f"names_{name}"] = np.frombuffer(text, dtype=np.uint8)
        arrays[f"names_{name}_count"] = np.array(list(counts.values()), dtype=np.int32)
    return arrays


def _build_model(document: Mapping[str, Any], arrays: Arrays) -> Model:
    """Build and validate a model from its document and arrays."""
    remaining = dict(arrays)
    feature_names = _get_mapping(document, "features")

    def build_forest(level: str) -> Forest:
        return _build_forest(level, document, remaining)

    def build_shift(level: str) -> Forest | None:
        return build_forest(level) if level in feature_names else None

    forests = [build_forest(level) for level in _CALIBRATED]
    calibrations = [_build_calibration(level, remaining) for level in _CALIBRATED]
    shifts = [build_shift(level) for level in ("pair_growth", "group_growth")]
    frequency = _build_frequency(document, remaining)
    if remaining:
        raise ModelError(f"holds unexpected members: {', '.join(map(repr, sorted(remaining)))}")
    settings = _get_mapping(document, "settings")
    for name, value in settings.items():
        if type(value) not in (int, float):
            raise ModelError(f"its setting {name!r} is not a number")
    metadata = _get_mapping(document, "metadata")
    return Model(
        pair=forests[0],
        pair_calibration=calibrations[0],
        group=forests[1],
        group_calibration=calibrations[1],
        confidence=forests[2],
        confidence_calibration=calibrations[2],
        frequency=frequency,
        settings=settings,
        metadata=metadata,
        pair_size_shift=shifts[0],
        group_size_shift=shifts[1],
    )


def _build_forest(level: str, document: Mapping[str, Any], arrays: dict[str, Any]) -> Forest:
    """Build one level's forest; remove its arrays from ``arrays``."""
    names = _get_mapping(document, "features").get(level)
    baseline = _get_mapping(document, "baseline").get(level)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError(f"its {level} feature names are missing")
    if not isinstance(baseline, int | float) or isinstance(baseline, bool):
        raise ModelError(f"its {level} baseline is missing")
    nodes = {name: _pop_array(arrays, f"{level}_{name}") for name in _NODES}
    return Forest(features=tuple(names), baseline=float(baseline), **nodes)


def _build_calibration(level: str, arrays: dict[str, Any]) -> Calibration | None:
    """Build one level's calibration, None if the file has none."""
    if not any(f"{level}_calibration_{name}" in arrays for name in _KNOTS):
        return None
    return Calibration(
        **{name: _pop_array(arrays, f"{level}_calibration_{name}") for name in _KNOTS}
    )


def _build_frequency(document: Mapping[str, Any], arrays: dict[str, Any]) -> NameFrequency:
    """Build the name statistics; remove their arrays from ``arrays``."""
    total = document.get("names")
    if type(total) is not int or not 1 <= total < 2**53:
        raise ModelError("its number of names is missing")
    counts = {}
    for name in _NAMES:
        text = _pop_array(arrays, f"names_{name}")
        count = _pop_array(arrays, f"names_{name}_count")
        if text.dtype != np.uint8 or count.dtype != np.int32 or (count < 1).any():
            raise ModelError(f"its {name} names are damaged")
        try:
            keys = text.tobytes().decode("utf-8").split("\n") if len(text) else []
        except UnicodeDecodeError as problem:
            raise ModelError(f"its {name} names are not UTF-8") from problem
        if len(set(keys)) != len(count) or len(keys) != len(count):
            raise ModelError(f"its {name} names and their counts differ in number")
        counts[name] = dict(zip(keys, count.tolist(), strict=True))
    return NameFrequency(total=total, **counts)


def _pop_array(arrays: dict[str, Any], name: str) -> npt.NDArray[Any]:
    """Remove and return the array ``name``; arrays that remain at the end are reported."""
    if name not in arrays:
        raise ModelError(f"its member {name}.npy is missing")
    array: npt.NDArray[Any] = arrays.pop(name)
    return array


def _get_mapping(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the JSON object ``name`` of the document."""
    value = document.get(name)
    if not isinstance(value, dict):
        raise ModelError(f"{archive.DOCUMENT} lacks {name}")
    return value
