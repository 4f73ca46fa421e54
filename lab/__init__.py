"""Disposable real hosts on this machine: systemd, sshd and Redis in namespaces (needs root)."""
