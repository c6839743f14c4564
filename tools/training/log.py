"""The log of a run, log.csv: a row an epoch, read and written whole."""

import csv
import io
from pathlib import Path

from keras_hypersphere.atomic_write import atomic_write

FILE = "log.csv"
EPOCH = "epoch"

Row = dict[str, float]


def read_log(run: Path) -> list[Row]:
    """The rows of a run, by the names of their columns; none without a log.

    Raises:
        ValueError: If the file is no log; the message names the line.
    """
    path = Path(run) / FILE
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    found = []
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
        try:
            values = {
                name: float(value) for name, value in row.items() if value != ""
            }
            int(values[EPOCH])
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(
                f"'{path}', line {number}, is no row of a log. Expected "
                "numbers below the names of the first line. Move the file "
                "away to begin a new log."
            ) from error
        found.append(values)
    return found


def write_row(run: Path, row: Row) -> list[Row]:
    """Adds an epoch; rows of it and of later epochs are replaced.

    A training that was killed and goes on repeats the epochs since its last
    checkpoint. The file is there as a whole at any moment.

    Returns:
        All rows.
    """
    rows = [old for old in read_log(run) if old[EPOCH] < row[EPOCH]]
    rows.append(row)
    names = dict.fromkeys([EPOCH, *(name for each in rows for name in each)])
    text = io.StringIO()
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    for each in rows:
        writer.writerow({**each, EPOCH: int(each[EPOCH])})
    with atomic_write(Path(run) / FILE) as file:
        file.write(text.getvalue().encode())
    return rows
