"""A laptop that deploys to one host in a directory, and is killed before the step it is told.

python -m tests.agent.laptop_process ROOT CONTROL TOKEN STEP
"""

import os
import signal
import subprocess
import sys

from harness.bootstrap import command
from harness.session import Session
from tests.agent.worlds import META, digest

#: What it does for one deploy, in order.
STEPS = ("connect", "observe", "apply", "hold", "connect anew", "confirm", "let go", "close")
NOTE = b"new\n"


def session(root, control):
    process = subprocess.Popen(
        command(become=False, python=sys.executable), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    made = Session(process.stdin, process.stdout, host="h")
    made.hello(root=root, services="supervisor", control=control, honour_owners=os.getuid() == 0)
    return made


def main(root, control, token, last):
    sessions = []

    def apply():
        step = {
            "do": "file", "path": "/etc/a", "mode": 0o640, "owner": "root", "group": "root",
            "blob": digest(NOTE), "sha256": digest(NOTE),
        }  # fmt: skip
        switch = {"token_sha256": digest(token.encode()), "ttl_s": 600.0}
        sessions[0].apply(
            "t1", kind="deploy", meta=META, steps=[step], blobs={digest(NOTE): NOTE}, switch=switch
        )

    does = {
        "connect": lambda: sessions.append(session(root, control)),
        "observe": lambda: sessions[0].observe(paths={"/etc/a": None}),
        "apply": apply,
        "hold": lambda: sessions[0].hold(deadline_s=60),
        "connect anew": lambda: sessions.append(session(root, control)),
        "confirm": lambda: sessions[1].confirm("t1", token),
        "let go": lambda: sessions[0].commit("t1"),
        "close": lambda: [each.close() for each in sessions],
    }
    for step in STEPS:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)
        does[step]()


if __name__ == "__main__":
    main(*sys.argv[1:])
