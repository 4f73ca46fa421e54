"""Run a consumer as a process of this machine, with the settings that a host's would have."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from commands.choosing import Chosen
from commands.wanting import PROJECT
from harness.errors import ConfigurationError
from harness.resources import Credential, Resource, Template, Unit
from harness.suggestions import did_you_mean

#: What a person's own environment must not bring in.
FOREIGN = ("REDIS_", "QUANTUM_", "CREDENTIALS_", "CONSUMER_", "NOTIFY_SOCKET", "WATCHDOG_")
#: After a second Ctrl-C, or where it does not end by itself, in seconds.
STOP_WITHIN_S = 20.0


def run_here(chosen: Chosen, name: str, *, once: bool, check_config: bool) -> int:
    """Run it until it ends or Ctrl-C; returns its exit code."""
    import roles

    known = [each for each, role in roles.REGISTRY.items() if role.READS]
    if name not in known:
        raise ConfigurationError(
            f'there is no consumer "{name}"{did_you_mean(name, known)}', step="consumers.run",
            action=f"invoke consumers.run {known[0]}",
        )  # fmt: skip
    host = next((each for each in chosen.hosts if name in each.roles), None)
    if host is None:
        raise ConfigurationError(
            f"no host of inventory {chosen.inventory.name} has the role {name}",
            step="consumers.run", action="add it to a host's roles, or name another -i",
        )  # fmt: skip
    words = ["--check-config"] if check_config else ["--once"] if once else []
    resources = list(roles.REGISTRY[name].resources(host))
    with tempfile.TemporaryDirectory(prefix="quantum-credentials-") as folder:
        environ = environment(resources, Path(folder))
        command = [sys.executable, "-B", "-m", f"consumers.{name}", *words]
        process = subprocess.Popen(command, cwd=PROJECT, env=environ, stdin=subprocess.DEVNULL)
        return _ended(process)


def environment(resources: list[Resource], folder: Path) -> dict[str, str]:
    """Return what the consumer is started with; its secrets lie in `folder`, 0600, nowhere else."""
    unit = next(each for each in resources if isinstance(each, Unit))
    (env,) = (each for each in resources if isinstance(each, Template) and each.path == unit.env)
    given = env.extra["settings"]
    assert isinstance(given, dict)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environ |= {name.upper(): _text(value) for name, value in given.items()}
    # a name of its own: beside the deployed ones it is one more, and never taken for one of them
    environ["CONSUMER_NAME"] = f"{socket.gethostname()}-run"
    environ["METRICS_PORT"] = "0"
    folder.chmod(0o700)
    for each in resources:
        if isinstance(each, Credential) and each.service == unit.service:
            path = folder / each.name
            path.touch(mode=0o600)
            path.write_bytes(each.value.reveal())
    environ["CREDENTIALS_DIRECTORY"] = str(folder)
    return environ


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; Ctrl-C reaches the process too, which then finishes what it has begun."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            return process.wait(STOP_WITHIN_S)
        process.kill()
        return process.wait()
