"""Make ready what a plan needs while the hosts let us in: their time costs nothing then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.host import Host

#: Any digest: what it is of is known only when the hosts have said what they run.
SOME = "0" * 64


def planning(hosts: Sequence[Host]) -> Callable[[], None]:
    """Return what loads the code and compiles the templates that a plan of these hosts needs."""

    def make_ready() -> None:
        from commands import recognising, transactions, wanting

        del recognising, transactions
        kinds = {host.roles: host for host in hosts}
        for host in kinds.values():
            wanting.rendered(host)(SOME)

    return make_ready
