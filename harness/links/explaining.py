"""Say why a program on a host ended, from its exit status and the end of its stderr; pure."""

from __future__ import annotations

import re

from harness.errors import PrivilegeError, QuantumError, UnreachableError

#: Shells and sudo say so in English or not; status 127 is the same everywhere.
NOT_FOUND = 127
#: sudo warns about this and goes on.
HARMLESS = re.compile(r"^sudo: unable to resolve host")
REFUSED = re.compile(r"^sudo: |^Sorry, user .* (may not|is not allowed)|not in the sudoers file")
NO_PYTHON = re.compile(r"python3: (command )?not found|python3: No such file")


def explain_exit(status: int | None, stderr: str, *, host: str = "") -> QuantumError | None:
    """Return the error to show for an ended program, None if it ended well (status 0).

    `status` None means that the link broke before the program's end was heard.
    """
    if status == 0:
        return None
    lines = [line for line in stderr.strip().splitlines() if not HARMLESS.search(line)]
    if any(NO_PYTHON.search(line) for line in lines):
        return UnreachableError(
            "the host has no python3", host=host, step="starting the agent",
            action="install python3 on the host; nothing else is needed there",
        )  # fmt: skip
    refusal = next((line for line in lines if REFUSED.search(line)), "")
    if refusal or (status == NOT_FOUND and "sudo" in stderr):
        return PrivilegeError(
            f"sudo was refused: {(refusal or stderr.strip()).removeprefix('sudo: ')}",
            host=host, step="sudo -n",
            action="give the login user NOPASSWD sudo on the host, or set ansible_become: false",
        )  # fmt: skip
    if status is None:
        return UnreachableError(
            "the connection broke", host=host, step="talking to the agent",
            action="type the command again: it says first what stands on the host",
        )  # fmt: skip
    said = lines[-1] if lines else "it said nothing"
    return UnreachableError(
        f"the program on the host ended with {status}: {said}", host=host,
        step="talking to the agent", action="log in by ssh and look at the host",
    )  # fmt: skip
