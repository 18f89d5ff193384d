"""Bytes and codes: every accepted encoding gives the same text, what is right already stays, what is neither is refused."""

from __future__ import annotations

import codecs
import contextlib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from viparse.normalize.encodings import CHARMAPS

from corpus import encoding
from corpus.encoding import EncodingError
from corpus.files import UnreadableError
from corpus.read import read_bytes
from nlp.normalize import normalize

SAMPLES = sorted(path for path in (Path(__file__).parents[2] / "corpus/samples").glob("*.txt"))
# Every base letter with every tone, in small letters: TCVN3 has no capitals with tones, and viparse no ẳ in VNI.
TEXT = (
    "Sở Công Thương chủ trì, phối hợp với các sở, ngành phổ biến quy định về sản xuất sạch hơn.\n\n"
    "Đến năm 2025, 70% cơ sở được tập huấn; giảm 5 - 8% nguyên liệu, nhiên liệu, vật tư.\n"
    "Hỗ trợ doanh nghiệp nhỏ dùng vật liệu tái chế, bao bì dễ phân huỷ, hạn chế túi ni lông khó tiêu hủy.\n"
    "Khuyến khích người tiêu dùng ở mỗi quận, huyện, xã sẵn sàng đổi thói quen mua sắm; quỹ bảo vệ môi trường cấp vốn.\n"
)
# The letters of windows-1258 that stand for themselves; tones follow as marks.
TONES = "\u0300\u0301\u0303\u0309\u0323"


def in_code(text: str, name: str) -> str:
    """Return ``text`` as TCVN3 or VNI letters shown in a Latin font, as old files reach us."""
    letters: dict[str, str] = {}
    for old, new in CHARMAPS[name].pairs:
        letters.setdefault(new, old)
    return "".join(letters.get(letter, letter) for letter in unicodedata.normalize("NFC", text))


def in_windows_1258(text: str) -> bytes:
    letters = []
    for letter in unicodedata.normalize("NFC", text):
        tones = [mark for mark in unicodedata.normalize("NFD", letter) if mark in TONES]
        rest = "".join(mark for mark in unicodedata.normalize("NFD", letter) if mark not in TONES)
        letters += [unicodedata.normalize("NFC", rest), *tones]
    return "".join(letters).encode("cp1258")


def small(text: str) -> str:
    """Return ``text`` without capitals that TCVN3 has not."""
    return "".join(letter if letter.isascii() or letter in "ĂÂÊÔƠƯĐ" else letter.lower() for letter in text)


