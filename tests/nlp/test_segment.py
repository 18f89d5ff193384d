import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.segment import MAX_CHARACTERS, segment

COLD_START = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

sys.setswitchinterval(1e-6)
from nlp.segment import segment

together = Barrier(16)

def call(_):
    together.wait()
    return tuple(segment("Sản xuất và tiêu dùng bền vững"))

with ThreadPoolExecutor(16) as pool:
    print(len(set(pool.map(call, range(16)))))
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sản xuất, tiêu dùng bền vững.", ["sản_xuất", "tiêu_dùng", "bền_vững"]),
        ("sản_xuất", ["sản_xuất"]),
        ("... ; —", []),
        (" \n ", []),
        ("", []),
    ],
)
def test_segment(text: str, expected: list[str]) -> None:
    assert segment(text) == expected


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_words_without_spaces(text: str) -> None:
    assert all(word and not any(c.isspace() for c in word) for word in segment(text))


def test_a_very_long_text_is_cut() -> None:
    assert len(segment("điện gió " * MAX_CHARACTERS)) <= MAX_CHARACTERS


def test_sixteen_threads_may_make_the_first_call_together() -> None:
    done = subprocess.run([sys.executable, "-c", COLD_START], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
