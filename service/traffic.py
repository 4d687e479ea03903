"""How often names are read: errors that many see are worth more of a curator's time."""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path

from service.errors import Invalid
from service.names import fold


def read_traffic(file: Path | None) -> dict[str, float]:
    """How often names are read, against the average of 1, by folded name.

    The file is CSV without a head: a name, and a number above 0.

    Raises
    ------
    Invalid
        If it cannot be read.
    """
    if file is None:
        return {}
    found = {}
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            for line, row in enumerate(csv.reader(lines), start=1):
                weight = float(row[1]) if len(row) > 1 else 0.0
                if not (isfinite(weight) and weight > 0):
                    raise ValueError(f"line {line} has no number above 0 after a name")
                found[fold(row[0])] = weight
    except (OSError, ValueError, csv.Error) as error:
        raise Invalid(
            f"{file} cannot be read ({error})", "write NAME,NUMBER in each line", field="traffic"
        ) from error
    return found
