"""Reading a table that is to be audited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avfbel.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV table with a header; an empty cell is a value that is not there.

    Parameters
    ----------
    path : Path
        The file, in UTF-8.

    Returns
    -------
    DataFrame
        Its rows; columns of numbers as numbers.

    Raises
    ------
    UsageError
        If there is no such file, or it is no table.
    """
    import pandas as pd

    if not path.is_file():
        raise UsageError(f"no table at {path}: give a CSV file with a header")
    try:
        table = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UsageError(f"{path.name} does not read as a CSV table in UTF-8: save it as one") from error
    table.columns = [str(name).strip() for name in table.columns]
    return table
