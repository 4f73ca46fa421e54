"""Neither keys nor signed requests are seen in an error, a log line or a name."""

import logging
import traceback

import pytest

from consumers.exchanges import ExchangeError
from fault_injection.exchange_simulator import NAMED
from tests.exchanges.conftest import adapter, entry
from tests.servers import free_port

KEY, SECRET = "the-key-nobody-may-see", "the-secret-nobody-may-see"


def everything_said(error):
    """Return all that a logger could make of an error, with what led to it and every local."""
    seen = []
    while error is not None:
        seen += [repr(error), str(error), *map(str, error.args)]
        seen += traceback.TracebackException.from_exception(error, capture_locals=True).format()
        error = error.__cause__ or error.__context__
    return "\n".join(seen)


@pytest.fixture
def exchange(simulator, monkeypatch):
    monkeypatch.setattr(simulator, "key", KEY)
    monkeypatch.setattr(simulator, "secret", SECRET)
    return adapter(simulator)


@pytest.mark.parametrize("name", [name for name in NAMED if "timeout" not in name])
def test_no_error_tells_a_key_or_a_signature(simulator, exchange, caplog, capfd, name):
    caplog.set_level(logging.DEBUG)
    simulator.misbehave(name, **({"drip_ms": 0} if name == "dripping_answer" else {}))
    said = ""
    try:
        exchange.place(entry())
    except ExchangeError as error:
        said = everything_said(error)
    for text in (said, caplog.text, *capfd.readouterr()):
        for secret in (KEY, SECRET, "signature="):
            assert secret not in text


def test_an_error_before_sending_tells_nothing_either(simulator, exchange, caplog):
    caplog.set_level(logging.DEBUG)
    exchange = adapter(simulator, url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ExchangeError) as raised:
        exchange.place(entry())
    text = everything_said(raised.value) + caplog.text
    assert not [secret for secret in (KEY, SECRET, "signature=") if secret in text]


def test_the_adapter_and_its_parts_do_not_name_their_keys(exchange):
    for part in (exchange, exchange._client, exchange._wire, exchange._client.session):
        assert KEY not in repr(part)
        assert SECRET not in repr(part)
