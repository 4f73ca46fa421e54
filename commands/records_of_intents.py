"""Read the records of intents, and settle an UNKNOWN one by a person's word."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis

from commands import recording
from commands.choosing import Chosen
from commands.running import confirm
from commands.showing import Display
from commands.stores import asked, each_store
from harness.contact import Contact
from harness.errors import DONE, FAILED, IN_DOUBT, ConfigurationError
from harness.host import Host
from streams import intents, resolving
from streams.outcomes import Outcome

#: How many keys one step of a SCAN looks at, and how many it looks at in all.
PAGE, KEYS_MOST = 1_000, 2_000_000
COLUMNS = ("identity", "symbol", "side", "state", "age", "quantity", "client_order_id", "reason")
STYLES = {intents.UNKNOWN: "bold red", intents.FILLED: "green", intents.FAILED: "red",
          intents.REJECTED: "yellow", intents.SUBMITTING: "cyan"}  # fmt: skip

Record = dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says became of an order."""

    state: str
    why: str
    quantity: str = ""
    price: str = ""
    order: str = ""

    def outcome(self) -> Outcome:
        """Return it as an ending. Raises ConfigurationError with what is missing."""
        if not self.why.strip():
            raise self._wrong("--why says how you know; it goes into the record")
        if self.state not in intents.RESOLUTIONS:
            raise self._wrong(
                f"--state is FILLED, REJECTED or FAILED, not {self.state or 'nothing'}"
            )
        if self.state != intents.FILLED:
            if self.quantity or self.price or self.order:
                raise self._wrong("--quantity, --price and --order belong to --state FILLED")
            return Outcome(self.state, "resolved")
        try:
            return resolving.filled(self.quantity, self.price, self.order)
        except ValueError as error:
            raise self._wrong(f"--quantity and --price: {error}") from None

    @staticmethod
    def _wrong(cause: str) -> ConfigurationError:
        return ConfigurationError(
            cause, step="intents.resolve", action="invoke --help intents.resolve"
        )


