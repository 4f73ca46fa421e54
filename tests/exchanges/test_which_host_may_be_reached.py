"""Fail closed: sandbox and testnet never reach a live host, whatever the address looks like."""

import socket

import pytest
import requests

from consumers.exchanges import NotSent
from consumers.exchanges.hosts import LIVE_HOSTS, TESTNET_HOSTS, Origin, origin, refusal
from consumers.exchanges.opening import open_exchange
from consumers.loop.failing import StartError
from tests.exchanges.conftest import adapter, entry
from tests.exchanges.raw_server import answer, sends

LIVE = "https://fapi.binance.com"
TESTNET = "https://testnet.binancefuture.com"

#: What looks like an address and may reach something else than it seems to.
TRICKS = (
    LIVE,
    "https://FAPI.BINANCE.COM",
    "HTTPS://fapi.binance.com",
    "https://fapi.binance.com.",
    "https://fapi.binance.com:443",
    "https://fapi.binance.com:8443",
    "http://fapi.binance.com",
    "https://fapi.binance.com/",
    "https://fapi.binance.com/fapi/v1",
    "https://testnet.binancefuture.com@fapi.binance.com",
    "https://testnet.binancefuture.com:443@fapi.binance.com",
    "https://fapi.binance.com#testnet.binancefuture.com",
    "https://fapi.binance.com?testnet.binancefuture.com",
    "https://fapi.binance.com\\@testnet.binancefuture.com",
    "https://testnet.binancefuture.com\\.fapi.binance.com",
    "https://testnet.binancefuture.com.fapi.binance.com",
    "https://testnet.binancefuture.com.evil.example",
    "https://eviltestnet.binancefuture.com",
    "https://testnet.binancefuture.com.",
    "https://TESTNET.binancefuture.com",
    "http://testnet.binancefuture.com",
    "https://testnet.binancefuture.com:8443",
    "https://testnet.binancefuture.com:80",
    "https://testnet.binancefuture.com/",
    "https://user@testnet.binancefuture.com",
    " https://testnet.binancefuture.com",
    "https://testnet.binancefuture.com ",
    "https://testnet.binancefuture.com\n",
    "https://testnet.binancefuture.com\t",
    "https://testnet.binancefuture.com%2e",
    "https://testnet。binancefuture。com",
    "https://\N{LATIN SMALL LETTER LONG S}api.binance.com",
    "https://fap\u0131.binance.com",
    "testnet.binancefuture.com",
    "//testnet.binancefuture.com",
    "ftp://testnet.binancefuture.com",
    "file:///etc/passwd",
    "https://",
    "https://:443",
    "https://testnet.binancefuture.com:0",
    "https://testnet.binancefuture.com:99999999",
    "https://api.binance.com",
    "https://dapi.binance.com",
    "https://fapi1.binance.com",
    "https://binance.com",
    "https://127.0.0.1.fapi.binance.com",
    "https://127.0.0.1@fapi.binance.com",
    "http://127.0.0.2",
    "http://127.1",
    "http://2130706433",
    "http://0x7f.1",
    "http://0.0.0.0",
    "http://10.0.0.1",
    "http://[::]",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:8.8.8.8]",
    "http://[::1%25lo]",
    "http://LOCALHOST",
    "http://localhost.",
    "http://localhost.fapi.binance.com",
    "http://localhost:99999",
    "http://127.0.0.1:70000",
    "http://127.0.0.1:08000",
    "http://127.0.0.1:+80",
    "http://127.0.0.1/fapi",
)


@pytest.mark.parametrize("url", TRICKS)
def test_testnet_refuses_what_is_not_literally_known(url):
    with pytest.raises(StartError, match="EXCHANGE_URL") as refused:
        open_exchange("binance_futures", mode="testnet", url=url, key="k", secret="s")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["", TESTNET, LIVE, "http://127.0.0.1:1", "http://localhost"])
@pytest.mark.parametrize("mode", ["sandbox"])
def test_sandbox_trades_on_paper_alone_wherever_the_address_leads(mode, url):
    with pytest.raises(StartError, match="paper alone"):
        open_exchange("binance_futures", mode=mode, url=url, key="k", secret="s")
    with pytest.raises(StartError):
        origin(mode, url)


@pytest.mark.parametrize("mode", ["", "LIVE", "production", "live ", "test", "Sandbox"])
@pytest.mark.parametrize("name", ["paper", "binance_futures"])
def test_a_mode_that_nobody_knows_opens_nothing(mode, name):
    with pytest.raises(StartError, match="QUANTUM_MODE"):
        open_exchange(name, mode=mode, url=TESTNET, key="k", secret="s")


@pytest.mark.parametrize("name", ["", "Paper", "binance", "binance_futures ", "bybit"])
def test_an_exchange_that_nobody_knows_is_not_opened(name):
    with pytest.raises(StartError, match="EXCHANGE is"):
        open_exchange(name, mode="testnet", url=TESTNET, key="k", secret="s")


@pytest.mark.parametrize(
    "url", [TESTNET, "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"]
)
def test_live_reaches_neither_a_testnet_nor_this_machine(url):
    with pytest.raises(StartError, match=r"mode live reaches fapi\.binance\.com"):
        open_exchange("binance_futures", mode="live", url=url, key="k", secret="s")


