"""What result files hold, to the byte."""

from __future__ import annotations

import pytest

from avfbel.runtime.files import encode_csv, encode_json


def test_cells_are_full_numbers_truths_and_blanks() -> None:
    table = encode_csv(["a", "b", "c", "d", "e"], [[0.1 + 0.2, None, True, 3, 'x, "y"\nz']])
    assert table == b'a,b,c,d,e\n0.30000000000000004,,true,3,"x, ""y""\nz"\n'
    assert encode_csv(["a"], [[False]], header=False) == b"false\n"


def test_json_refuses_what_json_does_not_have() -> None:
    assert encode_json({"ä": 1e-300}) == '{\n "ä": 1e-300\n}\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json(float("nan"))
