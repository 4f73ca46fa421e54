"""Wait on a host to kill the sshd of a deploy amid its upload, over a connection of one's own."""

from __future__ import annotations

import threading

from commands.choosing import Chosen
from fault_injection.deploys import sshd
from harness.errors import ConfigurationError, UnreachableError
from harness.host import Host
from harness.links.link import Link, Process

#: Nobody is watched for longer, whatever becomes of this laptop, in seconds.
WITHIN_S = 300.0


class SessionCutter:
    """Watches the sessions on one host (fault_injection.deploys.acts.Cutter)."""

    def __init__(self, host: Host, after_kib: int) -> None:
        if host.sandbox:
            raise ConfigurationError(
                "no sshd leads to a sandbox", host=host.name, step="kill_sshd",
                action="invoke faults.list -i INVENTORY: it tells what can run where",
            )  # fmt: skip
        self._host, self._after_kib = host, after_kib
        self._link: Link | None = None
        self._process: Process | None = None
        self._said = ""
        self._listening = threading.Thread(target=self._listen, daemon=True)

    def begin(self) -> str:
        """Start to watch; returns once the host does so. Raises UnreachableError."""
        from harness.links.ssh import connect

        self._link = connect(self._host)
        host = self._host
        words = sshd.words(host.user or "", self._after_kib, WITHIN_S, become=host.become)
        self._process = self._link.exec(words)
        if not self._process.stdout.readline().startswith(b"watching"):
            raise self._process.explain() or UnreachableError(
                "nobody watches the sessions there", host=host.name, step="kill_sshd"
            )
        self._listening.start()
        return f"SIGKILL to a session's sshd on {host.name} after {self._after_kib} KiB"

    def said(self) -> str:
        """Return whom it has killed, "" for nobody so far."""
        return self._said

    def end(self) -> None:
        """Watch no longer."""
        if self._process:
            self._process.close()
        if self._link:
            self._link.close()
        if self._listening.is_alive():
            self._listening.join()

    def _listen(self) -> None:
        assert self._process
        self._said = self._process.stdout.readline().decode(errors="replace").strip()


def cutter(chosen: Chosen, name: str, after_kib: int) -> SessionCutter:
    """Return what watches one of the chosen hosts. Raises ConfigurationError."""
    named = {host.name: host for host in chosen.hosts}
    if name not in named:
        raise ConfigurationError(f"{name} is none of the chosen hosts", step="kill_sshd")
    return SessionCutter(named[name], after_kib)
