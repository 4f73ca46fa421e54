"""Measure everything, or one topic, and print one table of ratios.

python -m bench [--quick] [--only TOPIC]... [--server redis|embedded] [--no-peers] [--json]
python -m bench fleet: deploying, on real hosts

Exit codes: 0 measured; 1 a target was not met; 2 something could not be measured; 3 the options
cannot stand.
"""

from __future__ import annotations

import argparse
import platform
import signal
import sys
import time

from bench import machine, printing, reference, scale, servers
from bench.failing import CannotMeasureError
from bench.results import Result, exit_code
from bench.run import Run
from bench.topics import TOPICS

MISCONFIGURED = 3


def main(words: list[str]) -> int:
    """Measure what is asked for; return the exit code."""
    if words[:1] == ["fleet"]:  # deploying; it needs the lab, and nothing of what follows
        from bench.fleet import measuring

        return measuring.main(words[1:])
    asked = _options(words)
    size = scale.QUICK if asked.quick else scale.FULL
    results: list[Result] = []
    failed = []
    before, started = machine.busy_share(), time.monotonic()
    with reference.compiled() as limit:
        run = Run(size, asked.server, limit, with_peers=not asked.no_peers)
        for name in asked.only or TOPICS:
            topic_started = time.monotonic()
            try:
                results += TOPICS[name](run)
            except CannotMeasureError as error:
                failed.append(f"{name}: {error}")
            _say(f"measured {name} in {time.monotonic() - topic_started:.0f} s")
        about = _about(run, before, time.monotonic() - started)
    if run.without:
        failed.append(f"peers: {run.without}")
    if limit.reader is None:
        failed.append(
            "the C reader: no compiler or no hiredis (apt-get install gcc libhiredis-dev)"
        )
    (printing.as_json if asked.json else printing.table)(results, about)
    for each in failed:
        _say(f"NOT MEASURED  {each}")
    return exit_code(results, failed)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--quick", action="store_true", help="see that each part works, in a minute"
    )
    parser.add_argument("--only", action="append", choices=TOPICS, metavar="TOPIC",
                        help=", ".join(TOPICS))  # fmt: skip
    parser.add_argument("--server", choices=servers.KINDS, default="redis")
    parser.add_argument("--no-peers", action="store_true", help="leave FastStream and taskiq out")
    parser.add_argument("--json", action="store_true")
    try:
        return parser.parse_args(words)
    except SystemExit as error:
        # argparse leaves with 2, which means here that something could not be measured
        sys.exit(MISCONFIGURED if error.code else 0)


def _about(run: Run, before: float, took_s: float) -> dict[str, str]:
    with run.server() as server:
        version = server.version()
    return {
        "server": f"{version}, AOF everysec",
        "python": platform.python_version(),
        "machine": machine.words(before, machine.busy_share()),
        "rounds": _rounds(run),
        "entries": f"{run.scale.entries:,}",
        "took": f"{took_s:.0f} s",
    }


def _rounds(run: Run) -> str:
    fewer = [f"{many} of {topic}" for topic, many in run.cut_short.items()]
    return ", ".join([str(run.scale.rounds), *fewer])


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    # what was started is stopped in that case too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main(sys.argv[1:]))
