"""Let an inventory break its hosts for a while, and end that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, Chosen, choose
from commands.running import command, print_json
from harness.errors import DONE, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from commands.showing import Display
    from harness.contact import Contact
    from harness.errors import QuantumError

STEP = "faults.allow"
#: Nobody allows faults for longer than a day.
MOST_MINUTES = 24 * 60


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "minutes": f"for so long from now, at most {MOST_MINUTES}",
        "yes": "do not ask for the inventory's name, where nobody sits at a terminal",
        "json": JSON_HELP,
    }
)
def allow(
    context: Any,
    inventory: str = "",
    limit: str = "",
    minutes: int = 120,
    yes: bool = False,
    json: bool = False,
) -> int:
    """Let faults break these hosts until the time is over; mode live is refused, always.

    Root's marker on each host says which inventory, and until when. A host that runs Redis gets a
    file with its password, too, for root alone: invoke faults.forbid takes both away.

    Example: invoke faults.allow -i lab --minutes 60
    """
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = allow_all(chosen, display, minutes=minutes, yes=yes)
        if json:
            print_json(document)
    return int(document["exit_code"])


@command(help={"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "json": JSON_HELP})
def forbid(context: Any, inventory: str = "", limit: str = "", json: bool = False) -> int:
    """Let nothing break these hosts any more, and undo what is broken; twice is fine.

    Takes away the marker and the password of faults.allow, also where hosts are half done.

    Example: invoke faults.forbid -i lab
    """
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = forbid_all(chosen, display)
        if json:
            print_json(document)
    return int(document["exit_code"])


def allow_all(chosen: Chosen, display: Display, *, minutes: int, yes: bool) -> dict[str, Any]:
    """Ask, then allow them on every host; returns until when by each host's own clock.

    Raises ConfigurationError before a word to a host, and the errors of hosts after the others are
    done and recorded.
    """
    from commands.naming import expect_name
    from harness.contact import reach_all
    from harness.fault_requests import refuse_mode
    from harness.masking import Secret

    for host in chosen.hosts:
        refuse_mode(host.mode, host.name)
    if not 1 <= minutes <= MOST_MINUTES:
        raise ConfigurationError(
            f"faults are not allowed for {minutes} minutes", step=STEP,
            action=f"--minutes from 1 to {MOST_MINUTES}",
        )  # fmt: skip
    expect_name(
        chosen, display, f"for {minutes} minutes these hosts may be broken on purpose", STEP,
        yes=yes,
    )  # fmt: skip

    def one(contact: Contact) -> dict[str, Any]:
        from commands.fault_targets import keeps_password

        host = contact.host
        found = host.values.get("redis_password") if keeps_password(host) else None
        said = contact.session.fault_allow(
            within_s=60.0 * minutes, mode=host.mode, inventory=chosen.inventory.name,
            password=found if isinstance(found, Secret) else None, meta=_meta(chosen),
        )  # fmt: skip
        display.say(f"{host.name}  may be broken until {said['until']}", "yellow")
        return {key: said[key] for key in ("until", "password")}

    with reach_all(chosen.hosts, display) as contacts:
        document = _on_each(chosen, contacts, {}, one, display, {"verb": STEP, "minutes": minutes})
    display.say("when the day is over: invoke faults.forbid", "dim")
    return document


def forbid_all(chosen: Chosen, display: Display) -> dict[str, Any]:
    """End it on every host that answers; raises one error of all that do not, once recorded."""
    from harness.contact import reach_some

    def one(contact: Contact) -> dict[str, Any]:
        said = contact.session.fault_forbid(meta=_meta(chosen))
        healed = f"; undone and seen to be gone: {', '.join(said['healed'])}"
        told = "may not be broken any more" if said["allowed"] else "did not allow it"
        display.say(f"{contact.host.name}  {told}{healed if said['healed'] else ''}", "green")
        return {key: said[key] for key in ("allowed", "healed")}

    with reach_some(chosen.hosts, display) as reached:
        return _on_each(
            chosen, reached.contacts, reached.failures, one, display, {"verb": "faults.forbid"}
        )


def _on_each(
    chosen: Chosen,
    contacts: Sequence[Contact],
    lost: Mapping[str, QuantumError],
    one: Callable[[Contact], dict[str, Any]],
    display: Display,
    details: dict[str, Any],
) -> dict[str, Any]:
    """Do it on all hosts at once and record it, whatever comes of some; raises their errors."""
    import time

    from commands import recording
    from harness import fanout
    from harness.contact import raise_together

    started = time.time()
    answers = fanout.each(contacts, one)
    errors = [*lost.values(), *fanout.errors(answers)]
    hosts = {answer.item.host.name: answer.result for answer in answers if answer.result}
    entry = recording.write(
        chosen, "operation", "failed" if errors else "done",
        [answer.item for answer in answers if answer.result],
        started=started, ended=time.time(), git=recording.git_state(),
        details={**details, "told": hosts, "errors": [str(error) for error in errors]},
    )  # fmt: skip
    display.record(chosen.inventory.records / entry.id)
    raise_together(errors)
    return {"hosts": hosts, "record": entry.id, "exit_code": DONE}


def _meta(chosen: Chosen) -> dict[str, Any]:
    from commands.transactions import meta

    return meta(chosen, {})
