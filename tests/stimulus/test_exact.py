import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.stimulus.exact import exact_exp, exact_power_of_two, exact_turn


@given(st.floats(-690, 690))
def test_exponentials_are_those_of_the_system_but_for_the_last_bits(x):
    assert float(exact_exp(x)) == pytest.approx(math.exp(x), rel=5e-16)


def test_what_is_too_small_counts_as_nothing_and_what_is_too_large_is_refused():
    assert float(exact_exp(-1e6)) == float(exact_exp(-700.0)) < 1e-300
    for x in (701.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="at most 700"):
            exact_exp(x)


@given(st.floats(-50, 50))
def test_powers_of_two_are_those_of_the_system_but_for_the_last_bits(x):
    assert exact_power_of_two(x) == pytest.approx(2**x, rel=5e-16)


@given(st.floats(-1000, 1000))
def test_sines_and_cosines_are_those_of_the_system(cycles):
    rest = math.fmod(cycles, 1)  # exact
    cosine, sine = exact_turn(cycles)
    assert cosine == pytest.approx(math.cos(2 * math.pi * rest), abs=1e-15)
    assert sine == pytest.approx(math.sin(2 * math.pi * rest), abs=1e-15)


@given(st.integers(-(2**40), 2**40))
def test_quarter_turns_are_exact(quarters):
    expected = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters % 4]
    assert tuple(exact_turn(quarters / 4)) == expected


def test_the_bits_are_those_of_python_floats():
    """Python's sums and products are IEEE 754 operations too, one at a time."""
    x = np.linspace(-20, 20, 1001)

    def plain(value):
        whole = round(value * 1.4426950408889634)
        rest = value - whole * 0.693147180369123816490
        rest = rest - whole * 1.90821492927058770002e-10
        total = 1 / math.factorial(13)
        for n in reversed(range(13)):
            total = total * rest
            total = total + 1 / math.factorial(n)
        return math.ldexp(total, whole)

    assert exact_exp(x).tolist() == [plain(float(value)) for value in x]
