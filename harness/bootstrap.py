"""How the agent gets onto a host: a few words of argv, then itself on stdin, kept in memory."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import io
import marshal
import os
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

AGENT = Path(__file__).parent / "agent"
CACHE = AGENT.parent.parent / ".cache" / "agent"
#: What a look at a host does not load goes as source alone: bytecode is twice as large.
CHANGING = frozenset(
    f"{name}.py"
    for name in (
        "boot_unit", "compiled", "deciding", "expiring", "fault_units", "faults",
        "faults_allowed", "faults_allowing", "fingerprint", "injecting", "logs", "naming",
        "operating", "probing", "pruning", "resp", "restoring", "rolling_back", "settling",
        "snapshots", "space", "step_dropin", "step_freeze", "step_held", "step_kill",
        "step_mode", "step_mount", "step_nft", "step_redis", "supervisor", "switch",
        "transaction", "undoing",
    )
)  # fmt: skip

#: A form of bytecode without references: those hang on what else the process has in memory.
PLAIN = 2

_making = threading.Lock()

#: Runs on the host as `python3 -I -S -c`: takes the agent from stdin and keeps it in memory.
BOOTSTRAP = """\
import gc,os,sys
gc.disable()
sys.dont_write_bytecode=1
def r(n):
 b=b''
 while len(b)<n:
  c=os.read(0,min(n-len(b),65536))
  if not c:sys.exit(70)
  b+=c
 return b
z=r(int(r(8),16))
try:
 f=os.memfd_create('agent')
 p='/proc/self/fd/%d'%f
 os.stat(p)
except (AttributeError,OSError):
 import tempfile,atexit
 f,p=tempfile.mkstemp('.zip')
 atexit.register(os.unlink,p)
while z:z=z[os.write(f,z):]
sys.path.insert(0,p)
from agent.main import main
main()
"""

#: What the copy runs that a transaction keeps of the agent: its dead man's switch.
MAIN = b"from agent.awaiting import main\nmain()\n"


def command(*, become: bool, python: str = "python3") -> tuple[str, ...]:
    """Return the words that start the agent on a host."""
    words = (python, "-I", "-S", "-c", BOOTSTRAP)
    return ("sudo", "-n", *words) if become else words


def agent_archive() -> bytes:
    """Return harness/agent as a zip that is the same, byte for byte, for the same sources."""
    with _making:  # ten hosts at once ask for it
        return _archive()


def sources() -> Mapping[str, bytes]:
    """Return the agent's files by name."""
    return {path.name: path.read_bytes() for path in sorted(AGENT.glob("*.py"))}


@functools.cache
def _archive() -> bytes:
    taken = sources()
    digest = hashlib.sha256(importlib.util.MAGIC_NUMBER + repr((MAIN, taken)).encode()).hexdigest()
    kept = CACHE / f"{digest}.zip"
    with contextlib.suppress(OSError):
        return kept.read_bytes()
    made = _pack(taken)
    with contextlib.suppress(OSError):  # it is only slower without
        CACHE.mkdir(parents=True, exist_ok=True)
        for older in CACHE.glob("*.zip"):
            older.unlink(missing_ok=True)
        beside = CACHE / f".{digest}.{os.getpid()}"
        beside.write_bytes(made)
        beside.rename(kept)
    return made


def _pack(taken: Mapping[str, bytes]) -> bytes:
    """Return a zip of the sources, and of what those compile to that a look at a host needs.

    Compiling would take the host longer than all it is asked. A host whose Python is not of our
    minor version finds another magic number in the bytecode, leaves it alone and reads the source.
    """
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, content: bytes) -> None:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)

        add("__main__.py", MAIN)
        for name, source in taken.items():
            add(f"agent/{name}", source)
            if name not in CHANGING:
                code = compile(source, f"agent/{name}", "exec", dont_inherit=True)
                # found by the digest of the source, which nobody need check in one archive
                head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
                digest = importlib.util.source_hash(source)
                add(f"agent/{name}c", head + digest + marshal.dumps(code, PLAIN))
    return memory.getvalue()