ENCODED = {
    "UTF-8": TEXT.encode(),
    "UTF-8 with a mark": TEXT.encode("utf-8-sig"),
    "UTF-16, low byte first": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "UTF-16, high byte first": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "letters and marks apart": unicodedata.normalize("NFD", TEXT).encode(),
    "windows-1258": in_windows_1258(TEXT),
    "DOS line ends": TEXT.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("data", ENCODED.values(), ids=ENCODED.keys())
def test_encodings_give_the_same_text(data: bytes) -> None:
    source = read_bytes(data, "a.txt")
    assert source.text == TEXT
    assert source.notes == ()


@pytest.mark.parametrize("code", ["tcvn3", "vni"])
@pytest.mark.parametrize("written", ["bytes", "Unicode", "a page", "Markdown"])
def test_codes_before_unicode_are_put_into_it_and_told(code: str, written: str) -> None:
    old = in_code(small(TEXT), code)
    data, name = {
        "bytes": (old.encode("cp1252"), "a.txt"),
        "Unicode": (old.encode(), "a.txt"),
        "a page": (f"<html><body><p>{old}".replace("\n", "<p>").encode(), "a.html"),
        "Markdown": (old.encode(), "a.md"),
    }[written]
    source = read_bytes(data, name)
    assert source.text.split() == small(TEXT).split()
    if written != "bytes":
        assert source.notes == (f"written in {code.upper()}, put into Unicode",)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_whole_plans_come_back_from_every_code(path: Path) -> None:
    text = normalize(path.read_text(encoding="utf-8"))
    assert encoding.repair(text) == (text, None)
    assert normalize(encoding.decode(in_windows_1258(text))) == text
    low, no_hook = small(text), text.replace("ẳ", "ẵ").replace("Ẳ", "Ẵ")
    for meant, code in ((low, "tcvn3"), (no_hook, "vni")):
        repaired, name = encoding.repair(in_code(meant, code))
        assert (repaired.split(), name) == (meant.split(), code)
        assert normalize(encoding.decode(in_code(meant, code).encode("cp1252", "replace"))).split() == meant.split()


def test_a_repair_keeps_lines_and_pages() -> None:
    text = f"\n{small(TEXT)}\n\n\n\n{small(TEXT)}\f{small(TEXT)}\n"
    repaired, name = encoding.repair(in_code(text, "tcvn3"))
    assert name == "tcvn3"
    assert [line.strip() for line in repaired.split("\n")] == [line.strip() for line in text.split("\n")]
    assert repaired.count("\f") == 1


RIGHT = [
    "Kế hoạch", "Sở Y tế", "và có là", "mà thì và cho phù", "Hòa Bình: 3 µg", "cà phê", "TP. Huế: 5%", "Hà Nam", "Thu hoach vu mua",
    "Ông bà có nhà ở xã", "± 5 °C © ® «a»", "µm", "ñ", "Điện 10 kWh ÷ 12 kWh", "A × B", "UBND xã Hòa Bình; xã Hòa Phú; xã Hòa Trí",
    "El año pasado el señor Muñoz llevó a su niña pequeña a la montaña. ¿Qué pasó mañana? ¡Corazón, canción, pingüino!",
    "Où est l'hôtel? Ça va, garçon: la forêt, l'âme, le cœur, l'élève déjà là-bas. Être ou ne pas être, voilà l'idée française.",
    "The province's naïve café façade: 25 °C, £30, ½ cup — a résumé of Ångström's coöperation.",
    "Größe, Straße, Müller, Äpfel und Öl für übermorgen; schöne Grüße aus Köln.",
    "São Paulo não é ação; coração, irmão, avó, pão e lições de português.",
    "Plan of action for 2030: cleaner production, sustainable consumption.",
]  # fmt: skip


@pytest.mark.parametrize("text", [*RIGHT, *[text * 30 for text in RIGHT[-6:]]], ids=lambda text: text[:20])
def test_what_is_right_stays(text: str) -> None:
    assert encoding.repair(text) == (text, None)
    assert encoding.decode(text.encode()) == text


@given(st.lists(st.sampled_from(TEXT.split()), min_size=1, max_size=12).map(" ".join))
def test_any_words_of_right_vietnamese_stay(text: str) -> None:
    assert encoding.repair(text) == (text, None)


@given(st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyàáãèéìíòóõùúý ", max_size=40))
def test_any_letters_of_vietnamese_stay(text: str) -> None:
    assert encoding.repair(text) == (text, None)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TEXT.encode() + b"\xff\xfe\xfa" + TEXT.encode(), f"UTF-8 breaks at byte {len(TEXT.encode())}"),
        (b"abc \x81\x8d\x8f\x90", "UTF-8 breaks at byte 4"),
        ("Où est l'hôtel? Ça va, garçon.".encode("latin-1"), "UTF-8 breaks at byte 1"),
        ("El año pasado la niña".encode("cp1252") * 20, "UTF-8 breaks at byte 4"),
        ("План действий".encode("cp1251"), "UTF-8 breaks at byte 0"),
        ("行动计划".encode("gbk") * 10, "UTF-8 breaks at byte 0"),
        (TEXT.encode() + b"\x00", f"a zero at byte {len(TEXT.encode())}"),
        (TEXT.encode("utf-16-le"), "a zero at byte 1"),
        (codecs.BOM_UTF16_LE + "Kế".encode("utf-16-le") + b"\x00\xd8a\x00", "starts as UTF-16 but breaks at byte 6"),
        (codecs.BOM_UTF16_BE + b"\x00a\x00", "starts as UTF-16 but breaks at byte 4"),
    ],
)
def test_what_is_in_no_encoding_is_refused_with_the_place(data: bytes, said: str) -> None:
    with pytest.raises(EncodingError, match=said):
        encoding.decode(data)
    with pytest.raises(UnreadableError, match=said) as refused:
        read_bytes(data, "a.txt")
    assert len(str(refused.value)) < 500
    assert "\n" not in str(refused.value)


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    with contextlib.suppress(EncodingError):
        _, name = encoding.repair(encoding.decode(data))
        assert name in (None, "tcvn3", "vni")
