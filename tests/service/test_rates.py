"""Rates: nobody gets more than the burst and the rate, in one process or over several; the silent are forgotten."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import rates
from service.rates import Rates, create_table


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 5)), max_size=200), st.floats(0.5, 20))
def test_nobody_gets_more_than_the_burst_and_the_rate(steps: list[tuple[str, float]], rate: float) -> None:
    limit = Rates(rate)
    now = 0.0
    passed: dict[str, int] = {}
    for caller, pause in steps:
        now += pause
        if (wait := limit.take(caller, now)) == 0:
            passed[caller] = passed.get(caller, 0) + 1
        else:
            assert limit.take(caller, now + wait / 2) > 0
            now += wait
            assert limit.take(caller, now + 1e-6) == 0
            passed[caller] = passed.get(caller, 0) + 1
    assert all(count <= max(1, 10 * rate) + rate * now + 1 for count in passed.values())


def _ask(file: Path, times: int) -> int:
    limit = Rates(1.0, file)
    return sum(limit.take("caller", 100.0) == 0 for _ in range(times))


def test_processes_count_together(tmp_path: Path) -> None:
    create_table(tmp_path / "rates")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        passed = pool.starmap(_ask, [(tmp_path / "rates", 8)] * 3)
    assert sum(passed) == 10


def test_two_callers_of_one_file_are_apart(tmp_path: Path) -> None:
    create_table(tmp_path / "rates")
    assert [Rates(0.1, tmp_path / "rates").take(who, 5.0) == 0 for who in ("a", "b", "a")] == [True, True, False]


def test_who_is_silent_the_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_ENTRIES", rates._WAYS)
    limit = Rates(0.1)
    callers = [str(number) for number in range(rates._WAYS + 1)]
    assert [limit.take(caller, 100.0 + number) for number, caller in enumerate(callers)] == [0] * len(callers)
    assert limit.take(callers[-1], 110.0) > 0
    assert limit.take(callers[1], 110.0) > 0
    assert limit.take(callers[0], 110.0) == 0


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Rates(1.0, tmp_path / "none")
