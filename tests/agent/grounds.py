"""A host that may be broken: real units and a real Redis, in namespaces of its own.

Packet rules, mounts and the Redis' port exist in there alone; the files are the test's own root.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from harness.bootstrap import command
from harness.session import Session
from tests.agent.worlds import META
from tests.sandbox.boxes import Box
from tests.servers import binary
from tests.waiting import until

INVENTORY = "test"
MARKER = "etc/quantum/faults-allowed"
FAULTS = "var/lib/quantum-ops/faults"
#: Longer than any test.
LONG_S = 600.0
#: Three processes, which end when they are told to and come back when they are killed.
UNIT = """[Service]
Type=simple
ExecStart=/bin/sh -c "sleep 3600 & sleep 3600 & wait"
Restart=always
RestartSec=0.05
[Unit]
StartLimitIntervalSec=0
StartLimitBurst=100000
"""
UNITS = ("frozen.service", "killed.service", "held.service", "dressed.service")
MODE_OF = "/etc/quantum/some.env"
FOLDERS = ("/srv/full", "/srv/read-only")
PORT = 6379


class Ground:
    """One such host; `session()` starts a real agent on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        self.agents, self.redis, self.kept = [], None, None
        self.box = Box(self.root)
        self.box.write("etc/quantum/some.env", "A=1\n").chmod(0o640)
        for each in FOLDERS:
            (self.root / each.lstrip("/")).mkdir(parents=True)
        self.allow()
        for unit in UNITS:
            self.box.write(f"etc/systemd/system/{unit}", UNIT)
            self.box.do("start", unit)
        words = ("unshare", "--net", "--mount", "--propagation", "private", "cat")
        self.holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        until(lambda: Path(f"/proc/{self.holder.pid}/comm").read_text() == "cat\n")
        script = "ip link set lo up && mount --bind $0 $0 && mount --make-shared $0"
        self.inside("sh", "-c", script, str(self.root))
        self.start_redis()

    def start_redis(self) -> None:
        words = (binary("redis"), "--port", str(PORT), "--bind", "127.0.0.1", "--save", "",
                 "--unixsocket", str(self.folder / "redis"), "--dir", str(self.folder))  # fmt: skip
        self.redis = subprocess.Popen(
            self.within(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        until(lambda: self.inside("redis-cli", "ping", check=False).stdout == "PONG\n")

    def close(self) -> None:
        for session, process in self.agents:
            session.close(deadline_s=30)
            process.wait(30)
            process.stdout.close()
        for process in (self.redis, self.holder):
            process.kill()
            process.wait()
        self.holder.stdin.close()
        self.box.sandbox.shutdown()

    def within(self, *words: str) -> tuple[str, ...]:
        return ("nsenter", "-t", str(self.holder.pid), "--net", "--mount", *words)

    def inside(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.within(*words), capture_output=True, text=True, timeout=60, check=check
        )

    def cli(self, *words: str) -> str:
        """Ask Redis by its socket, which no packet rule concerns."""
        return self.inside("redis-cli", "-s", str(self.folder / "redis"), *words).stdout.strip()

    def allow(self, inventory: str = INVENTORY, within_s: float = 3600.0) -> Path:
        until_s = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + within_s))
        return self.box.write(MARKER, f"inventory={inventory}\nuntil={until_s}\n")

    def session(self, *, through: tuple[str, ...] = (), **failpoints: int) -> Session:
        process = subprocess.Popen(
            self.within(*through, *command(become=False, python=sys.executable)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        session = Session(process.stdin, process.stdout, host="h")
        self.agents.append((session, process))
        session.hello_said = session.hello(
            root=str(self.root), services="supervisor", control=str(self.box.sandbox.control),
            honour_owners=True, **failpoints,
        )  # fmt: skip
        return session

    def hand(self) -> Session:
        """Return a session that is used again and again, by whoever breaks no agent."""
        self.kept = self.kept or self.session()
        return self.kept

    def process(self, session: Session) -> subprocess.Popen:
        return next(process for one, process in self.agents if one is session)

    def arm(self, session: Session, name: str, *steps: dict, **more) -> dict:
        words = {"ttl_s": LONG_S, "mode": "testnet", "inventory": INVENTORY, "meta": META}
        return session.fault_arm(name, steps, **{**words, **more})

    def fingerprint(self, session: Session) -> dict:
        return session.fingerprint(paths=[MODE_OF, *FOLDERS], units=UNITS, servers=[{"port": PORT}])

    def switch(self, name: str) -> Path:
        return self.root / FAULTS / "tx" / name / "switch.json"

    def state(self, name: str) -> str:
        found = (self.root / FAULTS / "tx" / name).glob("state-*")
        return next((path.name.removeprefix("state-") for path in found), "")

    def due(self, name: str) -> None:
        """Bring a fault's time forward to now."""
        path = self.switch(name)
        beside = path.with_suffix(".test")
        beside.write_text(json.dumps({**json.loads(path.read_text()), "until_s": 0.0}))
        beside.replace(path)

    def over(self, name: str) -> bool:
        """Tell whether a fault is undone and its switch taken away."""
        return self.state(name) == "rolled_back" and not self.switch(name).exists()

    def expire(self, name: str) -> int | None:
        """Bring the time forward and do what the timer does; None where none is armed."""
        if not self.switch(name).exists():
            return None
        self.due(name)
        folder = str(self.switch(name).parent)
        words = (sys.executable, "-I", "-S", f"{folder}/agent.pyz", "expire", folder)
        return self.inside(*words, check=False).returncode


def freeze(unit: str = "frozen.service") -> dict:
    return {"do": "freeze", "unit": unit}


def kill(unit: str = "killed.service", **more) -> dict:
    return {"do": "kill", "unit": unit} | more


def held(unit: str = "held.service") -> dict:
    return {"do": "held", "unit": unit}


def nft(*rules: dict) -> dict:
    return {"do": "nft", "rules": list(rules or [{"hook": "input", "dport": PORT, "act": "drop"}])}


def mount(how: str = "full") -> dict:
    return {"do": "mount", "path": f"/srv/{how}", "how": how}


def mode(path: str = MODE_OF, to: int = 0) -> dict:
    return {"do": "mode", "path": path, "mode": to}


def redis(**what) -> dict:
    return {"do": "redis", "port": PORT} | what


def dropin(*, restart: bool = True) -> dict:
    lines = ["[Service]", "Environment=QUANTUM_FAILPOINTS=here=1*kill"]
    return {"do": "dropin", "unit": "dressed.service", "lines": lines, "restart": restart}


def everything() -> list[dict]:
    """One step of every kind, in every form that has an undo of its own."""
    user = {"user": "somebody", "rules": ["on", "nopass", "~*", "+@read"]}
    return [
        mode(), freeze(), kill(), held(), dropin(), mount("full"), mount("read-only"),
        redis(config={"maxmemory": "9mb", "timeout": "77"}), redis(acl=user),
        redis(pause={"ms": 600_000, "what": "write"}),
        nft({"hook": "output", "to": "127.0.0.9", "dport": 9, "act": "drop"}),
    ]  # fmt: skip
