"""A service that behaves, or not, as its words say; runs in the sandbox with the stdlib alone."""

# ruff: noqa: PTH109, PTH110, PTH118, PTH123, PTH208, SIM115, T201
import json
import os
import signal
import socket
import subprocess
import sys


def notify(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


for word in sys.argv[1:]:
    name, _, value = word.partition("=")
    if name == "ready":
        notify("READY=1\nSTATUS=working")
    elif name == "tell":
        folder = os.environ["CREDENTIALS_DIRECTORY"]
        secrets = {each: open(f"{folder}/{each}").read() for each in os.listdir(folder)}
        told = {"environ": dict(os.environ), "cwd": os.getcwd(), "secrets": secrets}
        with open(os.path.join(os.environ["HOME"], "told"), "w") as file:
            json.dump(told, file)
    elif name == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif name == "child":
        words = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
        child = subprocess.Popen(words, start_new_session=value == "away")
        with open(os.path.join(os.environ["HOME"], "child"), "w") as file:
            file.write(f"{child.pid} ")
    elif name == "say":
        print(value, flush=True)
    elif name == "die":
        os.kill(os.getpid(), getattr(signal, f"SIG{value}"))
    elif name == "exit":
        sys.exit(int(value))
    elif name == "once":  # fails the first time only
        path = os.path.join(os.environ["HOME"], "once")
        if not os.path.exists(path):
            open(path, "w").close()
            sys.exit(int(value))
while True:
    signal.pause()
