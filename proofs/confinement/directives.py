"""The forbidden actions, the directives that are held to account for them, and how to read them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Who tries when a directive is tried alone: most hold even for root, some only for others.
ROOT, USER = "root", "user"
BASES: Mapping[str, str] = {ROOT: "", USER: "User=daemon"}
_OFF = frozenset({"", "no", "false", "off", "0", "default", "inherit", "all"})
#: Other words for yes: two units that mean the same are tried once.
_ON = dict.fromkeys(("true", "on", "1"), "yes")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive of a unit, and the action that it alone must make impossible."""

    name: str
    action: str
    base: str = ROOT
    #: what belongs to it; only together they say what is meant
    family: tuple[str, ...] = ()
    #: only the empty value is held to account
    empty_counts: bool = False

    def lines(self, service: Sequence[str]) -> tuple[str, ...]:
        """Return the lines of a [Service] section that are about it, in their order."""
        names = (self.name, *self.family)
        said = (line.partition("=") for line in service)
        return tuple(f"{key}={_ON.get(value, value)}" for key, _, value in said if key in names)

    def said(self, service: Sequence[str]) -> bool:
        """Tell whether a [Service] section says it, after all that takes it back again."""
        values = [
            value.strip()
            for key, _, value in (line.partition("=") for line in service)
            if key == self.name
        ]
        if not values:
            return False
        return not values[-1] if self.empty_counts else values[-1].lower() not in _OFF


#: In the order of the template. One directive may stand for several actions, see ACTIONS.
DIRECTIVES: tuple[Directive, ...] = (
    Directive("DynamicUser", "act_as_root"),
    Directive("User", "act_as_root"),
    Directive("NoNewPrivileges", "gain_privileges"),
    Directive("CapabilityBoundingSet", "keep_capabilities", empty_counts=True),
    Directive("PrivateUsers", "share_users"),
    Directive("RestrictSUIDSGID", "make_setuid"),
    Directive("LockPersonality", "change_personality"),
    Directive("ProtectSystem", "write_code"),
    Directive("ProtectHome", "read_home"),
    Directive("PrivateTmp", "share_tmp"),
    Directive("PrivateDevices", "share_devices"),
    Directive("PrivateIPC", "share_ipc"),
    Directive("ProtectProc", "see_processes", base=USER),
    Directive("ProcSubset", "read_meminfo"),
    Directive("ProtectKernelTunables", "write_tunable"),
    Directive("ProtectKernelModules", "load_module"),
    Directive("ProtectKernelLogs", "read_kernel_log"),
    Directive("ProtectControlGroups", "move_between_cgroups"),
    Directive("ProtectClock", "set_clock"),
    Directive("ProtectHostname", "set_hostname"),
    Directive("NoExecPaths", "exec_state", family=("ExecPaths",)),
    Directive("MemoryDenyWriteExecute", "map_writable_code"),
    Directive("RestrictNamespaces", "unshare"),
    Directive("RestrictRealtime", "run_realtime"),
    Directive("SystemCallFilter", "ptrace", family=("SystemCallErrorNumber",)),
    Directive("SocketBindDeny", "bind_port", family=("SocketBindAllow",)),
    Directive("RestrictAddressFamilies", "open_netlink"),
    Directive("IPAddressDeny", "reach_address", family=("IPAddressAllow",)),
)
BY_NAME: Mapping[str, Directive] = {each.name: each for each in DIRECTIVES}

