"""The model file: round trip, same bytes, tampering, mismatches."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disambig import archive as _archive
from disambig.errors import ModelError
from disambig.model.calibration import Calibration
from disambig.model.forest import Forest
from disambig.model.model import FORMAT, Model
from disambig.names.frequency import NameFrequency

I32, F32 = np.int32, np.float32


def stump(features: tuple[str, ...], low: float, high: float) -> Forest:
    """One test of the first feature: at most 0.5 gives ``low``, more gives ``high``."""
    return Forest(
        features=features,
        feature=np.array([0, -1, -1], dtype=I32),
        threshold=np.array([0.5, 0, 0], dtype=F32),
        missing_left=np.array([True, False, False]),
        left=np.array([1, -1, -1], dtype=I32),
        right=np.array([2, -1, -1], dtype=I32),
        value=np.array([0.0, low, high]),
        tree_start=np.array([0, 3], dtype=I32),
        baseline=-0.1,
    )


MODEL = Model(
    pair=stump(("given", "coauthors"), -1.5, 2.25),
    pair_calibration=Calibration(np.array([-1.0, 1.0]), np.array([0.125, 0.9])),
    group=stump(("size",), 0.1, 0.2),
    group_calibration=None,
    confidence=stump(("inside_mean",), -0.5, 0.5),
    confidence_calibration=Calibration(np.array([-0.5, 0.5]), np.array([0.2, 0.8])),
    frequency=NameFrequency({"müller": 3, "李": 9}, {}, {"w": 7}, 20),
    settings={"first_level": 0.9, "rounds": 3},
    metadata={"space": "5ace", "corpora": ["a", "b"], "seed": 7, "dev": {"a": {"f1": 0.91}}},
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    MODEL.save(tmp_path / "model.npz")
    return tmp_path / "model.npz"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def put(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def sealed(path: Path, document: dict | None = None, **arrays: np.ndarray | bytes | None) -> None:
    """Write MODEL with parts exchanged and a checksum that fits, as a forger would."""
    MODEL.save(path)
    content = members(path)
    head = json.loads(content.pop("model.json"))
    head["content"] |= document or {}
    for name, array in arrays.items():
        if isinstance(array, np.ndarray):
            stream = io.BytesIO()
            np.save(stream, array)
            array = stream.getvalue()
        content[f"{name}.npy"] = array
    content = {name: data for name, data in content.items() if data is not None}
    named = {name.removesuffix(".npy"): data for name, data in content.items()}
    head["sha256"] = _archive._hash_members(_archive._dump_json(head["content"]), named)
    put(path, {"model.json": json.dumps(head).encode(), **content})


def test_a_model_loads_as_it_was_saved(saved):
    loaded = Model.load(saved)
    for level in ("pair", "group", "confidence"):
        ours, theirs = getattr(loaded, level), getattr(MODEL, level)
        for name in vars(theirs):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert loaded.pair_calibration.x.tolist() == [-1.0, 1.0]
    assert loaded.pair_calibration.y.tolist() == [0.125, 0.9]
    assert loaded.group_calibration is None
    assert loaded.settings == MODEL.settings
    assert loaded.metadata == MODEL.metadata
    names = [(f.family, f.given, f.initial, f.total) for f in (loaded.frequency, MODEL.frequency)]
    assert names[0] == names[1]


def test_a_loaded_model_gives_the_same_probabilities(saved):
    X = np.array([[0.5, 0], [0.6, 0], [np.nan, 1]], dtype=F32)
    raw = Model.load(saved).pair.compute_log_odds(X)
    assert raw.tolist() == MODEL.pair.compute_log_odds(X).tolist()
    assert raw == pytest.approx([-1.6, 2.15, -1.6])


def test_equal_models_make_files_equal_to_the_byte(saved, tmp_path):
    other = replace(MODEL, metadata=dict(reversed(MODEL.metadata.items())))
    other.save(tmp_path / "other.npz")
    Model.load(saved).save(tmp_path / "again.npz")
    assert (tmp_path / "other.npz").read_bytes() == saved.read_bytes()
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_the_digest_tells_models_apart_and_is_the_one_in_the_file(saved):
    assert MODEL.digest == json.loads(members(saved)["model.json"])["sha256"]
    assert Model.load(saved).digest == MODEL.digest
    assert replace(MODEL, settings={"first_level": 0.8}).digest != MODEL.digest


def test_loaded_arrays_cannot_be_written_to(saved):
    with pytest.raises(ValueError, match="read-only"):
        Model.load(saved).pair.value[0] = 1


def test_numpy_opens_the_file_without_pickle(saved):
    with np.load(saved, allow_pickle=False) as arrays:
        assert arrays["pair_value"].tolist() == [0.0, -1.5, 2.25]


@settings(
    deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_changed_bytes_either_load_as_the_same_model_or_are_refused(saved, data):
    original = saved.read_bytes()
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = saved.with_name("changed.npz")
    path.write_bytes(changed)
    try:
        assert Model.load(path).digest == MODEL.digest
    except ModelError:
        assert changed != original


def test_a_file_cut_anywhere_is_refused(saved):
    whole = saved.read_bytes()
    for length in range(0, len(whole), 97):
        saved.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="damaged or not a model"):
            Model.load(saved)


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(["pair_left", "pair_missing_left", "names_family"]), data=st.data())
def test_forged_members_with_a_fitting_checksum_never_fail_otherwise(saved, name, data):
    member = bytearray(members(saved)[f"{name}.npy"])
    for _ in range(data.draw(st.integers(1, 3))):
        member[data.draw(st.integers(0, len(member) - 1))] = data.draw(st.integers(0, 255))
    sealed(saved, **{name: bytes(member)})
    try:
        loaded = Model.load(saved)
    except ModelError:
        return
    assert np.isfinite(loaded.pair.compute_log_odds(np.zeros((2, 2), dtype=F32))).all()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_model_is_refused_with_a_remedy(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.npz: .*disambig train"):
        Model.load(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ModelError, match="No such file"):
        Model.load(tmp_path / "none.npz")
    with pytest.raises(ModelError, match="directory"):
        Model.load(tmp_path)


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def test_a_pickled_array_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sealed(tmp_path / "m.npz", pair_value=np.array([Bomb()], dtype=object))
    with pytest.raises(ModelError, match="could run code"):
        Model.load(tmp_path / "m.npz")
    assert not (tmp_path / "exploded").exists()


def test_a_plain_pickle_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError, match="not a model"):
        Model.load(tmp_path / "m.npz")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"pair_left": None}, "pair_left.npy is missing"),
        ({"pair_calibration_y": None}, "pair_calibration_y.npy is missing"),
        ({"names_given_count": None}, "names_given_count.npy is missing"),
        ({"surprise": np.zeros(1)}, "unexpected members: 'surprise'"),
        ({"pair_value": np.zeros((3, 1))}, "not a flat array"),
        ({"pair_value": np.zeros(3, dtype=complex)}, "not plain numbers"),
        ({"pair_value": np.array(["a", "b", "c"])}, "not plain numbers"),
        ({"pair_value": np.zeros(3, dtype=F32)}, "value is float32"),
        ({"pair_value": np.array([0, 1, np.nan])}, "not a number"),
        ({"pair_left": np.array([0, -1, -1], dtype=I32)}, "before its parent"),
        ({"pair_left": np.array([9, -1, -1], dtype=I32)}, "out of its tree"),
        ({"pair_feature": np.array([2, -1, -1], dtype=I32)}, "does not exist"),
        ({"pair_calibration_x": np.array([1.0, 0.0])}, "do not increase"),
        ({"names_initial": np.frombuffer(b"\xff", dtype=np.uint8)}, "not UTF-8"),
        ({"names_initial": np.frombuffer(b"a\nb", dtype=np.uint8)}, "differ in number"),
        ({"names_family_count": np.array([3, 0], dtype=I32)}, "damaged"),
        ({"names_family": np.frombuffer(b"x\nx", dtype=np.uint8)}, "differ in number"),
    ],
)
def test_a_forged_array_is_refused_by_what_is_wrong(tmp_path, arrays, text):
    sealed(tmp_path / "m.npz", **arrays)
    with pytest.raises(ModelError, match=text):
        Model.load(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"features": None}, "lacks features"),
        ({"features": {"pair": ["a"]}}, "does not exist|group feature names"),
        ({"features": {"pair": [1, 2], "group": ["size"]}}, "pair feature names"),
        ({"baseline": {"pair": True, "group": 0}}, "pair baseline"),
        ({"names": 0}, "number of names"),
        ({"settings": {"first_level": "0.9"}}, "'first_level' is not a number"),
        ({"settings": {"first_level": True}}, "'first_level' is not a number"),
        ({"metadata": []}, "lacks metadata"),
    ],
)
def test_a_forged_document_is_refused_by_what_is_wrong(tmp_path, document, text):
    sealed(tmp_path / "m.npz", document)
    with pytest.raises(ModelError, match=text):
        Model.load(tmp_path / "m.npz")


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 200_000,
        b"[]",
        b'{"format": 1}',
        b'{"format": "1", "sha256": "", "content": {}}',
        b'{"format": 1, "sha256": "", "content": {"a": NaN}}',
        b'{"format": 1, "sha256": "", "content": {"a": 1e999}}',
        b'{"format": 1' + b"0" * 9999 + b"}",
        b"\xff\xfe",
        b" " * (_archive.MAX_JSON + 1),
    ],
)
def test_a_hostile_document_is_refused(saved, text):
    put(saved, members(saved) | {"model.json": text})
    with pytest.raises(ModelError):
        Model.load(saved)


def test_a_model_without_its_document_is_refused(saved):
    content = members(saved)
    del content["model.json"]
    put(saved, content)
    with pytest.raises(ModelError, match=r"model\.json is missing"):
        Model.load(saved)


@pytest.mark.parametrize(
    ("version", "text"), [(FORMAT + 1, "newer disambig .* upgrade"), (FORMAT - 1, "older disambig")]
)
def test_another_format_version_is_refused_with_what_to_do(saved, version, text):
    content = members(saved)
    head = json.loads(content["model.json"]) | {"format": version}
    put(saved, content | {"model.json": json.dumps(head).encode()})
    with pytest.raises(ModelError, match=text):
        Model.load(saved)


def test_an_edited_setting_breaks_the_checksum(saved):
    content = members(saved)
    head = json.loads(content["model.json"])
    head["content"]["settings"]["first_level"] = 0.1
    put(saved, content | {"model.json": json.dumps(head).encode()})
    with pytest.raises(ModelError, match="checksum"):
        Model.load(saved)


def test_an_exchanged_array_breaks_the_checksum(saved):
    content = members(saved)
    put(saved, content | {"pair_value.npy": content["group_value.npy"]})
    with pytest.raises(ModelError, match="checksum"):
        Model.load(saved)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_occurs_twice_is_refused(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("pair_value.npy", members(saved)["pair_value.npy"])
    with pytest.raises(ModelError, match="twice"):
        Model.load(saved)


def test_a_member_that_is_no_array_is_refused(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("setup.py", b"print()")
    with pytest.raises(ModelError, match=r"'setup\.py', which is not an array"):
        Model.load(saved)


def test_other_ways_of_packing_are_refused(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("x.npy", b"", compress_type=zipfile.ZIP_LZMA)
    with pytest.raises(ModelError, match="unknown method"):
        Model.load(saved)


def test_a_file_that_would_unpack_beyond_the_limit_is_refused_before_it_is(saved, monkeypatch):
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", bytes(2**20))
    monkeypatch.setattr(_archive, "MAX_BYTES", 2**19)
    assert saved.stat().st_size < 2**19
    with pytest.raises(ModelError, match="would unpack to"):
        Model.load(saved)


def test_a_file_larger_than_the_limit_is_refused(saved, monkeypatch):
    monkeypatch.setattr(_archive, "MAX_BYTES", 100)
    with pytest.raises(ModelError, match="the file is larger than 100 bytes"):
        Model.load(saved)


def test_more_members_than_a_model_has_are_refused(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        for i in range(_archive.MAX_MEMBERS):
            archive.writestr(f"{i}.npy", b"")
    with pytest.raises(ModelError, match="members, more than"):
        Model.load(saved)


def test_features_that_agree_pass():
    assert MODEL.check_features(["given", "coauthors"], ["size"], ["inside_mean"]) is None


def test_features_added_since_the_model_was_fitted_pass():
    confidence = ["block_size", "inside_mean"]
    pair = ["venue", "coauthors", "given"]
    assert MODEL.check_features(pair, ["span", "size"], confidence) is None


@pytest.mark.parametrize(
    ("pair", "group", "text"),
    [
        (["given"], ["size"], "pair features it needs are missing: coauthors"),
        (["given", "venue"], ["span"], "missing: coauthors; group features it needs.*: size"),
    ],
)
def test_missing_features_are_named_with_the_remedy(pair, group, text):
    with pytest.raises(ModelError, match=f"{text}.*disambig train"):
        MODEL.check_features(pair, group, ["inside_mean"])


def test_the_semantic_space_must_be_the_one_of_training():
    MODEL.check_space("5ace")
    with pytest.raises(ModelError, match="fitted with semantic space 5ace, in use is 0ther"):
        MODEL.check_space("0ther")


def test_a_model_that_does_not_name_its_semantic_space_fits_none():
    with pytest.raises(ModelError, match="unknown semantic space"):
        replace(MODEL, metadata={}).check_space("5ace")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"metadata": {"f1": float("nan")}}, "not JSON"),
        ({"metadata": {"path": Path("x")}}, "not JSON"),
        ({"frequency": NameFrequency({"a\nb": 2}, {}, {}, 2)}, "line break"),
        ({"frequency": NameFrequency({"\ud800": 2}, {}, {}, 2)}, "UTF-8"),
    ],
)
def test_what_cannot_be_read_back_is_not_saved(tmp_path, change, text):
    with pytest.raises(ModelError, match=text):
        replace(MODEL, **change).save(tmp_path / "m.npz")
    assert list(tmp_path.iterdir()) == []


def test_saving_where_there_is_no_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be written"):
        MODEL.save(tmp_path / "none" / "m.npz")
