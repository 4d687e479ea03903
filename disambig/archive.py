"""Read and write a file of arrays and one JSON document that may come from an untrusted source.

The container is a zip of ``.npy`` members, so ``numpy.load(path, allow_pickle=False)`` opens it
too. Reading here is stricter: only flat arrays of a few plain types and no code, sizes checked
before decompression, and a checksum over everything.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from disambig.errors import ModelError

Arrays = Mapping[str, npt.NDArray[Any]]

MAX_BYTES = 512 * 2**20  # of the file, and of all members uncompressed
MAX_MEMBERS = 100
MAX_JSON = 4 * 2**20
DOCUMENT = "model.json"

_TYPES = {"<f4": np.float32, "<f8": np.float64, "<i4": np.int32, "|b1": np.bool_, "|u1": np.uint8}
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([^']{1,20})', 'fortran_order': False, 'shape': \((\d{1,12}),\), \} *\n"
)
# raised by the standard library for a damaged zip, deflate stream or JSON document
_DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,  # an encrypted member, an unknown method, JSON nested too deeply
    ValueError,  # not JSON, not UTF-8, an offset that is negative
)


def compute_digest(document: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the SHA-256, in hex, of a document and arrays; the order of keys has no effect."""
    members = {name: _dump_array(array) for name, array in arrays.items()}
    return _hash_members(_dump_json(document), members)


def write_archive(path: Path, version: int, document: Mapping[str, Any], arrays: Arrays) -> None:
    """Write ``path`` atomically; equal content gives equal bytes.

    Raises
    ------
    ModelError
        The document is not JSON, or the file cannot be written.
    """
    members = {name: _dump_array(array) for name, array in sorted(arrays.items())}
    text = _dump_json(document)
    head = {"format": version, "sha256": _hash_members(text, members), "content": document}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_make_entry(DOCUMENT), _dump_json(head))
        for name, data in members.items():
            archive.writestr(_make_entry(f"{name}.npy"), data)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(packed.getvalue())
        os.replace(part, path)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise ModelError(f"{path}: cannot be written ({problem})") from problem


def read_archive(path: Path | Traversable, version: int) -> tuple[dict[str, Any], Arrays]:
    """Return the document and the arrays (read-only) of a file written by :func:`write_archive`.

    Raises
    ------
    ModelError
        The file is missing, damaged, too large, of another version, or contains anything but
        plain arrays.
    """
    try:
        with path.open("rb") as stream:
            data = _read_bounded(stream, MAX_BYTES, "the file")
    except OSError as problem:
        raise ModelError(f"cannot be read ({problem.strerror or problem})") from problem
    try:
        members = _read_members(data)
        if DOCUMENT not in members:
            raise ModelError(f"{DOCUMENT} is missing")
        head = _parse_json(members.pop(DOCUMENT))
    except _DAMAGE_ERRORS as problem:
        why = str(problem) or "it ends too early"
        raise ModelError(f"damaged or not a model ({why})") from problem
    document = _check_content(head, version)
    for name in members:
        if not name.endswith(".npy"):
            raise ModelError(f"contains {name!r}, which is not an array")
    data_by_name = {name.removesuffix(".npy"): member for name, member in members.items()}
    if head["sha256"] != _hash_members(_dump_json(document), data_by_name):
        raise ModelError("its checksum does not match, so it was changed or damaged")
    return document, {name: _load_array(name, member) for name, member in data_by_name.items()}


def _check_content(head: Any, version: int) -> dict[str, Any]:
    """Return the document after checking the format version."""
    if not isinstance(head, dict) or not {"format", "sha256", "content"} <= head.keys():
        raise ModelError(f"{DOCUMENT} lacks format, sha256 or content")
    file_version, content = head["format"], head["content"]
    if type(file_version) is not int or not isinstance(content, dict):
        raise ModelError(f"{DOCUMENT} has an unexpected structure")
    if file_version > version:
        raise ModelError(
            f"made by a newer disambig (format {file_version}, this one reads {version}); "
            "upgrade disambig"
        )
    if file_version < version:
        raise ModelError(
            f"made by an older disambig (format {file_version}, this one reads {version})"
        )
    return content


