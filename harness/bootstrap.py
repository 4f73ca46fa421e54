"""How the agent gets onto a host: a few words of argv, then itself on stdin, kept in memory."""

from __future__ import annotations

import functools
import io
import zipfile
from pathlib import Path

#: Runs on the host as `python3 -I -S -c`: takes the agent from stdin and keeps it in memory.
BOOTSTRAP = """\
import os,sys
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


@functools.cache
def agent_archive() -> bytes:
    """Return harness/agent as a zip that is the same, byte for byte, for the same sources."""
    folder = Path(__file__).parent / "agent"
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        files = {f"agent/{path.name}": path.read_bytes() for path in folder.glob("*.py")}
        for name, content in sorted({**files, "__main__.py": MAIN}.items()):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return memory.getvalue()
