"""Units to aim faults at: those of a lab of three hosts, and of a sandbox."""

from fault_injection.faults.fault import (
    DECISION_INTELLIGENCE,
    EXECUTION,
    PLACES,
    REDIS,
    ROUTER,
    Target,
)

UNITS = {
    REDIS: "redis-server.service",
    DECISION_INTELLIGENCE: "quantum-p35-decision-intelligence.service",
    ROUTER: "quantum-ai-strategy-router.service",
    EXECUTION: "quantum-execution@1.service",
}
ON = {
    "lab1": (REDIS, DECISION_INTELLIGENCE),
    "lab2": (DECISION_INTELLIGENCE, ROUTER, EXECUTION),
    "lab3": (DECISION_INTELLIGENCE, ROUTER, EXECUTION),
}


def target(service, host="lab2", **more):
    words = {
        "unit": UNITS[service], "stream": f"stream of {service}", "group": f"group of {service}",
        "redis_host": "10.213.7.11", "can": tuple(sorted(PLACES["lab"])),
        "redis_users": (EXECUTION, ROUTER) if service == REDIS else (),
    }  # fmt: skip
    return Target(host=host, service=service, **{**words, **more})


def lab(**more):
    return [target(service, host, **more) for host, has in ON.items() for service in has]


def sandbox():
    can = tuple(sorted(PLACES["sandbox"]))
    return [target(service, "sandbox", redis_host="127.0.0.1", can=can) for service in UNITS]