def _read_members(data: bytes) -> dict[str, bytes]:
    """Return all members of the zip, uncompressed, after checking their declared sizes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_MEMBERS:
            raise ModelError(f"contains {len(entries)} members, more than {MAX_MEMBERS}")
        declared = sum(entry.file_size for entry in entries)
        if declared > MAX_BYTES:
            raise ModelError(f"would unpack to {declared:,} bytes, more than {MAX_BYTES:,}")
        members: dict[str, bytes] = {}
        for entry in entries:
            if entry.filename in members:
                raise ModelError(f"contains {entry.filename!r} twice")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ModelError(f"{entry.filename!r} is compressed by an unknown method")
            with archive.open(entry) as stream:
                members[entry.filename] = _read_bounded(
                    stream, entry.file_size, repr(entry.filename)
                )
        return members


def _read_bounded(stream: Any, most: int, what: str) -> bytes:
    """Read all of ``stream``; reject more than ``most`` bytes."""
    data: bytes = stream.read(most + 1)
    if len(data) > most:
        raise ModelError(f"{what} is larger than {most:,} bytes")
    return data


def _parse_json(data: bytes) -> Any:
    """Parse JSON; reject the constants NaN and Infinity, which are not JSON."""
    if len(data) > MAX_JSON:
        raise ModelError(f"{DOCUMENT} is larger than {MAX_JSON:,} bytes")

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(
        data.decode("utf-8"),
        parse_constant=refuse,
        parse_float=_parse_finite,
        parse_int=_parse_bounded_int,
    )


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def _parse_bounded_int(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"an integer of {len(text)} digits is out of range")
    return int(text)


def _dump_json(document: Mapping[str, Any]) -> bytes:
    """Serialise to JSON with sorted keys, in UTF-8."""
    try:
        return json.dumps(document, sort_keys=True, allow_nan=False, indent=1).encode()
    except (TypeError, ValueError, RecursionError) as problem:
        raise ModelError(f"the description of the model is not JSON ({problem})") from problem


def _hash_members(document: bytes, members: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over lengths, names and bytes of all members."""
    digest = hashlib.sha256()
    for name, data in [("", document), *sorted(members.items())]:
        key = name.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<QQ", len(key), len(data)))
        digest.update(key)
        digest.update(data)
    return digest.hexdigest()


def _make_entry(name: str) -> zipfile.ZipInfo:
    """Create a member without time and system, so that bytes depend on content only."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry


def _dump_array(array: npt.NDArray[Any]) -> bytes:
    """Serialise a flat array as a ``.npy`` file, version 1.0."""
    stream = io.BytesIO()
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    np.lib.format.write_array(stream, little, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def _load_array(name: str, data: bytes) -> npt.NDArray[Any]:
    """Parse the array of a ``.npy`` member, read-only.

    numpy's reader is not used: it evaluates the header as a Python literal and allocates the memory
    that it declares.
    """
    length = 10 + int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10:length])
    if not data.startswith(_MAGIC) or header is None:
        raise ModelError(f"{name!r} is not a flat array")
    dtype = _TYPES.get(header[1].decode("latin-1"))
    if dtype is None:
        raise ModelError(f"{name!r} contains {header[1]!r}, not plain numbers; it could run code")
    body, size = data[length:], np.dtype(dtype).itemsize
    if len(body) != int(header[2]) * size:
        raise ModelError(f"{name!r} has {len(body)} bytes for {int(header[2])} numbers")
    if dtype is np.bool_ and body.strip(b"\x00\x01"):
        raise ModelError(f"{name!r} contains booleans that are neither true nor false")
    array: npt.NDArray[Any] = np.frombuffer(body, dtype=np.dtype(dtype).newbyteorder("<")).astype(
        dtype
    )
    array.setflags(write=False)
    return array
