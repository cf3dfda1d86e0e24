"""Who may do what with files."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISDIR

from gateway.rules.diagnosis import Access


def access(paths: Iterable[Path]) -> list[Access]:
    """What the permissions of files and directories are, of those that are there. Raises OSError."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            seen = path.stat()
            found.append(
                Access(
                    path=str(path),
                    mode=S_IMODE(seen.st_mode),
                    owner=_name(seen.st_uid),
                    is_ours=seen.st_uid == os.geteuid(),
                    is_directory=S_ISDIR(seen.st_mode),
                )
            )
    return found


def user() -> str:
    """The name of the user that this process belongs to."""
    return _name(os.geteuid())


def umask() -> int:
    """What is taken from the permissions of new files."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