@pytest.mark.parametrize(
    ("mode", "url", "expected"),
    [
        ("live", "", ("https", "fapi.binance.com", 443)),
        ("live", LIVE, ("https", "fapi.binance.com", 443)),
        ("live", f"{LIVE}:443", ("https", "fapi.binance.com", 443)),
        ("testnet", "", ("https", "testnet.binancefuture.com", 443)),
        ("testnet", "https://demo-fapi.binance.com", ("https", "demo-fapi.binance.com", 443)),
        ("testnet", "http://127.0.0.1:8080", ("http", "127.0.0.1", 8080)),
        ("testnet", "http://[::1]:8080", ("http", "::1", 8080)),
        ("testnet", "http://localhost", ("http", "localhost", 80)),
    ],
)
def test_what_is_known_is_opened_and_nothing_is_asked_yet(mode, url, expected):
    assert origin(mode, url) == expected
    exchange = open_exchange("binance_futures", mode=mode, url=url, key="k", secret="s")
    assert exchange.name == "binance_futures"


def test_no_host_is_both_live_and_a_testnet():
    assert not LIVE_HOSTS & TESTNET_HOSTS


# what follows happens at the very point of sending


@pytest.fixture
def no_network(monkeypatch):
    """Fail on any socket: what is refused is refused before one is opened."""

    def opened(*_):
        pytest.fail("a socket was opened")

    monkeypatch.setattr(socket, "socket", opened)
    monkeypatch.setattr(socket, "getaddrinfo", opened)


@pytest.mark.parametrize("mode", ["sandbox", "testnet", ""])
def test_a_mode_that_may_not_is_refused_again_when_it_sends(simulator, no_network, mode):
    exchange = adapter(simulator)
    exchange._wire._origin = Origin("https", "fapi.binance.com", 443)
    exchange._wire._mode = mode
    with pytest.raises(NotSent, match="reaches"):
        exchange.place(entry())
    assert refusal(mode, Origin("https", "fapi.binance.com", 443))


def test_a_library_that_asks_for_another_host_is_refused_when_it_sends(simulator, no_network):
    exchange = adapter(simulator)
    exchange._client.FUTURES_URL = f"{LIVE}/fapi"
    with pytest.raises(NotSent, match="elsewhere"):
        exchange.place(entry())


def test_the_librarys_other_apis_cannot_be_reached(simulator, no_network):
    exchange = adapter(simulator)
    exchange._wire.begin()
    with pytest.raises(NotSent, match="elsewhere"):
        exchange._client.get_account()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}@evil.example/fapi/",
        "http://evil.example@127.0.0.1:{port}/fapi/",
        "https://127.0.0.1:{port}/fapi/",
        "http://localhost:{port}/fapi/",
        "http://127.0.0.1/fapi/",
        "http://127.0.0.1:{port}/api/",
        "http://127.0.0.1:{port}/fapi.evil/",
    ],
)
def test_an_address_that_only_begins_alike_is_refused_when_it_sends(simulator, no_network, url):
    exchange = adapter(simulator)
    exchange._wire.begin()
    with pytest.raises(NotSent, match="elsewhere"):
        exchange._client.session.get(url.format(port=simulator.port))


def test_a_name_of_this_machine_that_leads_to_another_one_is_refused(simulator, monkeypatch):
    """As a line in /etc/hosts could make it."""
    found = socket.getaddrinfo

    def elsewhere(host, port, **how):
        return found("127.0.0.1" if host == "localhost" else host, port, **how)

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    exchange = adapter(simulator, url=f"http://localhost:{simulator.port}")
    exchange.place(entry())
    exchange._wire.close()
    monkeypatch.setattr(socket.socket, "getpeername", lambda _self: ("203.0.113.7", 443))
    with pytest.raises(NotSent, match="not this machine"):
        exchange.place(entry("q-2"))
    assert "q-2" not in simulator.fills()


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
def test_no_redirect_is_followed(raw, status):
    other, _ = raw(sends(answer(b"{}")))
    there = f"Location: {other.url}/fapi/v1/order\r\n"
    server, exchange = raw(sends(answer(b"", status, more=there)))
    with pytest.raises(Exception, match=status[:3]):
        exchange.place(entry())
    assert (len(server.requests), other.requests) == (1, [])


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture
def proxy(raw, monkeypatch):
    server, _ = raw(sends(answer(b"{}")))
    for name in PROXIES:
        monkeypatch.setenv(name, server.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return server


def test_no_proxy_of_the_environment_gets_a_request(simulator, proxy):
    assert adapter(simulator).place(entry()).status == "FILLED"
    assert proxy.requests == []


def test_an_ordinary_session_would_have_gone_to_that_proxy(simulator, proxy):
    requests.get(f"{simulator.url}/fapi/v1/time", timeout=20)
    assert len(proxy.requests) == 1


def test_no_password_of_a_netrc_file_is_sent(raw, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server, exchange = raw(sends(answer(b"{}")))
    with pytest.raises(Exception, match="answer"):
        exchange.place(entry())
    assert b"authorization" not in server.requests[0].lower()
