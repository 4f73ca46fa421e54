"""The limit to compare with: a C program on hiredis that reads and acknowledges, and does no more.

Without a C compiler or hiredis' headers (apt-get install gcc libhiredis-dev) redis-benchmark stands
in, loudly: it calls a script that reads and acknowledges on the server and hands the entries out,
so that as many bytes go over the wire and C parses them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.failing import CannotMeasureError
from bench.servers import Server

SOURCE = Path(__file__).with_name("reader.c")
AT_ONCE = 1000
GROUP = "bench_reader"
WITHIN_S = 60.0
DRAIN = """
local group = {'GROUP', ARGV[1], 'c', 'COUNT', ARGV[2], 'STREAMS', KEYS[1], '>'}
local answer = redis.call('XREADGROUP', unpack(group))
if not answer then return {} end
local ids = {}
for at, entry in ipairs(answer[1][2]) do ids[at] = entry[1] end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
return answer
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is compared with: `reader` is the compiled program, None where it cannot be made."""

    reader: Path | None

    @property
    def name(self) -> str:
        """Return what it is called in the table."""
        if self.reader is None:
            return "redis-benchmark (no C compiler or hiredis here)"
        return "C hiredis, XREADGROUP 1000 + XACK"

    def start(self, server: Server, stream: str, entries: int) -> subprocess.Popen[str]:
        """Start it on a stream of so many entries, in a new group."""
        server.client().xgroup_create(stream, GROUP, "0")
        words = [str(self.reader), str(server.port), stream, GROUP, "c", str(AT_ONCE)]
        if self.reader is None:
            times = str(-(-entries // AT_ONCE))
            words = ["redis-benchmark", "-p", str(server.port), "-c", "1", "-n", times, "-q"]
            words += ["EVAL", DRAIN, "1", stream, GROUP, str(AT_ONCE)]
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def per_s(self, server: Server, stream: str, entries: int) -> float:
        """Return how many entries it reads and acknowledges in a second."""
        started = time.perf_counter()
        process = self.start(server, stream, entries)
        said, cause = process.communicate(timeout=WITHIN_S)
        took_s = time.perf_counter() - started
        if process.returncode:
            raise CannotMeasureError(f"the reference failed: {cause.strip()[:300]}")
        self._check(server.client(), stream, entries)
        if self.reader is None:
            return entries / took_s
        return float(entries / json.loads(said)["seconds"])

    @staticmethod
    def _check(client: Any, stream: str, entries: int) -> None:
        group = next(each for each in client.xinfo_groups(stream) if each["name"] == GROUP)
        if group["pending"] or group["entries-read"] != entries:
            raise CannotMeasureError(f"the reference left some: {group}")


@contextlib.contextmanager
def compiled() -> Iterator[Reference]:
    """Compile the reader for as long as the block runs."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    with tempfile.TemporaryDirectory(prefix="quantum-bench-") as folder:
        made = Path(folder) / hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
        words = [str(compiler), "-O2", "-o", str(made), str(SOURCE), "-lhiredis"]
        if compiler and not subprocess.run(words, capture_output=True, check=False).returncode:
            yield Reference(made)
        elif shutil.which("redis-benchmark"):
            yield Reference(None)
        else:
            raise CannotMeasureError(
                "nothing to compare with: apt-get install gcc libhiredis-dev (or redis-tools)"
            )
