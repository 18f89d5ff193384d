"""Families: what is grouped, that arriving one by one gives the same as all at once, ids over runs, the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.store import Store
from index.families import Earlier, Families, build, sign
from index.families_file import read, refresh
from index.statements import statements, statements_of
from models.remembered import RememberingEmbedder

Add = Callable[..., None]
WORDS = ("bao", "bac", "xanh", "rac", "dien")
PLANS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    min_size=1,
    max_size=5,
)


def of_store(store: Store) -> dict:
    return {document.id: statements(store, document) for document in store.documents()}


def members(found: Families) -> set[frozenset[str]]:
    return {frozenset(f"{m.document.id}: {m.text}" for m in family.members) for family in found.families}


def earlier(found: Families) -> Earlier:
    ids = {family.id: frozenset(map(sign, family.members)) for family in found.families}
    return Earlier(found.signatures, found.linked, ids)


def test_the_same_obligation_is_one_family(empty: Store, add: Add, first_word: type) -> None:
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy", "rác thải"])
    add(empty, "b", "Cà Mau", 2022, ["bao bì lá", "điện gió"])
    add(empty, "c", "Bắc Kạn", 2023, ["bao bì nâu", "rác nhựa", "bac thang"])
    found = build(of_store(empty), first_word())
    assert members(found) == {
        frozenset({"a: bao bì giấy", "b: bao bì lá", "c: bao bì nâu"}),
        frozenset({"a: rác thải", "c: rác nhựa"}),
    }
    assert [m.document.year for m in found.families[0].members] == [2021, 2022, 2023]
    assert found.families[0].cohesion == 0.95


def test_families_of_the_same_words_of_the_same_plans_have_ids_of_their_own(
    empty: Store, add: Add, first_word: type
) -> None:
    for name, province in (("a", "Cao Bằng"), ("b", "Cà Mau"), ("c", "Bắc Kạn")):
        add(empty, name, province, 2021, ["rác thải"] * 24)
    found = build(of_store(empty), first_word())
    again = build(of_store(empty), first_word(), earlier(found))
    assert len(found.families) > 1
    assert len({family.id for family in found.families}) == len(found.families)
    assert {family.id for family in again.families} == {family.id for family in found.families}


@pytest.mark.parametrize("kind", ["preamble", "news", "boilerplate"])
def test_what_obliges_to_nothing_is_left_out(empty: Store, add: Add, first_word: type, kind: str) -> None:
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy"], kind)
    add(empty, "b", "Cà Mau", 2021, ["bao bì lá"])
    assert build(of_store(empty), first_word()).families == ()


def test_aims_for_the_same_indicator_belong_together_whatever_their_words(
    empty: Store, add: Add, first_word: type
) -> None:
    same = [
        "Đến năm 2025, 85% siêu thị dùng bao bì thân thiện môi trường.",
        "Đến năm 2026, 60% siêu thị đóng gói hàng bằng lá.",
    ]
    other = "Đến năm 2025, 85% khu công nghiệp được tuyên truyền về tiêu dùng bền vững."
    for name, province, text in zip("abc", ("Cao Bằng", "Cà Mau", "Lào Cai"), (*same, other), strict=True):
        add(empty, name, province, 2021, [text], "objective")
    assert members(build(of_store(empty), first_word())) == {frozenset({f"a: {same[0]}", f"b: {same[1]}"})}


@given(plans=PLANS, random=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_one_by_one_gives_what_all_at_once_gives(
    add: Add, first_word: type, plans: dict[str, list[str]], random
) -> None:
    arriving = list(plans)
    random.shuffle(arriving)
    found, matcher = None, first_word()
    with TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/store.db")
        for number, name in enumerate(arriving):
            texts = [f"{word} {name} {n}" for n, word in enumerate(plans[name])]
            add(store, name, "Cao Bằng", 2020 + number, texts)
            found = build(of_store(store), matcher, earlier(found) if found else None)
        fresh = build(of_store(store), first_word())
        store.close()
    assert members(found) == members(fresh)
    assert found.linked.keys() == fresh.linked.keys()
    assert all(np.array_equal(found.linked[pair], fresh.linked[pair]) for pair in found.linked)


def test_ids_stay_when_documents_come_and_go(empty: Store, add: Add, first_word: type) -> None:
    add(empty, "b", "Cà Mau", 2022, ["bao bì lá", "rac thải"])
    add(empty, "c", "Lào Cai", 2022, ["bao bì nâu", "rac nhựa"])
    before = build(of_store(empty), first_word())
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy", "rac bếp"])
    after = build(of_store(empty), first_word(), earlier(before))
    ids = {family.id: {m.document.id for m in family.members} for family in after.families}
    assert set(ids) == {family.id for family in before.families}
    assert all(of == {"a", "b", "c"} for of in ids.values())
    empty.delete("b")
    assert {f.id for f in build(of_store(empty), first_word(), earlier(after)).families} == set(ids)


def test_only_what_is_new_is_matched(empty: Store, add: Add, first_word: type) -> None:
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy"])
    add(empty, "b", "Cà Mau", 2022, ["bao bì lá"])
    matcher = first_word()
    before = build(of_store(empty), matcher)
    matcher.described = 0
    build(of_store(empty), matcher, earlier(before))
    assert matcher.described == 0


class Embedder:
    id = "counting"
    dimension = 2

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_queries(self, texts) -> np.ndarray:
        self.texts += texts
        return np.ones((len(texts), 2), np.float32)

    embed_passages = embed_queries


def run(store: Store, file: Path, first_word: type) -> tuple[Families, list[str]]:
    base, kept = Embedder(), read(file)
    embedder = RememberingEmbedder(base, kept.vectors)
    matcher = first_word()
    plainly = matcher.describe
    # The real matcher asks its embedder for what it describes.
    matcher.describe = lambda texts: (embedder.embed_queries(texts), plainly(texts))[1]
    return refresh(file, store, embedder, matcher, kept), base.texts


def test_the_file_keeps_vectors_links_and_ids(empty: Store, add: Add, first_word: type, tmp_path: Path) -> None:
    file = tmp_path / "families.npz"
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy"])
    add(empty, "b", "Cà Mau", 2022, ["bao bì lá"])
    first, embedded = run(empty, file, first_word)
    assert embedded == ["bao bì giấy", "bao bì lá"]
    again, embedded = run(empty, file, first_word)
    assert (again, embedded) == (first, [])
    add(empty, "c", "Lào Cai", 2023, ["bao bì nâu"])
    third, embedded = run(empty, file, first_word)
    assert embedded == ["bao bì nâu"]
    assert [family.id for family in third.families] == [family.id for family in first.families]
    assert not list(tmp_path.glob(".building-*"))


def test_vectors_of_deleted_documents_are_forgotten(empty: Store, add: Add, first_word: type, tmp_path: Path) -> None:
    file = tmp_path / "families.npz"
    for name in "abc":
        add(empty, name, "Cao Bằng", 2021, [f"bao {name}"])
    run(empty, file, first_word)
    empty.delete("a")
    add(empty, "d", "Cà Mau", 2021, ["bao d"])
    run(empty, file, first_word)
    assert len(read(file).vectors) == 3


def test_plans_that_oblige_to_nothing_give_a_file_without_vectors(
    empty: Store, add: Add, first_word: type, tmp_path: Path
) -> None:
    file = tmp_path / "families.npz"
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy"], kind="heading")
    found, _ = run(empty, file, first_word)
    assert found.families == ()
    assert read(file).content == empty.content
    assert read(file).vectors == {}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"not an archive at all"])
def test_a_damaged_file_is_made_anew(empty: Store, add: Add, first_word: type, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "families.npz"
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy"])
    add(empty, "b", "Cà Mau", 2022, ["bao bì lá"])
    whole, _ = run(empty, file, first_word)
    file.write_bytes(content)
    assert run(empty, file, first_word)[0] == whole
    assert read(file).earlier.members


def test_a_file_cut_anywhere_counts_as_none_or_is_whole(
    empty: Store, add: Add, first_word: type, tmp_path: Path
) -> None:
    file = tmp_path / "families.npz"
    add(empty, "a", "Cao Bằng", 2021, ["bao bì giấy"])
    run(empty, file, first_word)
    whole = file.read_bytes()
    for end in range(0, len(whole), 97):
        file.write_bytes(whole[:end])
        assert read(file).content == ""


def test_statements_hold_all_words_and_split_what_measures_two_things(empty: Store, add: Add, first_word: type) -> None:
    text = "70% khu công nghiệp được tuyên truyền về tiêu dùng bền vững; phấn đấu 85% siêu thị dùng bao bì thân thiện môi trường."
    add(empty, "a", "Cao Bằng", 2021, [text, "bao " * 100 + "; rac " * 40], "objective")
    document = empty.documents()[0]
    for paragraph in empty.paragraphs():
        found = statements_of(paragraph, document, empty.targets_of(paragraph.key))
        assert " ".join(s.text for s in found).split() == paragraph.text.split()
    first = statements(empty, document)[:2]
    assert [sorted(s.indicators) for s in first] == [["zones_informed"], ["supermarkets_green_packaging"]]


def test_bare_references_say_nothing_and_the_rest_is_kept(empty: Store, add: Add) -> None:
    add(
        empty,
        "a",
        "Cao Bằng",
        2021,
        [
            "1. Sở Công Thương: chủ trì mục III.1, III.2; báo cáo Bộ Công Thương trước ngày 15/12 hằng năm.",
            "Đơn vị: Sở Y tế; Trách nhiệm: Chủ trì điểm c mục 2; giám sát nước thải bệnh viện; Thời hạn: Hằng năm",
            "2. Sở Tài chính chủ trì nội dung mua sắm công xanh tại mục 3.1.",
        ],
        "assignment",
    )
    assert [s.text for s in statements(empty, empty.documents()[0])] == [
        "báo cáo Bộ Công Thương trước ngày 15/12 hằng năm.",
        "giám sát nước thải bệnh viện;",
        "2. Sở Tài chính chủ trì nội dung mua sắm công xanh tại mục 3.1.",
    ]


def test_the_same_work_of_another_body_is_another_duty(empty: Store, add: Add, first_word: type) -> None:
    text = "Ban hành kế hoạch."
    bodies = (("UBND các huyện",), ("Ủy ban nhân dân cấp xã", "Sở Y tế"), ("Sở Công Thương",), ())
    for name, acting in zip("abcd", bodies, strict=True):
        add(empty, name, "Cao Bằng", 2021, [text], "assignment", agencies=acting)
    found = build(of_store(empty), first_word())
    together = [{m.document.id for m in family.members} for family in found.families]
    assert any({"a", "b"} <= of for of in together)
    assert not any({"a", "c"} <= of for of in together)
