"""Let the hosts of a sandbox rehearse trading for as long as a run lasts, and put them back.

What has to be put back is written down beside the records before anything is deployed, under a lock
that dies with its process: whoever comes later, from another process, reads it there and finishes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from commands.choosing import Chosen
from commands.rehearsal_notes import Left, Note, held, left
from commands.transactions import meta
from commands.undoing import REACHED
from harness.contact import reach_all
from harness.deploying import recover
from harness.errors import ConfigurationError, QuantumError
from harness.switches import confirm_within_s
from roles.execution import rehearsing

if TYPE_CHECKING:
    from commands.showing import Display
    from harness.host import Host

__all__ = ["Left", "left", "put_back", "rehearsal", "rehearsed"]

STEP = "rehearsal"
#: What orders at a simulated exchange leave behind is that one's alone: the next one knows none of
#: them, and neither do those on paper.
EXCHANGE_DB = 15
#: What a dead one deployed may still be there: beyond the time in which a host goes back by itself
#: it has so much more, in seconds.
MORE_S = 30.0
LOOK_AGAIN_S = 0.2


def rehearsed(chosen: Chosen, exchange_url: str = "") -> Chosen:
    """Return the hosts as they are during a run: execution trades, on paper or at that exchange.

    Changes nothing where the mode is not sandbox, but raises ConfigurationError if there is an
    exchange. A simulated exchange that nobody asks is refused as well.
    """
    hosts = tuple(rehearsing(host, exchange_url) for host in chosen.hosts)
    if exchange_url:
        hosts = tuple(
            replace(host, values={**host.values, "redis_db": EXCHANGE_DB}) for host in hosts
        )
    if exchange_url and not any("execution" in host.roles for host in hosts):
        raise ConfigurationError(
            "none of the hosts runs execution, which asks the exchange", step=STEP,
            action="narrow the hosts by --limit to others, or not at all",
        )  # fmt: skip
    return replace(chosen, hosts=hosts)


@contextlib.contextmanager
def rehearsal(chosen: Chosen, display: Display, exchange_url: str = "") -> Iterator[Chosen]:
    """Deploy the rehearsal, yield its hosts, and put everything back, however this ends.

    Where a deploy would change nothing there is none, and nothing is put back. What an earlier run
    has left is put back first. Raises LockedError while another run goes on.
    """
    from commands import deploy
    from roles.redis_logins import refuse_strangers

    other = rehearsed(chosen, exchange_url)
    if all(a is b for a, b in zip(other.hosts, chosen.hosts, strict=True)):
        yield chosen
        return
    refuse_strangers(chosen.inventory.hosts)
    with held(chosen) as note:
        _put_back(chosen, note, display)
        note.write(Left(_standing(chosen, display), exchange_url))
        try:
            outcome = deploy.carry_out(other, display, yes=True)
            if outcome.state not in ("committed", "unchanged"):
                raise QuantumError(
                    f"the deploy ended {outcome.state}: {'; '.join(outcome.reasons)}", step=STEP,
                    action="invoke deploy, then look why it does not come up",
                )  # fmt: skip
            yield other
        finally:
            _put_back(chosen, note, display)


def put_back(chosen: Chosen, display: Display) -> bool:
    """Put back what a run has left that came to no end; tell whether there was anything.

    Raises LockedError while that run still goes on.
    """
    with held(chosen) as note:
        return _put_back(chosen, note, display)


def _put_back(chosen: Chosen, note: Note, display: Display) -> bool:
    """Undo what came after, where that is exact; else deploy what the inventory says.

    Exact is a rollback to the deploy that stood there: no host had none, and all still know theirs.
    """
    found = note.read()
    if found is None:
        return False
    display.stage("putting back what stood there before the run")
    hosts = tuple(host for host in chosen.inventory.hosts if host.name in found.before)
    whole = replace(chosen, hosts=tuple(_resolved(host, chosen) for host in hosts))
    _settle(whole, display)
    now = _known(whole, display)
    changed = {name: ids for name, ids in now.items() if _last(ids) != found.before[name]}
    if changed and not _roll_back(whole, found, changed, display):
        _deploy_plain(whole, display)
    note.clear()
    return True


def _settle(whole: Chosen, display: Display) -> None:
    """Have nothing undecided on any host: what was deployed and never kept goes back as well.

    Raises LockedError where somebody goes on deploying.
    """
    by, told = meta(whole, {}), False
    deadline = time.monotonic() + max(confirm_within_s(host) for host in whole.hosts) + MORE_S
    while True:
        with reach_all(whole.hosts, display) as contacts:
            busy = [each.host.name for each in contacts if each.lock]
            if not busy or time.monotonic() > deadline:
                for contact in contacts:
                    recover(contact, by)
                return
        if not told:
            display.say(f"{', '.join(busy)}: waiting until a deploy that goes on there is over")
            told = True
        time.sleep(LOOK_AGAIN_S)


def _roll_back(
    whole: Chosen, found: Left, changed: Mapping[str, list[str]], display: Display
) -> bool:
    """Undo everything newer on each changed host; tell whether all of them are back."""
    from commands import rollback

    if any(found.before[name] not in ids for name, ids in changed.items()):
        return False
    for to in sorted({found.before[name] for name in changed}):
        hosts = tuple(h for h in whole.hosts if h.name in changed and found.before[h.name] == to)
        try:
            said = rollback.carry_out(replace(whole, hosts=hosts), display, to=to, yes=True)
        except QuantumError as error:
            display.say(f"{error}", "red")
            return False
        if said["state"] not in ("rolled_back", "unchanged"):
            return False
    return True


def _deploy_plain(whole: Chosen, display: Display) -> None:
    from commands import deploy

    outcome = deploy.carry_out(whole, display, yes=True)
    if outcome.exit_code:
        raise QuantumError(
            f"execution still rehearses trading: the deploy that ends it ended {outcome.state}",
            step=STEP, action="invoke deploy: it switches trading off",
        )  # fmt: skip


def _standing(chosen: Chosen, display: Display) -> dict[str, str]:
    return {name: _last(ids) for name, ids in _known(chosen, display).items()}


def _known(chosen: Chosen, display: Display) -> dict[str, list[str]]:
    """Return the deploys that each host keeps, oldest first."""
    with reach_all(chosen.hosts, display) as contacts:
        return {
            contact.host.name: [e["id"] for e in contact.transactions if e["state"] in REACHED]
            for contact in contacts
        }


def _last(ids: list[str]) -> str:
    return ids[-1] if ids else ""


def _resolved(host: Host, chosen: Chosen) -> Host:
    from harness.inventory.secret_references import resolve

    given = {each.name: each for each in chosen.hosts}
    return given.get(host.name) or resolve(host)
