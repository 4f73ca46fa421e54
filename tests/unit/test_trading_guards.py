"""Switching trading on: each guard says no. And what resolving an intent must be told."""

import contextlib
import dataclasses
from types import SimpleNamespace

import pytest

from commands import enabling
from commands.logging_of_hosts import readable
from commands.records_of_intents import Answer, Records
from harness.errors import ConfigurationError, DriftError, InDoubtError, QuantumError
from harness.host import Host
from proofs.finding import Finding, Verdict
from roles.execution import trading

HOST = Host("box", "x", "testnet", ("execution",))
CONTACT = SimpleNamespace(host=HOST, transactions=[{"state": "committed"}])


def claim(verdict):
    return SimpleNamespace(
        subject="stays_up", where="box", finding=Finding(verdict, ("because",), {})
    )


def test_all_proved_passes():
    enabling.refuse_unproved([claim(Verdict.proved)])


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 2), ([Verdict.unknown], 2), ([Verdict.proved, Verdict.unknown], 2),
        ([Verdict.refuted], 1), ([Verdict.unknown, Verdict.refuted], 1),
    ],
)  # fmt: skip
def test_a_claim_that_is_not_proved_now_keeps_trading_off(verdicts, code):
    with pytest.raises(QuantumError) as caught:
        enabling.refuse_unproved([claim(each) for each in verdicts])
    assert caught.value.exit_code == code


def test_a_host_on_which_nothing_was_deployed_is_refused():
    with pytest.raises(ConfigurationError, match="nothing was deployed here yet"):
        enabling.refuse_drift([SimpleNamespace(host=HOST, transactions=[])])


def test_a_host_that_has_drifted_is_refused(monkeypatch):
    drifted = [SimpleNamespace(path="/etc/quantum/execution.env")]
    monkeypatch.setattr(enabling, "examine", lambda _: drifted)
    with pytest.raises(DriftError, match=r"execution\.env is not what was deployed"):
        enabling.refuse_drift([CONTACT])
    monkeypatch.setattr(enabling, "examine", lambda _: [])
    enabling.refuse_drift([CONTACT])


def test_what_else_the_deploy_would_bring_along_is_refused(monkeypatch):
    def planned(*paths):
        steps = [SimpleNamespace(verb="change", what=path) for path in paths]
        steps.append(SimpleNamespace(verb="restart", what="quantum-execution@1.service"))
        made = SimpleNamespace(plan=SimpleNamespace(steps=steps))
        monkeypatch.setattr(enabling, "wanted", lambda *_: None)
        monkeypatch.setattr(enabling, "prepare", lambda *_: made)
        enabling.refuse_other_changes(
            [SimpleNamespace(host=HOST, facts={})], {"box": trading(HOST)}
        )

    planned("/etc/quantum/execution.env")
    with pytest.raises(ConfigurationError, match="only what was proved may trade"):
        planned("/etc/quantum/execution.env", "/etc/systemd/system/quantum-execution@1.service")


def test_an_unknown_intent_keeps_trading_off(monkeypatch):
    @contextlib.contextmanager
    def stores(*_):
        yield [CONTACT]

    monkeypatch.setattr(enabling, "each_store", stores)
    records = Records([{"identity": "i-1"}], whole=True)
    monkeypatch.setattr(enabling, "asked", lambda *_, **__: records)
    with pytest.raises(InDoubtError, match="1 intents are UNKNOWN: i-1"):
        enabling.refuse_unknown(None, None)
    records = Records([], whole=False)
    with pytest.raises(InDoubtError, match="more intents than could be read"):
        enabling.refuse_unknown(None, None)
    records = Records([], whole=True)
    enabling.refuse_unknown(None, None)


def chosen(mode):
    return SimpleNamespace(inventory=SimpleNamespace(name="prod", mode=mode))


class Silent:
    def say(self, *_):
        pass


@pytest.mark.parametrize(
    ("mode", "typed"),
    [
        ("testnet", ""),
        ("testnet", "yes"),
        ("testnet", "PROD"),
        ("live", "prod"),
        ("live", "prod 2"),
    ],
)
def test_only_the_right_words_confirm_and_no_terminal_is_a_no(mode, typed):
    with pytest.raises(ConfigurationError, match="not confirmed; trading stays off"):
        enabling.expect_confirmation(chosen(mode), [HOST], Silent(), typed)


@pytest.mark.parametrize(("mode", "typed"), [("testnet", "prod"), ("live", "prod 1")])
def test_the_right_words_do(mode, typed):
    enabling.expect_confirmation(chosen(mode), [HOST], Silent(), typed)


def test_a_sandbox_never_trades():
    with pytest.raises(ConfigurationError, match="no order is placed where the mode is sandbox"):
        trading(dataclasses.replace(HOST, mode="sandbox"))


@pytest.mark.parametrize(
    "answer",
    [
        Answer("REJECTED", ""), Answer("REJECTED", "  "), Answer("", "why"),
        Answer("DRAINED", "why"), Answer("UNKNOWN", "why"), Answer("FILLED", "why"),
        Answer("FILLED", "why", "1"), Answer("FILLED", "why", "one", "2"),
        Answer("REJECTED", "why", "1"), Answer("FAILED", "why", order="7"),
    ],
)  # fmt: skip
def test_a_resolution_that_is_none_is_refused_before_any_host_is_asked(answer):
    with pytest.raises(ConfigurationError):
        answer.outcome()


def test_a_resolution_says_what_was_filled():
    outcome = Answer("FILLED", "order history", "0.5", "60000", "77").outcome()
    assert (str(outcome.filled), str(outcome.average_price)) == ("0.5", "60000")
    assert Answer("FAILED", "not in the order history").outcome().state == "FAILED"


@pytest.mark.parametrize(
    ("text", "words", "colour"),
    [
        ("plain words", "plain words", ""),
        ('{"no": "event"}', '{"no": "event"}', ""),
        ('{"event": "ready", "level": "info", "group": "g"}', "info    ready  group=g", ""),
        ('{"event": "x", "level": "error", "cause": "a b"}', 'error   x  cause="a b"', "red"),
    ],
)
def test_a_line_of_json_is_shown_as_words(text, words, colour):
    assert readable(text) == (words, colour)
