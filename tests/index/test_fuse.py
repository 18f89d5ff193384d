import pytest

from index.fuse import fuse

EVEN = {"lexical": 1.0, "dense": 1.0}


def test_first_in_every_leg_scores_one() -> None:
    found = fuse({"lexical": [(7, 12.0), (8, 3.0)], "dense": [(7, 0.9), (9, 0.8)]}, EVEN)
    assert found[0] == (7, pytest.approx(1))


def test_an_agreement_of_legs_beats_one_first_place() -> None:
    legs = {"lexical": [(1, 10.0), (2, 9.0), (3, 1.0)], "dense": [(4, 0.90), (2, 0.89), (5, 0.8)]}
    assert fuse(legs, EVEN)[0][0] == 2


def test_a_lead_counts_by_its_size() -> None:
    clear = {"lexical": [(1, 10.0), (2, 2.0)], "dense": [(2, 0.901), (1, 0.900), (3, 0.8)]}
    assert fuse(clear, EVEN)[0][0] == 1


def test_a_heavier_leg_decides_between_first_places() -> None:
    assert fuse({"lexical": [(1, 5.0)], "dense": [(2, 0.8)]}, {"lexical": 1, "dense": 2})[0][0] == 2


def test_equal_scores_keep_a_fixed_order() -> None:
    assert [key for key, _ in fuse({"lexical": [(9, 1.0)], "dense": [(3, 1.0)]}, EVEN)] == [3, 9]


def test_nothing_fuses_to_nothing() -> None:
    assert fuse({}, {}) == []
