import tempfile
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.labelled import texts
from nlp.accents import Restorer
from nlp.fold import fold, words

TEXTS = texts()
RESTORER = Restorer.learn(TEXTS)
SYLLABLES = sorted({word for text in TEXTS for word in words(text)})
typed_texts = st.lists(
    st.one_of(
        st.sampled_from(SYLLABLES),
        st.sampled_from(SYLLABLES).map(fold),
        st.sampled_from(SYLLABLES).map(str.upper),
        st.sampled_from(["TTg", "kWh", "85%", "-", "_", "(a)"]),
        st.text(max_size=5),
    )
).map(lambda parts: unicodedata.normalize("NFC", " ".join(parts)))


@pytest.mark.parametrize(
    ("typed", "restored"),
    [
        ("dien mat troi tren mai nha", "điện mặt trời trên mái nhà"),
        ("Giam RAC THAI nhua", "Giảm RÁC THẢI nhựa"),
        ("tui ni long, bao bi!", "túi ni lông, bao bì!"),
        # What has no diacritics to put on keeps its case.
        ("1,5 MWp hay kWh", "1,5 MWp hay kWh"),
        ("wxyz TTg pH", "wxyz TTg pH"),
        # Typed diacritics are honoured.
        ("dương", "dương"),
        ("năng luong", "năng lượng"),
        ("", ""),
        (" - ", " - "),
    ],
)
def test_restore(typed: str, restored: str) -> None:
    assert RESTORER.restore(typed) == restored


@given(typed_texts)
def test_only_syllables_without_diacritics_change_and_only_by_diacritics(typed: str) -> None:
    restored = RESTORER.restore(typed)
    assert fold(restored) == fold(typed)
    for before, after in zip(typed.split(), restored.split(), strict=True):
        if fold(before) != before.lower() and len(words(before)) == 1:
            assert after == before


@given(typed_texts)
def test_restoring_twice_changes_nothing_more_for_accented_syllables(typed: str) -> None:
    once = RESTORER.restore(typed)
    twice = RESTORER.restore(once)
    changed = [(a, b) for a, b in zip(once.split(), twice.split(), strict=True) if a != b]
    assert all(fold(a) == a.lower() or len(words(a)) > 1 for a, _ in changed)


@settings(deadline=None)
@given(st.lists(st.sampled_from(TEXTS), max_size=3), st.lists(st.sampled_from(TEXTS), max_size=2), typed_texts)
def test_counts_survive_the_disk_and_go_on_learning(learned: list[str], later: list[str], typed: str) -> None:
    before = Restorer.learn(learned)
    with tempfile.TemporaryDirectory() as temporary:
        before.save(Path(temporary) / "accents")
        after = Restorer.load(Path(temporary) / "accents")
    assert after.restore(typed) == before.restore(typed)
    assert after.knows(typed) == before.knows(typed)
    after.learn_more(later)
    at_once = Restorer.learn(learned + later)
    assert after.restore(typed) == at_once.restore(typed)
    assert after.correct(typed) == at_once.correct(typed)
    with tempfile.TemporaryDirectory() as temporary:
        after.save(Path(temporary) / "accents")
        again = Restorer.load(Path(temporary) / "accents")
    assert again.correct(typed) == at_once.correct(typed)


def test_what_was_seen_once_is_left_out_of_a_large_count(tmp_path: Path) -> None:
    Restorer.learn(["điện mặt trời " * 400_000, "điện gió"]).save(tmp_path / "accents")
    restorer = Restorer.load(tmp_path / "accents")
    assert restorer.restore("dien mat troi gio") == "điện mặt trời gio"


@pytest.mark.parametrize("name", ["syllables.tsv", "pairs.npy", "pair_counts.npy"])
def test_damaged_counts_are_noticed(tmp_path: Path, name: str) -> None:
    Restorer.learn(TEXTS[:3]).save(tmp_path / "accents")
    (tmp_path / "accents" / name).write_bytes(b"\x00broken")
    with pytest.raises(ValueError):
        Restorer.load(tmp_path / "accents")


def test_nothing_learned_restores_nothing() -> None:
    assert Restorer.learn([]).restore("dien mat troi") == "dien mat troi"
    assert not Restorer.learn([]).knows("dien mat troi")


def test_most_syllables_of_unseen_text_are_restored() -> None:
    restorer = Restorer.learn(text for i, text in enumerate(TEXTS) if i % 5)
    right = total = 0
    for text in TEXTS[::5]:
        wanted = words(text)
        got = words(restorer.restore(" ".join(map(fold, wanted))))
        right += sum(a == b for a, b in zip(wanted, got, strict=True))
        total += len(wanted)
    assert right / total > 0.85


def test_time_grows_with_the_length_not_its_square() -> None:
    started = time.perf_counter()
    RESTORER.restore("dien mat troi tren mai nha " * 5_000)
    assert time.perf_counter() - started < 10


LEARNT = ["đưa sản phẩm thân thiện vào siêu thị", "các sở phối hợp để nâng cao nhận thức", "giảm rác thải nhựa"] * 40


@pytest.mark.parametrize(
    ("scanned", "meant"),
    [
        ("đưa sản phấm thân thiện vào siêu thị", "đưa sản phẩm thân thiện vào siêu thị"),
        ("các sở phối họp đế nâng cao nhận thức", "các sở phối hợp để nâng cao nhận thức"),
        ("GIẢM RÁC THÁI NHỰA", "GIẢM RÁC THẢI NHỰA"),
        ("xã Nhụa giảm rác", "xã Nhụa giảm rác"),
        ("từ chưa gặp bao giờ", "từ chưa gặp bao giờ"),
        ("", ""),
    ],
)
def test_scanning_errors_give_way_to_what_neighbours_say(scanned: str, meant: str) -> None:
    corrected = Restorer.learn(LEARNT).correct(scanned)
    assert corrected == meant
    assert len(corrected) == len(scanned)


def test_texts_typed_without_diacritics_teach_nothing() -> None:
    typed = "Sieu thi o Can Tho thu phi tui ni long tu ngay 5/6, khach hang mang theo gio."
    restorer = Restorer.learn([*["Giảm túi ni lông ở chợ."] * 2, *[typed] * 50])
    assert restorer.restore("tui ni long") == "túi ni lông"
    restorer.learn_more([typed] * 50)
    assert restorer.restore("tui ni long") == "túi ni lông"
