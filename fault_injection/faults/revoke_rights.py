"""A service's Redis user may do nothing any more: each command is answered with NOPERM."""

from __future__ import annotations

from fault_injection.faults.fault import REDIS, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Take every command from the user."""
    user = aim.chance.one_of(aim.target.redis_users)
    return (aim.redis(acl={"user": user, "rules": ["-@all"]}),)


FAULT = Fault(
    name="revoke_rights",
    family="redis",
    breaks=__doc__,
    words=steps,
    injected="ACL SETUSER -@all",
    observed="ACL LIST tells other rules than before",
    undone="ACL SETUSER to the rules of before, if it is still the same server",
    threatens=("lost", "ack_after_effect", "recovery"),
    on=(REDIS,),
    needs=("redis settings", "redis users"),
    lasts_s=(4, 12),
)
