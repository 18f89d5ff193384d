"""The command line: the forms of its contract, its exit statuses, and input that cannot be used."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from service.cli import main
from service.settings import settings

GROUPS = {"awareness", "circular_economy", "green_distribution", "renewable_energy"}
PLAN = """ỦY BAN NHÂN DÂN
TỈNH CAO BẰNG
Số: 77/KH-UBND
Cao Bằng, ngày 03 tháng 02 năm 2022

KẾ HOẠCH
THỬ NGHIỆM TIÊU DÙNG BỀN VỮNG TRÊN ĐỊA BÀN TỈNH CAO BẰNG

Thực hiện Quyết định số 889/QĐ-TTg, UBND tỉnh ban hành Kế hoạch như sau:

I. MỤC TIÊU
- Đến năm 2025 có ít nhất 60% siêu thị thay túi ni lông bằng túi giấy.
II. NHIỆM VỤ
1. Tuyên truyền
- Mở hai lớp tập huấn về lối sống bền vững cho hội viên nông dân.
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs ``kehoach`` with arguments as a fresh process would, but in this one: that is ten times as fast."""
    monkeypatch.setenv("KEHOACH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: object, rc: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        settings.cache_clear()
        out, err, typed = (io.TextIOWrapper(io.BytesIO(text), encoding="utf-8") for text in (b"", b"", stdin.encode()))
        command = ["kehoach", *map(str, arguments)]
        with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "argv", command)
            patch.setattr(sys, "stdin", typed)
            with pytest.raises(SystemExit) as ended:
                main()
        out.flush(), err.flush()
        done = subprocess.CompletedProcess(
            command, ended.value.code or 0, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()
        )
        assert done.returncode == rc, done.stderr
        return done

    yield call
    settings.cache_clear()


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, object], Path]:
    def write(name: str, content: object) -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content), encoding="utf-8")
        return path

    return write


READY = [
    {
        "id": "a1",
        "doc": "A",
        "province": "Cao Bằng",
        "text": "Phấn đấu 70% siêu thị thay túi ni lông bằng bao bì dễ phân hủy.",
    },
    {"id": "a2", "doc": "A", "province": "Cao Bằng", "text": "Lắp điện mặt trời trên mái trụ sở cơ quan, tổng 12 MW."},
    {
        "id": "b1",
        "doc": "B",
        "province": "Cà Mau",
        "text": "Trên 85% siêu thị dùng bao bì thân thiện môi trường thay túi nhựa.",
    },
    {"id": "b2", "doc": "B", "province": "Cà Mau", "text": "Mở lớp tập huấn cho hợp tác xã về tiêu dùng bền vững."},
]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_ready_paragraphs_are_found_compared_and_filtered(run: Run, put) -> None:
    reports = json.loads(run("ingest", put("p.jsonl", READY), "--json").stdout)
    assert [(r["outcome"], r["paragraphs"]) for r in reports] == [("added", 2), ("added", 2)]
    result = json.loads(run("search", "dien mat troi", "--json").stdout)
    assert result["hits"][0]["paragraph_id"] == "a2"
    assert result["restored"] == "điện mặt trời"
    assert result["took_ms"] > 0
    only = json.loads(run("search", "siêu thị", "--json", "--province", "ca mau").stdout)
    assert {hit["document_id"] for hit in only["hits"]} == {"B"}
    inside = json.loads(run("search", "siêu thị", "--json", "--region", "dong bang SONG cuu long").stdout)
    assert {hit["document_id"] for hit in inside["hits"]} == {"B"}
    today = json.loads(run("search", "siêu thị", "--json", "--province", "ca mau", "--province-as", "today").stdout)
    assert {hit["document_id"] for hit in today["hits"]} == {"B"}
    batch = put("q.jsonl", [{"id": "1", "text": "điện mặt trời"}, {"id": 2, "text": "supermarket packaging"}])
    answers = lines(run("search", "--batch", batch, "--jsonl", "-k", 1).stdout)
    assert [answer["id"] for answer in answers] == ["1", "2"]
    assert [len(answer["hits"]) for answer in answers] == [1, 1]
    compared = json.loads(run("compare", "Cao Bằng", "Cà Mau", "--json").stdout)
    assert [(p["a"]["paragraph_id"], p["b"]["paragraph_id"]) for p in compared["aligned"]] == [("a1", "b1")]
    assert [d["kind"] for d in compared["aligned"][0]["differs"]] == ["value"]
    assert [side["paragraph_id"] for side in compared["only_b"]] == ["b2"]
    plans = json.loads(run("compare", "A", "cà mau", "--as-published", "--json").stdout)
    assert (plans["a"], plans["b"], plans["documents_b"]) == ("A", "Cà Mau", ["B"])
    assert plans["aligned"] == compared["aligned"]


def test_tags_list_all_groups(run: Run, put) -> None:
    rows = lines(run("tag", put("t.jsonl", READY), "--jsonl").stdout)
    assert [row["id"] for row in rows] == ["a1", "a2", "b1", "b2"]
    assigned = [{t["task_group"] for t in row["tags"] if t["assigned"]} for row in rows]
    carried = ("green_distribution", "renewable_energy", "green_distribution", "awareness")
    assert all(group in groups for group, groups in zip(carried, assigned, strict=True))
    assert sum(map(len, assigned)) <= 5
    assert all({t["task_group"] for t in row["tags"]} == GROUPS for row in rows)
    assert all(0 <= t["probability"] <= 1 for row in rows for t in row["tags"])
    assert {type(t["unsure"]) for row in rows for t in row["tags"]} == {bool}


def test_similar_and_targets_keep_ids(run: Run, put) -> None:
    pairs = put(
        "s.jsonl",
        [
            {"id": "x", "a": READY[0]["text"], "b": READY[2]["text"]},
            {"id": "y", "a": READY[0]["text"], "b": READY[1]["text"]},
        ],
    )
    same, other = lines(run("similar", "--batch", pairs, "--jsonl").stdout)
    assert (same["id"], same["same_clause"]) == ("x", True)
    assert not other["same_clause"]
    assert same["similarity"] > other["similarity"]
    assert 1 >= same["probability"] > other["probability"] >= 0
    assert " likely  same clause" in run("similar", "--batch", pairs).stdout
    found = lines(run("targets", "--batch", put("g.jsonl", READY[1:2]), "--jsonl").stdout)[0]
    assert [(t["values"], t["unit"]) for t in found["targets"]] == [([12.0], "MW")]


def test_inspect_shows_everything_and_stores_nothing(run: Run, put, tmp_path: Path) -> None:
    form = json.loads(run("inspect", put("plan.txt", PLAN), "--json").stdout)
    about = form["metadata"]
    assert (about["number"], about["type"], about["province"], about["date_issued"]) == (
        "77/KH-UBND",
        "Kế hoạch",
        "Cao Bằng",
        "2022-02-03",
    )
    assert about["based_on"] == ["889/QĐ-TTg"]
    target = next(p for p in form["paragraphs"] if "siêu thị" in p["text"])
    assert (target["kind"], target["heading_path"]) == ("objective", ["I. MỤC TIÊU"])
    assert [(t["comparator"], t["values"], t["deadline"]) for t in target["targets"]] == [(">=", [60.0], "2025")]
    assert form["skipped"]
    assert not (tmp_path / "home" / "kehoach.db").exists()


BAD = {
    "empty.txt": (b"", "it is empty"),
    "blank.md": (b" \n\t\n", "it is empty"),
    "scan.pdf": (b"%PDF-1.7 ...", "it is damaged"),
    "renamed.txt": (b"\x89PNG\r\n", "it is a PNG picture"),
    "binary.txt": (bytes(range(256)) * 20, "it is binary"),
    "latin.txt": ("Café déjà vu élève ".encode("latin-1") * 9, "unknown encoding: UTF-8 breaks at byte 3"),
    "broken.jsonl": (b'{"id": "1", "text": "x"}\n{"id": ', "line 2 is not JSON"),
    "fields.jsonl": (b'{"id": "1"}\n', "line 1 has no id or no text"),
    "numbers.txt": (b"12 34 56\n", "no words in it"),
}


def test_bad_files_cost_only_their_own_report(run: Run, put, tmp_path: Path) -> None:
    files = [put(name, content) for name, (content, _) in BAD.items()]
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    good, twin = put("good.txt", PLAN), put("twin.txt", PLAN + "")
    twin.write_text(PLAN, encoding="utf-8")
    reports = json.loads(run("ingest", *files, huge, tmp_path / "absent.txt", good, good, "--json").stdout)
    by_file = {Path(r["file"]).name: r for r in reports}
    for name, (_, reason) in BAD.items():
        assert by_file[name]["outcome"] == "failed", name
        assert reason in by_file[name]["reason"], name
    assert "209,715,200 bytes, more than the limit" in by_file["huge.txt"]["reason"]
    assert "No such file" in by_file["absent.txt"]["reason"]
    assert [r["outcome"] for r in reports if Path(r["file"]).name == "good.txt"] == ["added", "unchanged"]
    assert len(json.loads(run("documents", "--json").stdout)) == 1


def test_bad_files_alone_change_nothing(run: Run, put) -> None:
    run("ingest", put("good.txt", PLAN))
    before = run("documents", "--json").stdout
    failed = run("ingest", *(put(name, content) for name, (content, _) in BAD.items()), rc=1)
    assert all(name in failed.stderr for name in BAD)
    assert run("documents", "--json").stdout == before


def test_the_same_bytes_under_another_name_are_not_stored_again(run: Run, put) -> None:
    rows = [{"id": "only", "text": "Thu gom rác tái chế."}]
    run("ingest", put("one.jsonl", rows))
    assert "unchanged" in run("ingest", put("two.jsonl", rows)).stderr
    assert len(json.loads(run("documents", "--json").stdout)) == 1


def test_an_id_in_use_is_refused_by_name(run: Run, put) -> None:
    run("ingest", put("one.jsonl", [{"id": "p", "doc": "one", "text": "Thu gom rác tái chế."}]))
    failed = run("ingest", put("two.jsonl", [{"id": "p", "doc": "two", "text": "Điện gió."}]), rc=1)
    assert "paragraph id 'p' is already used by document 'one'" in failed.stderr


def test_a_new_version_replaces_the_old(run: Run, put) -> None:
    run("ingest", put("plan.txt", PLAN))
    assert "updated" in run("ingest", put("plan.txt", PLAN.replace("60%", "65%"))).stderr
    assert "65%" in json.loads(run("search", "siêu thị", "--json").stdout)["hits"][0]["text"]


def test_a_list_of_files_is_read_and_the_hash_follows_the_content(run: Run, put, tmp_path: Path) -> None:
    empty = run("documents", "--hash").stdout.strip()
    plan = put("plan.txt", PLAN)
    listed = put("list.txt", f"{plan}\nhttps://example.gov.vn/plan.pdf\n")
    reports = json.loads(run("ingest", "--list", listed, "--json").stdout)
    assert [(r["file"], r["outcome"]) for r in reports] == [
        (str(plan), "added"),
        ("https://example.gov.vn/plan.pdf", "failed"),
    ]
    assert "KEHOACH_FETCH_HOSTS" in reports[1]["reason"]
    held = json.loads(run("documents", "--hash", "--json").stdout)["sha256"]
    assert len(held) == 64
    assert held != empty
    assert "absent.txt" in run("ingest", "--list", tmp_path / "absent.txt", rc=2).stderr
    assert "--list FILE" in run("ingest", rc=2).stderr


def test_standard_input_is_read(run: Run) -> None:
    assert "added" in run("ingest", "-", stdin=PLAN).stderr
    assert "added" in run("ingest", "-", stdin=json.dumps(READY[0]) + "\n").stderr


@pytest.mark.parametrize(
    ("arguments", "rc", "message"),
    [
        (["no-such-command"], 2, "No such command"),
        (["search"], 2, "give either a QUERY or --batch"),
        (["search", "x", "--task-group", "none"], 2, "unknown task group 'none'; known are awareness"),
        (["search", "x", "--province", "Atlantis"], 2, "unknown province 'Atlantis'; accepted are the names of the 63"),
        (["documents", "--province", "Atlantis"], 2, "unknown province 'Atlantis'"),
        (["search", "x", "--region", "Miền Trung"], 2, "unknown region 'Miền Trung'; known are "),
        (["search", "x", "--province-as", "then"], 2, "'either', 'published', 'today'"),
        (["search", "x", "-k", "0"], 2, "greater than or equal to"),
        (["tag", "absent.jsonl"], 2, "absent.jsonl: cannot be opened"),
        (["compare", "Atlantis", "Cà Mau"], 2, "unknown province 'Atlantis'"),
        (["compare", "Cà Mau", "ca mau"], 2, "two different provinces"),
        (["compare", "Cao Bằng", "Cà Mau"], 1, "no paragraphs of Cao Bằng in the store"),
        (["inspect", "absent.txt"], 1, "absent.txt: cannot be opened"),
        (["evaluate", "search", "absent"], 2, "corpus.jsonl: cannot be opened"),
        (["watch", "absent"], 2, "absent is not a folder"),
        (["export", "out.txt", "--format", "xlsx"], 2, "a file whose name ends in .xlsx"),
        (["export", "out.xlsx"], 1, "nothing to export"),
        (["versions", "absent"], 1, "no document 'absent'"),
        (["restore", "absent"], 1, "no earlier version of 'absent'"),
        (["delete", "absent"], 1, "no document absent"),
        (["model", "finetune", "absent.jsonl"], 2, "absent.jsonl: cannot be opened"),
    ],
)
def test_wrong_use_ends_with_a_status_and_a_reason(run: Run, arguments: list[str], rc: int, message: str) -> None:
    done = run(*arguments, rc=rc)
    assert message in " ".join(done.stderr.split())
    assert not done.stdout
    assert "Traceback" not in done.stderr


def test_a_broken_row_is_named(run: Run, put) -> None:
    assert "rows.jsonl, line 2: text missing" in run("tag", put("rows.jsonl", [READY[0], {"id": "z"}]), rc=1).stderr


def test_versions_are_kept_and_brought_back(run: Run, put) -> None:
    name = "cao-bang/77-kh-ubnd-2022"
    run("ingest", put("plan.txt", PLAN))
    longer = put("plan.txt", PLAN + "- Thu gom pin đã qua sử dụng tại trường học.\n")
    assert "1 added" in run("ingest", longer).stderr
    assert [v["reason"] for v in json.loads(run("versions", name, "--json").stdout)] == ["replaced"]
    changed = json.loads(run("versions", name, "--changes", "1", "--json").stdout)
    assert [(c["kind"], c["after"]["text"]) for c in changed] == [
        ("added", "Thu gom pin đã qua sử dụng tại trường học.")
    ]
    run("delete", name)
    assert json.loads(run("search", "pin đã qua sử dụng", "--json").stdout)["hits"] == []
    assert name in run("restore").stdout
    run("restore", name, "--version", "1")
    assert "pin" not in run("search", "thu gom pin", "--json").stdout.replace("thu gom pin", "")
    run("restore", name, "--version", "2")
    hits = json.loads(run("search", "pin đã qua sử dụng", "--json").stdout)["hits"]
    assert hits[0]["text"].startswith("Thu gom pin")
    assert hits[0]["task_groups"]


def test_a_tag_is_explained(run: Run) -> None:
    text = "Bố trí kinh phí hằng năm; lắp điện mặt trời trên mái trụ sở."
    found = json.loads(run("explain", text, "--json").stdout)
    assert [item["task_group"] for item in found] == ["renewable_energy"]
    assert "mặt trời" in found[0]["clause"]["text"]
    assert any("mặt" in word["text"] or "điện" in word["text"] for word in found[0]["words"])
    assert len(found[0]["examples"]) == 2
    assert "no task group" in run("explain", "Kính gửi các đơn vị.").stderr


def test_help_lists_the_commands(run: Run) -> None:
    text = run("--help").stdout
    for name in (
        "ingest",
        "inspect",
        "tag",
        "search",
        "similar",
        "compare",
        "targets",
        "evaluate",
        "train",
        "model",
        "serve",
        "watch",
        "export",
        "versions",
        "delete",
        "restore",
        "series",
        "families",
        "gaps",
        "coverage",
        "report",
        "explain",
        "demo",
    ):
        assert name in text


def test_evaluate_search_reads_a_beir_folder(run: Run, put, tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    put("corpus.jsonl", [{"_id": row["id"], "title": "", "text": row["text"]} for row in READY])
    put("queries.jsonl", [{"_id": "q", "text": "điện mặt trời"}])
    put("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\ta2\t2\n")
    report = json.loads(run("evaluate", "search", tmp_path, "--json").stdout)
    assert report["queries"] == 1
    assert report["legs"]["fused"] == {"ndcg@10": 1.0, "recall@10": 1.0, "mrr@10": 1.0, "recall@1": 1.0}


def test_evaluate_tags_measures_labelled_rows(run: Run, put) -> None:
    labels = [["green_distribution"], ["renewable_energy"], ["green_distribution"], ["awareness"]]
    rows = [{**row, "labels": label} for row, label in zip(READY, labels, strict=True)]
    report = json.loads(run("evaluate", "tags", put("l.jsonl", rows), "--json").stdout)
    assert report["task_groups"]["renewable_energy"]["f1"] == 1.0
    assert report["paragraphs"] == 4


def test_the_demo_runs_and_leaves_no_store(run: Run, tmp_path: Path) -> None:
    shown = run("demo").stdout
    for part in ("Coverage", "Cao Bằng", "nang luong mat troi", "training for enterprises", "Only in", "kehoach serve"):
        assert part in shown
    assert not (tmp_path / "home").exists()


def test_the_shared_contract_holds() -> None:
    checker = Path(__file__).resolve().parents[3] / "shared" / "check_contract.py"
    if not checker.exists():
        pytest.skip("the shared contract check is not here")
    executable = Path(sys.executable).with_name("kehoach")
    done = subprocess.run(
        [sys.executable, checker, "--kehoach", executable], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
