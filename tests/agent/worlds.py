"""A small host in a directory: its tree, its units, and agents started as on a real one."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from harness.bootstrap import command
from harness.session import Session
from tests.agent.stand_in import StandIn

META = {"operator": "ada", "from": "laptop", "inventory": "test"}
OLD_UNIT = "[Service]\nExecStart=/bin/true\nEnvironment=QUANTUM_UNIT_DIGEST=old\n"
NEW_UNIT = "[Service]\nExecStart=/bin/true\nEnvironment=QUANTUM_UNIT_DIGEST=new\n"
BAD_UNIT = "[Service]\nExecStart=/bin/false\nEnvironment=QUANTUM_UNIT_DIGEST=bad\n"
UNIT = "quantum-test.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"
STORE = "var/lib/quantum-ops"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class World:
    """One root directory; `session()` starts a real agent in a real process on it."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        for folder in ("etc/systemd/system", "opt/quantum/releases", "usr/bin", "var/lib"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "usr/bin/python3").symlink_to(sys.executable)
        self.services = StandIn(root, scratch / "control")
        self.agents: list[tuple[Session, subprocess.Popen]] = []
        self.events: list[dict] = []

    def close(self) -> None:
        for session, process in self.agents:
            session.close(deadline_s=30)
            process.wait(30)
            process.stdout.close()
        self.services.close()

    def session(self, *, through: Iterable[str] = (), **failpoints: int) -> Session:
        """Start an agent and let it say hello; `through` is a program that starts it for us."""
        process = subprocess.Popen(
            (*through, *command(become=False, python=sys.executable)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        session = Session(process.stdin, process.stdout, host="h", on_event=self.events.append)
        self.agents.append((session, process))
        self.greet(session, **failpoints)
        return session

    def greet(self, session: Session, **failpoints: int) -> None:
        """Let an agent say hello."""
        session.hello_said = session.hello(
            root=str(self.root),
            services="supervisor",
            control=self.services.control,
            honour_owners=os.getuid() == 0,
            **failpoints,
        )

    def process(self, session: Session) -> subprocess.Popen:
        return next(process for one, process in self.agents if one is session)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, content: bytes | str = b"old\n", mode: int = 0o644) -> Path:
        there = self.at(path)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content.encode() if isinstance(content, str) else content)
        there.chmod(mode)
        return there

    def apply(self, session: Session, steps: Iterable, tx: str = "t1", **more) -> dict:
        """Observe what the steps are about, as a plan does, and apply them."""
        steps = [dict(step) for step in steps]
        blobs = {}
        for step in steps:
            content = step.pop("content", None)
            if content is not None:
                step["blob"] = digest(content)
                blobs[step["blob"]] = content
                if step["do"] == "file":
                    step["sha256"] = step["blob"]
        paths = [step["path"] for step in steps if "path" in step]
        said = session.observe(paths=dict.fromkeys(paths))["paths"]
        for step in steps:
            if "path" in step:
                step.setdefault("before", said[step["path"]])
        return session.apply(tx, kind="deploy", meta=META, steps=steps, blobs=blobs, **more)

    def deploy(self, steps: Iterable, tx: str = "t1") -> None:
        session = self.session()
        self.apply(session, steps, tx)
        session.commit(tx)
        session.close()


def file(path: str, content: bytes | str = b"new\n", mode: int = 0o640, **more) -> dict:
    raw = content.encode() if isinstance(content, str) else content
    owner = {"owner": "root", "group": "root"}
    return {"do": "file", "path": path, "content": raw, "mode": mode} | owner | more


def folder(path: str, mode: int = 0o750) -> dict:
    return {"do": "dir", "path": path, "mode": mode, "owner": "root", "group": "root"}


def link(path: str, target: str) -> dict:
    return {"do": "symlink", "path": path, "target": target}


def absent(path: str) -> dict:
    return {"do": "absent", "path": path}


def settle(action: str = "restart", wait_s: float = 20) -> dict:
    units = [{"name": UNIT, "action": action, "wait_s": wait_s}]
    return {"do": "settle", "reload": True, "units": units}


def release(files: dict[str, str], **more) -> dict:
    """A release step with its archive, built as the laptop builds it."""
    lines, memory = [], io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, text in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
            lines.append(f"{hashlib.sha256(text.encode()).hexdigest()}  644  {name}\n")
    tree = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    archive = gzip.compress(memory.getvalue(), mtime=0)
    return {"do": "release", "digest": tree, "content": archive, "modules": ["tiny"]} | more


def tree(root: Path, *, whole: bool = False) -> dict[str, tuple]:
    """Return everything about every path below a root, but for the agent's own store.

    The `whole` tree has the store, too, and when each path was last touched in any way.
    """
    found = {}
    for path in [root, *root.rglob("*")]:
        inside = str(path.relative_to(root))
        if inside.startswith(STORE) and not whole:
            continue
        stat = path.lstat()
        about = ""
        if path.is_symlink():
            about = str(path.readlink())
        elif path.is_file():
            about = digest(path.read_bytes())
        extra = {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in sorted(os.listxattr(path, follow_symlinks=False))
        }
        # the store appears in var/lib on the first deploy, and stays
        mtime_ns = 0 if inside == "var/lib" and not whole else stat.st_mtime_ns
        found[inside] = (oct(stat.st_mode), stat.st_uid, stat.st_gid, mtime_ns, about, str(extra))
        found[inside] += (stat.st_ctime_ns, stat.st_ino, stat.st_nlink) if whole else ()
    return found
