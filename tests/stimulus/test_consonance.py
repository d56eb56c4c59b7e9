from itertools import combinations

import pytest

from avfbel.stimulus.consonance import DYAD_CONSONANCE, PITCH_CLASS_SETS, aggregate_consonance

PRINTED = [
    *(-5.884, -3.216, -3.095, -3.087, -2.449, -2.441, -2.248, -1.690, -1.674, -1.666, -1.481, -1.473, -1.065),
    *(-0.419, -0.419, -0.298, -0.290, -0.097, 0.219, 0.227, 0.420, 0.541, 0.549, 0.549, 1.086, 1.187, 1.195),
    *(1.388, 1.388, 1.517, 1.603, 2.120, 2.241, 2.249, 2.356, 2.571, 3.088, 4.788),
]


def set_class(pitch_classes):
    """The smallest of all transpositions and inversions: one name for all of them."""
    forms = [pitch_classes, [-p for p in pitch_classes]]
    return min(tuple(sorted((p + t) % 12 for p in form)) for form in forms for t in range(12))


def test_aggregates_are_the_printed_ones_in_rising_order():
    found = [aggregate_consonance(s) for s in PITCH_CLASS_SETS]
    assert found == pytest.approx(PRINTED, abs=5e-4)
    assert found == pytest.approx(sorted(found), abs=1e-9)


def test_every_five_note_set_class_is_there_once():
    everyone = {set_class(c) for c in combinations(range(12), 5)}
    assert sorted(set_class(s) for s in PITCH_CLASS_SETS) == sorted(everyone)
    assert len(PITCH_CLASS_SETS) == 38


@pytest.mark.parametrize("interval", range(1, 12))
def test_an_interval_is_as_consonant_as_its_inversion(interval):
    assert DYAD_CONSONANCE[interval] == DYAD_CONSONANCE[12 - interval]
