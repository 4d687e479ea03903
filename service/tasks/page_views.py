"""Page views by name: errors that many readers see have a higher priority for curators."""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path

from service.errors import Invalid
from service.text import fold_name


def read_traffic(file: Path | None) -> dict[str, float]:
    """Read relative page views by folded name; the average is 1.

    The file is CSV without a header: a name, and a number above 0.

    Raises
    ------
    Invalid
        If the file cannot be read.
    """
    if file is None:
        return {}
    weights = {}
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            for line, row in enumerate(csv.reader(lines), start=1):
                weight = float(row[1]) if len(row) > 1 else 0.0
                if not (isfinite(weight) and weight > 0):
                    raise ValueError(f"line {line} has no number above 0 after a name")
                weights[fold_name(row[0])] = weight
    except (OSError, ValueError, csv.Error) as error:
        raise Invalid(
            f"{file} cannot be read ({error})", "write NAME,NUMBER in each line", field="traffic"
        ) from error
    return weights
