import pytest

from index.fuse import fuse


def test_first_in_every_leg_scores_one() -> None:
    assert fuse({"a": [7, 8], "b": [7, 9]}, {"a": 1, "b": 2})[0] == (7, pytest.approx(1))


def test_an_agreement_of_legs_beats_one_first_place() -> None:
    assert [key for key, _ in fuse({"a": [1, 2, 3], "b": [4, 2, 5]}, {"a": 1, "b": 1})][0] == 2


def test_a_heavier_leg_decides_between_first_places() -> None:
    assert fuse({"a": [1], "b": [2]}, {"a": 1, "b": 2})[0][0] == 2


def test_equal_scores_keep_a_fixed_order() -> None:
    assert [key for key, _ in fuse({"a": [9], "b": [3]}, {"a": 1, "b": 1})] == [3, 9]


def test_nothing_fuses_to_nothing() -> None:
    assert fuse({}, {}) == []
