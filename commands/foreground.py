"""Run a consumer as a process of this machine, with the settings that a host's would have."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from commands.choosing import Chosen
from commands.logging_of_hosts import readable
from commands.showing import Display
from commands.wanting import PROJECT
from harness.errors import FAILED, ConfigurationError
from harness.resources import Credential, Resource, Template, Unit
from harness.suggestions import did_you_mean

#: All that it is given of a person's own environment: a setting or an old name of one may be there.
TAKEN_ALONG = ("HOME", "LANG", "PATH", "TMPDIR", "TZ")
#: How long it may finish what it has begun before it is killed; a second Ctrl-C kills at once.
STOP_WITHIN_S = 20.0


def run_here(chosen: Chosen, name: str, display: Display, *, once: bool, check_config: bool) -> int:
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
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us, who then end it in order
        )  # fmt: skip
        code = _ended(process, display)
    return code if code >= 0 else FAILED


def environment(resources: list[Resource], folder: Path) -> dict[str, str]:
    """Return what the consumer is started with; its secrets lie in `folder`, 0600, nowhere else."""
    unit = next(each for each in resources if isinstance(each, Unit))
    (env,) = (each for each in resources if isinstance(each, Template) and each.path == unit.env)
    given = env.extra["settings"]
    assert isinstance(given, dict)
    environ = {name: os.environ[name] for name in TAKEN_ALONG if name in os.environ}
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


def _ended(process: subprocess.Popen[bytes], display: Display) -> int:
    """Show what it logs until it ends; asked to stop, it finishes what it has begun."""
    try:
        _show(process, display)
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
    late = threading.Timer(STOP_WITHIN_S, process.kill)
    late.start()
    try:
        _show(process, display)
        return process.wait()
    except KeyboardInterrupt:
        process.kill()
        return process.wait()
    finally:
        late.cancel()


def _show(process: subprocess.Popen[bytes], display: Display) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        display.say(*readable(line.decode("utf-8", "replace").rstrip("\n")))
