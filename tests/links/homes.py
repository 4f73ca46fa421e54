"""A person's home with an ssh_config of its own, and servers to reach from there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import paramiko

from harness.host import Host
from harness.links import ssh
from tests.links.sshds import KeyAgent, Sshd

#: Generous, for what is to work: two cores, many users.
PATIENT_S = 60


class Home:
    """~/.ssh: config, keys and known_hosts; and what was started to be reached from it."""

    def __init__(self, path: Path) -> None:
        self.path, self.ssh = path, path / ".ssh"
        self.ssh.mkdir(mode=0o700)
        self.servers: dict[str, Sshd] = {}
        self.agents: list[KeyAgent] = []
        self.key = self.makes_key("id_ecdsa")

    def makes_key(self, name: str, password: str | None = None) -> paramiko.PKey:
        key = paramiko.ECDSAKey.generate()
        key.write_private_key_file(str(self.ssh / name), password=password)
        (self.ssh / f"{name}.pub").write_text(f"{key.get_name()} {key.get_base64()} {name}\n")
        return key

    def config(self, text: str) -> None:
        (self.ssh / "config").write_text(text)

    def starts(self, *names: str, trusted: bool = True, config: bool = True) -> list[Sshd]:
        """Start servers that let this person in, named in ssh_config and trusted."""
        made = [Sshd(name, [self.key]) for name in names]
        for each in made:
            self.servers[each.name] = each
            if trusted:
                self.trusts(each)
            if config:
                self.says(f"Host {each.name}\n  HostName 127.0.0.1\n  Port {each.port}\n")
        return made

    def says(self, text: str) -> None:
        with (self.ssh / "config").open("a") as file:
            file.write(text)

    def trusts(self, sshd: Sshd) -> None:
        with (self.ssh / "known_hosts").open("a") as file:
            file.write(sshd.line)

    def jumps(self, name: str, through: str) -> None:
        """Put a ProxyJump in front of what ssh_config says already."""
        before = (self.ssh / "config").read_text()
        self.config(f"Host {name}\n  ProxyJump {through}\n{before}")

    def agent(self, *keys: paramiko.PKey) -> KeyAgent:
        made = KeyAgent(self.path / f"agent{len(self.agents)}", keys)
        self.agents.append(made)
        return made

    def close(self) -> None:
        for each in [*self.servers.values(), *self.agents]:
            each.close()


def host(name: str, **changes) -> Host:
    return dataclasses.replace(Host(name, "fleet", "testnet", (), user="ada"), **changes)


def says(name: str, **changes) -> str:
    """Connect, run a program, return what it prints."""
    with ssh.connect(host(name, **changes), deadline_s=PATIENT_S) as link:
        process = link.exec(("printf", "%s", "a b"))
        said = process.stdout.read().decode()
        process.exit_status()
        return said
