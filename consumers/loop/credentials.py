"""Find a secret: where systemd put it, else in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from consumers.loop.failing import StartError


def read(name: str, environ: Mapping[str, str], variable: str) -> str:
    """Return the credential `name`, else the variable, else "".

    Raises StartError for a credential that is there and cannot be read.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder:
        path = Path(folder, name)
        try:
            return path.read_text(encoding="utf-8").strip("\r\n")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            raise StartError(f"credential {name} cannot be read: {error}") from error
    return environ.get(variable, "")
