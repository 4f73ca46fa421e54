"""Trading switched on and off on a real host over SSH: guarded, then at once."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from streams import intents
from tests.lab.laptop import PROJECT, Laptop
from tests.waiting import until

pytestmark = pytest.mark.lab

INTENT, RESULT = "quantum:stream:trade.intent", "quantum:stream:execution.result"


@pytest.fixture
def trader(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    """The laptop with everything committed: what is not goes nowhere but to a sandbox."""
    clone = tmp_path / "project"
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-C", str(clone))
    subprocess.run(("git", "clone", "--quiet", "--shared", PROJECT, clone), check=True)
    listed = subprocess.run(
        ("git", "-C", PROJECT, "ls-files", "-z", "-co", "--exclude-standard"),
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, clone / name)
    subprocess.run((*git, "add", "-A"), check=True)
    subprocess.run((*git, "commit", "--quiet", "--allow-empty", "-m", "as it is"), check=True)
    (clone / ".cache").symlink_to(PROJECT / ".cache")  # what pip has fetched once
    (clone / ".git/info/exclude").write_text(".cache\n")  # a link, which `.cache/` does not name
    monkeypatch.setattr("tests.lab.laptop.PROJECT", clone)
    yield laptop
    laptop.write_inventory()  # what takes the deploys back again knows nothing of the clone


def intent(client: redis.Redis, trace: str) -> None:
    payload = {"symbol": "BTCUSDT", "side": "BUY", "quantity": 0.01, "entry_price": 60_000}
    words = {"trace_id": trace, "payload": json.dumps(payload), "timestamp": str(time.time())}
    client.xadd(INTENT, words)


def ended(client: redis.Redis, trace: str) -> tuple[str, str]:
    """Wait for an intent's end and return its state and reason."""
    key = intents.record(trace)
    until(lambda: client.hget(key, "state") in intents.TERMINAL, what=f"an end of {trace}")
    state, reason = client.hmget(key, "state", "reason")
    return state, (reason or "").partition(":")[0]


def test_trading_is_off_until_it_is_enabled_and_off_again_at_once(trader: Laptop) -> None:
    trader.write_inventory({"mode": "testnet"})
    trader.types("deploy", "--yes")
    password = trader.password.read_text().strip()
    client = redis.Redis(trader.hosts[0].address, password=password, decode_responses=True)

    intent(client, "before")
    assert ended(client, "before") == ("DRAINED", "safe_drain")

    refused = trader.types("trading.enable", "--confirm", "yes", code=3)
    assert "not confirmed; trading stays off" in refused.stderr
    enabled = trader.asks("trading.enable", "--confirm", "hosts")
    assert enabled["trading"] == "on"
    intent(client, "while")
    assert ended(client, "while") == ("FILLED", "")

    disabled = trader.asks("trading.disable", "--why", "the test is over")
    assert disabled["may_still_trade"] == []
    intent(client, "after")
    assert ended(client, "after")[0] in {"DRAINED", "REJECTED"}
    states = [of["state"] for _, of in client.xrange(RESULT) if of["identity"] == "while"]
    assert states == ["FILLED"]

    # a rollback restores an env file that traded: the kill switch is what keeps it from trading
    client.delete(intents.KILL_SWITCH)
    assert trader.asks("rollback", "--yes")["state"] == "rolled_back"
    intent(client, "back")
    assert ended(client, "back") == ("REJECTED", "kill_switch")
    trader.types("ledger.verify")
