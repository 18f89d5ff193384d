"""What a home folder keeps for good: made once, whichever of its processes comes first."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def host_id(home: Path) -> str:
    """Return the name by which jobs know the processes of a home folder and the files in it."""
    return made_once(home / "host.id", secrets.token_hex(8).encode()).decode()


def made_once(file: Path, content: bytes) -> bytes:
    """Return what ``file`` holds, which is ``content`` where it is new; only its owner may read it."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name and linked: of two processes that come here together, both use the first's.
    draft = file.with_name(f".{file.name}-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_bytes()