def show(chosen: Chosen, display: Display, *, state: str, most: int) -> dict[str, Any]:
    """Print the latest records and return all that were asked for."""
    if state and state not in intents.STATES:
        raise ConfigurationError(
            f"there is no state {state}", step="intents.list",
            action=f"one of {', '.join(sorted(intents.STATES))}",
        )  # fmt: skip
    if most < 1:
        raise ConfigurationError(
            "--most must be 1 or more", step="intents.list", action="invoke intents.list --most 50"
        )
    with each_store(chosen, display) as contacts:
        display.stage("reading the records of intents")
        read_of = {
            contact.host.name: asked(
                contact, lambda client: read(client, state), "intents.list", changes=False
            )
            for contact in contacts
        }
    found = [{**each, "host": name} for name, records in read_of.items() for each in records.found]
    partly = [name for name, records in read_of.items() if not records.whole]
    found.sort(key=lambda each: int(each.get("updated_ms") or 0), reverse=True)
    display.idle()
    now_ms = int(time.time() * 1000)
    shown = [_row(record, now_ms) for record in found[:most]]
    display.table(COLUMNS, shown, styles=[STYLES.get(each["state"], "") for each in found[:most]])
    more = f", the latest {most} shown" if len(found) > most else ""
    display.say(f"{len(found)} intents{f' {state}' if state else ''}{more}", "bold")
    if partly:
        display.say(
            f"there may be more: {KEYS_MOST:,} records were read on {', '.join(partly)}, not all",
            "bold red",
        )
    return {
        "intents": found[:most], "found": len(found), "partly_read": partly,
        "exit_code": IN_DOUBT if partly else DONE,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one Redis, and whether these are all."""

    found: list[Record]
    whole: bool


def read(client: redis.Redis, state: str = "") -> Records:
    """Return every record, or those in one state; bounded, in pages."""
    names = client.scan_iter(f"{intents.RECORD_PREFIX}*", count=PAGE, _type="hash")
    found: list[Record] = []
    seen = 0
    while page := list(islice(names, min(PAGE, KEYS_MOST - seen))):
        seen += len(page)
        if state:  # few are UNKNOWN, and the rest need not travel
            states = _of_each(client, page, "hget", "state")
            page = [name for name, is_ in zip(page, states, strict=True) if _word(is_) == state]
        for name, fields in zip(page, _of_each(client, page, "hgetall"), strict=True):
            record = _text(fields)
            record.setdefault("identity", _word(name).removeprefix(intents.RECORD_PREFIX))
            if record.get("state") and state in ("", record["state"]):
                found.append(record)
    return Records(found, whole=next(names, None) is None)


def _of_each(client: redis.Redis, names: list[Any], command: str, *words: str) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for name in names:
        getattr(pipeline, command)(name, *words)
    return list(pipeline.execute())


def settle(
    chosen: Chosen, display: Display, identity: str, answer: Answer, *, yes: bool
) -> dict[str, Any]:
    """Resolve one UNKNOWN intent, and record who did it and why; asking again is safe."""
    if not identity:
        raise ConfigurationError(
            "--id says which intent", step="intents.resolve",
            action="invoke intents.list --state UNKNOWN",
        )  # fmt: skip
    outcome, started, who = answer.outcome(), time.time(), getpass.getuser()
    with each_store(chosen, display) as contacts:
        contact, record = _find(contacts, identity, answer, who)
        said = f"{record.get('side', '')} {record.get('quantity', '')} {record.get('symbol', '')}"
        display.idle()
        display.say(f"{identity}: {said}, client order id {record.get('client_order_id')}", "bold")
        if record["state"] == intents.UNKNOWN:
            if not confirm(f"settle it as {outcome.state}?", yes=yes):
                raise ConfigurationError(
                    "not confirmed; nothing was changed", step="intents.resolve",
                    action="invoke intents.resolve --yes",
                )  # fmt: skip
            now_ms = int(time.time() * 1000)
            word, more = asked(
                contact,
                lambda client: resolving.resolve(
                    client, identity, outcome, who=who, why=answer.why, now_ms=now_ms,
                    **_names(contact.host),
                ),
                "intents.resolve",
                changes=True,
            )  # fmt: skip
        else:  # the reply to this very answer was lost
            word, more = "RESOLVED", record.get("result_id", "")
        entry = recording.write(
            chosen, "operation", word.lower(), [contact], started=started, ended=time.time(),
            git=recording.git_state(),
            details={"intent": identity, "state": outcome.state, "why": answer.why, "answer": more},
        )  # fmt: skip
    done = word == "RESOLVED"
    display.say(
        f"{identity} is {outcome.state} now (execution.result {more})" if done
        else f"nothing was changed: {identity} is {more or 'gone'} meanwhile",
        "green" if done else "red",
    )  # fmt: skip
    display.record(chosen.inventory.records / entry.id)
    return {
        "identity": identity, "answer": word, "result_or_state": more, "record": entry.id,
        "exit_code": DONE if done else FAILED,
    }  # fmt: skip


def _find(
    contacts: list[Contact], identity: str, answer: Answer, who: str
) -> tuple[Contact, Record]:
    """Return where the intent is, and its record: UNKNOWN, or settled by this same answer."""
    name, state = intents.record(identity), ""
    for contact in contacts:
        record = asked(
            contact, lambda client: _text(client.hgetall(name)), "intents.resolve", changes=False
        )
        settled = (record.get("state"), record.get("resolved_by"), record.get("resolved_why"))
        if record.get("state") == intents.UNKNOWN or settled == (answer.state, who, answer.why):
            return contact, record
        state = state or record.get("state", "")
    raise ConfigurationError(
        f"{identity} is {state}; only an UNKNOWN intent is resolved" if state
        else f"there is no intent {identity}",
        step="intents.resolve", action="invoke intents.list --state UNKNOWN",
    )  # fmt: skip


def _names(host: Host) -> dict[str, str]:
    """Return the streams' names that a host's execution was rendered with, where they are set."""
    wanted = {
        "stream": "stream_trade_intent", "group": "group_execution",
        "results": "stream_execution_result", "apply_results": "stream_apply_result",
    }  # fmt: skip
    return {ours: host.text(theirs) for ours, theirs in wanted.items() if theirs in host.values}


def _row(record: Mapping[str, str], now_ms: int) -> list[str]:
    since_ms = int(record.get("created_ms") or record.get("updated_ms") or now_ms)
    of = {**record, "age": _age((now_ms - since_ms) // 1000)}
    return [str(of.get(name, "")) for name in COLUMNS]


def _age(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _text(fields: Any) -> Record:
    return {_word(name): _word(value) for name, value in fields.items()}


def _word(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
