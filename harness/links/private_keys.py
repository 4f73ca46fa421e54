"""Load the laptop's private keys, each once per process."""

from __future__ import annotations

import functools
import shlex
from pathlib import Path

from paramiko.pkey import PKey
from paramiko.ssh_exception import PasswordRequiredException, SSHException

from harness.errors import ConfigurationError


@functools.cache
def load(path: Path) -> PKey:
    """Return the key in a file; raises ConfigurationError. An RSA-4096 costs half a second."""
    action = "check ansible_ssh_private_key_file in the inventory"
    try:
        return PKey.from_path(path.expanduser())
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no key file {path}", step="private key", action=action
        ) from error
    except (PasswordRequiredException, TypeError) as error:
        raise ConfigurationError(
            f"the key {path} has a passphrase",
            step="private key",
            action=f"ssh-add {shlex.quote(str(path))}, and leave the key file out of the inventory",
        ) from error
    except (OSError, ValueError, SSHException) as error:
        raise ConfigurationError(
            f"the key {path} cannot be read: {error}", step="private key", action=action
        ) from error
