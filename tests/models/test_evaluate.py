"""Measures agree with their definitions, and intervals resample documents, not paragraphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from models.evaluate import (
    BINS,
    Judged,
    average_precision,
    calibration_error,
    reliability,
    report,
    resamples,
    wilson,
)

SCORED = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.99, 1.0]), st.integers(0, 3)), min_size=1
)


def judged(labels, probabilities, documents, genres=(), thresholds=None) -> Judged:
    keys = [f"g{n}" for n in range(np.shape(labels)[1])]
    cuts = np.full(len(keys), 0.5) if thresholds is None else np.array(thresholds)
    return Judged(keys, np.array(labels, bool), np.array(probabilities, float), cuts, documents, genres)


@given(SCORED)
def test_average_precision_is_that_of_scikit_learn_under_any_weights(rows) -> None:
    labels, probabilities, weights = map(np.array, zip(*rows, strict=True))
    found = average_precision(labels.astype(bool), probabilities, np.stack([weights, np.ones(len(rows))]).astype(float))
    for value, of in zip(found, (weights, np.ones(len(rows))), strict=True):
        if (of * labels).sum() == 0:
            assert np.isnan(value)
        else:
            expected = average_precision_score(labels, probabilities, sample_weight=of)
            assert value == pytest.approx(expected, abs=1e-9)


@given(SCORED)
def test_precision_recall_and_f1_are_those_of_scikit_learn_or_undefined(rows) -> None:
    labels, probabilities, documents = map(np.array, zip(*rows, strict=True))
    found = report(judged(labels[:, None], probabilities[:, None], documents.tolist()))["task_groups"]["g0"]
    given_ = probabilities >= 0.5
    expected = precision_recall_fscore_support(labels, given_, average="binary", zero_division=0)[:3]
    defined = given_.any(), labels.any(), given_.any() or labels.any()
    for name, value, is_defined in zip(("precision", "recall", "f1"), expected, defined, strict=True):
        assert found[name] == (pytest.approx(value) if is_defined else None)


@given(SCORED)
def test_bins_hold_every_paragraph_once_and_give_the_error(rows) -> None:
    labels, probabilities, _ = map(np.array, zip(*rows, strict=True))
    bins = reliability(labels.astype(bool), probabilities)
    assert bins.paragraphs.sum() == len(rows)
    assert bins.wanted.sum() == labels.sum()
    for number in np.flatnonzero(bins.paragraphs):
        assert number / BINS - 1e-9 <= bins.mean[number] <= (number + 1) / BINS + 1e-9
    gaps = [p * abs(s - m) for p, s, m in zip(bins.paragraphs, bins.share, bins.mean, strict=True) if p]
    assert calibration_error(labels.astype(bool), probabilities) == pytest.approx(sum(gaps) / len(rows))


@pytest.mark.parametrize(("wanted", "count"), [(0, 1), (1, 1), (3, 7), (50, 100), (999, 1000)])
def test_the_interval_of_a_share_is_wilsons(wanted: int, count: int) -> None:
    expected = binomtest(wanted, count).proportion_ci(method="wilson")
    assert wilson(wanted, count) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_resamples_draw_as_many_documents_as_there_are() -> None:
    drawn = resamples(7, 200, np.random.default_rng(1))
    assert drawn.shape == (200, 7)
    assert (drawn.sum(1) == 7).all()
    assert drawn.mean() == pytest.approx(1.0)
    assert drawn.max() > 1


def test_intervals_resample_documents_not_paragraphs() -> None:
    # One document is all right, the other all wrong. By paragraph the interval would be about .52 to .80.
    labels = [[True]] * 100
    right_and_wrong = [[0.9]] * 50 + [[0.1]] * 50
    recall = report(judged(labels, right_and_wrong, ["a"] * 50 + ["b"] * 50))["task_groups"]["g0"]["intervals"][
        "recall"
    ]
    assert recall == [0.0, 1.0]
    each = report(judged(labels, right_and_wrong, [str(n) for n in range(100)]))
    low, high = each["task_groups"]["g0"]["intervals"]["recall"]
    assert 0.35 < low < 0.5 < high < 0.65


def test_one_document_has_figures_but_no_intervals() -> None:
    found = report(judged([[True], [False]], [[0.9], [0.1]], ["a", "a"]))
    assert found["macro_f1"] == 1.0
    assert found["macro_f1_interval"] is None
    assert set(found["task_groups"]["g0"]["intervals"].values()) == {None}


def test_the_same_data_gives_the_same_intervals() -> None:
    random = np.random.default_rng(3)
    made = judged(random.random((60, 2)) < 0.4, random.random((60, 2)), [f"d{n % 9}" for n in range(60)])
    assert report(made) == report(made)


def test_confusion_with_none_adds_up() -> None:
    random = np.random.default_rng(5)
    labels, probabilities = random.random((300, 3)) < 0.3, random.random((300, 3))
    found = report(judged(labels, probabilities, [f"d{n % 20}" for n in range(300)]))
    for row in found["task_groups"].values():
        cell = row["confusion_with_none"]
        gave = cell["wanted_and_given"] + cell["given_though_none_wanted"] + cell["given_though_others_wanted"]
        assert gave == row["assigned"]
        assert cell["wanted_and_given"] + cell["missed_to_none"] + cell["missed_to_others"] == row["support"]
    none = found["none"]
    assigned = probabilities >= 0.5
    assert none["wrongly_tagged"] == (assigned.any(1) & ~labels.any(1)).sum()
    assert none["wrongly_untagged"] == (~assigned.any(1) & labels.any(1)).sum()


def test_macro_values_leave_out_groups_without_a_figure() -> None:
    found = report(judged([[True, False], [False, False]], [[0.9, 0.1], [0.2, 0.1]], ["a", "b"]))
    assert found["task_groups"]["g1"]["f1"] is None
    assert found["task_groups"]["g1"]["average_precision"] is None
    assert found["macro_f1"] == 1.0
    assert found["macro"]["calibration_error"] == pytest.approx((0.15 + 0.1) / 2)


def test_genres_are_measured_on_their_own_rows() -> None:
    labels = [[True], [True], [True], [False]]
    found = report(judged(labels, [[0.9], [0.9], [0.1], [0.9]], ["a", "b", "c", "d"], ["law", "law", "news", "news"]))
    assert {name: (part["paragraphs"], part["macro_f1"]) for name, part in found["genres"].items()} == {
        "law": (2, 1.0),
        "news": (2, 0.0),
    }
    assert report(judged(labels, [[0.5]] * 4, ["a"] * 4, ["", "", "", ""]))["genres"] == {}
