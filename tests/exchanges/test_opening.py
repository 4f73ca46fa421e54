"""What is missing is one clear line, and paper does not pay for what it does not use."""

import subprocess
import sys

import pytest

from consumers.exchanges.opening import open_exchange
from consumers.loop.failing import StartError


@pytest.mark.parametrize(
    ("key", "secret", "text"),
    [
        ("", "hidden", "needs the credential exchange_api_key"),
        ("hidden", "", "needs the credential exchange_api_secret"),
        ("hidden\r\nX: y", "s", "exchange_api_key holds"),
        ("k", "hidden words", "exchange_api_secret holds"),
        ("hiddenü", "s", "exchange_api_key holds"),
    ],
)
def test_a_key_that_is_missing_or_none_is_one_clear_line(key, secret, text):
    with pytest.raises(StartError, match=text) as refused:
        open_exchange("binance_futures", mode="testnet", key=key, secret=secret)
    assert "\n" not in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_missing_library_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "consumers.exchanges.binance_futures", None)
    with pytest.raises(StartError, match="needs a library that is missing"):
        open_exchange("binance_futures", mode="testnet", key="k", secret="s")


def test_paper_opens_in_every_mode_and_loads_no_http_library():
    program = """
import sys
from consumers.exchanges.opening import open_exchange
for mode in ("sandbox", "testnet", "live"):
    assert open_exchange("paper", mode=mode).name == "paper"
print(*{"binance", "requests", "aiohttp", "ssl", "http.client"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
