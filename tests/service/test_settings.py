import re
from pathlib import Path

import pytest

from service.cli import main
from service.settings import Settings, settings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^\| `KEHOACH_(\w+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_documented_defaults_are_the_defaults() -> None:
    rows = re.findall(r"^\| `KEHOACH_(\w+)` \| `([^`]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 12
    for name, written in rows:
        field = Settings.model_fields[name.lower()]
        parsed = Settings.__pydantic_validator__.validate_python({name.lower(): written})
        assert getattr(parsed, name.lower()) == field.default, name


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEHOACH_HOME", str(tmp_path))
    monkeypatch.setenv("KEHOACH_PORT", "9001")
    chosen = Settings()
    assert chosen.port == 9001
    assert chosen.database_url == f"sqlite:///{tmp_path / 'kehoach.db'}"


def test_the_command_line_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEHOACH_PORT", "x")
    monkeypatch.setattr("sys.argv", ["kehoach", "documents"])
    settings.cache_clear()
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "KEHOACH_PORT: Input should be a valid integer" in capsys.readouterr().err
    settings.cache_clear()


@pytest.mark.parametrize(("name", "value"), [("PORT", "70000"), ("THREADS", "0"), ("PORT", "x"), ("MAX_BODY", "1")])
def test_a_senseless_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"KEHOACH_{name}", value)
    with pytest.raises(ValueError, match=name.lower()):
        Settings()