#: action -> what it is in words, and every directive that stands against it.
ACTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "bind_port": ("listens on a port of its own", ("SocketBindDeny", "SystemCallFilter")),
    "reach_address": ("sends to an address that it was not given", ("IPAddressDeny",)),
    "open_netlink": ("opens a socket of another family", ("RestrictAddressFamilies",)),
    "exec_state": ("executes what it has written", ("NoExecPaths",)),
    "map_state": ("maps what it has written as code", ("NoExecPaths",)),
    "write_code": ("writes to its own code or the system's", ("ProtectSystem", "DynamicUser")),
    "map_writable_code": ("maps memory to write to and execute", ("MemoryDenyWriteExecute",)),
    "turn_memory_to_code": ("turns written memory into code", ("MemoryDenyWriteExecute",)),
    "unshare": ("makes a user namespace", ("RestrictNamespaces",)),
    "read_home": ("lists people's homes", ("ProtectHome",)),
    "see_processes": ("sees other users' processes", ("ProtectProc",)),
    "read_meminfo": ("reads what /proc tells of the machine", ("ProcSubset",)),
    "load_module": ("loads a kernel module", ("ProtectKernelModules", "CapabilityBoundingSet")),
    "set_clock": ("sets the clock", ("ProtectClock", "CapabilityBoundingSet")),
    "ptrace": ("is traced or traces", ("SystemCallFilter",)),
    "set_user": (
        "becomes another user",
        ("SystemCallFilter", "CapabilityBoundingSet", "DynamicUser"),
    ),
    "act_as_root": ("is root", ("DynamicUser", "User")),
    "keep_capabilities": ("keeps capabilities", ("CapabilityBoundingSet",)),
    "gain_privileges": ("gains by a set-user-ID program", ("NoNewPrivileges",)),
    "make_setuid": ("makes a set-user-ID file", ("RestrictSUIDSGID",)),
    "run_realtime": ("runs before all others", ("RestrictRealtime", "SystemCallFilter")),
    "change_personality": ("switches address randomisation off", ("LockPersonality",)),
    "set_hostname": ("names the host", ("ProtectHostname", "CapabilityBoundingSet")),
    "write_tunable": ("changes a kernel setting", ("ProtectKernelTunables",)),
    "read_kernel_log": ("reads the kernel's log", ("ProtectKernelLogs", "SystemCallFilter")),
    "move_between_cgroups": ("leaves its cgroup", ("ProtectControlGroups", "DynamicUser")),
    "share_tmp": ("sees the host's /tmp", ("PrivateTmp",)),
    "share_devices": ("sees the host's devices", ("PrivateDevices",)),
    "share_ipc": ("shares memory and queues with the host", ("PrivateIPC",)),
    "share_users": ("shares the host's users", ("PrivateUsers",)),
}
#: directive of a limit -> where the cgroup, or the process, tells it
LIMITS: Mapping[str, str] = {
    "MemoryMax": "memory.max", "CPUQuota": "cpu.max", "TasksMax": "pids.max", "LimitCORE": "core",
}  # fmt: skip
#: Every name that an inventory may put into `not_enforced`.
ACCOUNTABLE = frozenset(BY_NAME) | frozenset(LIMITS)


def service_lines(text: str) -> tuple[str, ...]:
    """Return the assignments of the [Service] sections of a unit's files, in their order."""
    found, section = [], ""
    for line in map(str.strip, text.replace("\\\n", " ").splitlines()):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and line[0] not in "#;":
            key, _, value = line.partition("=")
            found.append(f"{key.strip()}={' '.join(value.split())}")
    return tuple(found)


def declared(service: Sequence[str]) -> dict[str, list[str]]:
    """Return every directive that a [Service] section says, with its lines."""
    return {each.name: list(each.lines(service)) for each in DIRECTIVES if each.said(service)}


#: What a directive must say to stand against an action; elsewhere it is enough that it is there.
_MEANS = {
    ("SystemCallFilter", "bind_port"): re.compile(r"=~.*\bbind\b"),
    ("SystemCallFilter", "set_user"): re.compile(r"=~.*@(privileged|setuid)\b"),
    ("SystemCallFilter", "run_realtime"): re.compile(r"=~.*@resources\b"),
}


def against(action: str, said: Mapping[str, Sequence[str]]) -> list[str]:
    """Return which of the directives that a unit says stand against an action."""
    found = []
    for name in ACTIONS[action][1]:
        meaning = _MEANS.get((name, action))
        lines = said.get(name)
        if lines and (meaning is None or any(meaning.search(line) for line in lines)):
            found.append(name)
    return found


def limits(service: Sequence[str]) -> dict[str, str]:
    """Return every limit that a [Service] section says; the last word counts."""
    said = dict(line.partition("=")[::2] for line in service)
    return {name: said[name] for name in LIMITS if said.get(name)}


def permitted(service: Sequence[str]) -> list[str]:
    """Return the actions that a unit openly allows itself."""
    return ["reach_address"] if "IPAddressAllow=any" in service else []
