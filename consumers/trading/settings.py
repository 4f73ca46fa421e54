"""The settings of execution, and the three things that trading needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from consumers.exchanges import Exchange
from consumers.exchanges.opening import open_exchange
from consumers.loop import settings
from consumers.loop.failing import StartError
from consumers.loop.parsing import decimal, name, number, one_of, optional_name, seconds, truth
from consumers.loop.settings import credential, setting
from streams import intents

#: The longest an intent may have waited, in seconds.
LONGEST_AGE_S = 86_400


def minutes(low_s: int, high_s: int) -> Callable[[str], int]:
    """Return a reader of minutes that gives seconds."""
    read = number(-(-low_s // 60), high_s // 60)
    return lambda text: 60 * read(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(settings.Settings):
    """What execution needs to know beside what every consumer does."""

    stream_trade_intent: str = setting(intents.STREAM_TRADE_INTENT, name)
    group_execution: str = setting(intents.GROUP_EXECUTION, name)
    stream_execution_result: str = setting(intents.STREAM_EXECUTION_RESULT, name)
    #: "" publishes no apply.result
    stream_apply_result: str = setting(intents.STREAM_APPLY_RESULT, optional_name)
    safe_drain: bool = setting("true", truth, aliases={"TRADE_INTENT_SAFE_DRAIN": truth})
    trading_enabled: bool = setting("false", truth)
    intent_max_age_s: int = setting(
        "600", number(1, LONGEST_AGE_S),
        aliases={"TRADE_INTENT_MAX_AGE_MINUTES": minutes(60, LONGEST_AGE_S)},
    )  # fmt: skip
    start_at: str = setting("backlog", one_of("backlog", "new"))
    exchange: str = setting("paper", one_of("paper", "binance_futures"))
    exchange_url: str = setting("", optional_name)
    exchange_api_key: str = credential("exchange_api_key")
    exchange_api_secret: str = credential("exchange_api_secret")
    #: how long one call to the exchange may take
    exchange_timeout_s: float = setting("5", seconds(0.1, 60))
    #: how far the clocks of our hosts and the exchange's may be apart
    clock_skew_ms: int = setting("2000", number(0, 60_000))
    #: how long an order may stay open before what is left of it is cancelled
    order_follow_s: float = setting("30", seconds(0, 600))
    #: how often protective orders are looked at
    protection_every_s: float = setting("5", seconds(0.1, 600))
    #: so many failures in a row open the circuit breaker, for so long
    breaker_failures: int = setting("5", number(1, 1_000))
    breaker_open_s: float = setting("10", seconds(0.1, 3_600))
    max_notional_per_order_usd: Decimal = setting("1000", decimal(0, 10**9))
    max_notional_per_symbol_usd: Decimal = setting("5000", decimal(0, 10**9))
    max_open_positions: int = setting("10", number(0, 10_000))
    max_orders_per_minute: int = setting("60", number(0, 1_000_000_000))

    @property
    def shut(self) -> tuple[str, ...]:
        """Return which of the three gates to trading are shut; () where orders are placed."""
        gates = {
            "QUANTUM_MODE=sandbox": self.quantum_mode == "sandbox",
            "TRADING_ENABLED=false": not self.trading_enabled,
            "SAFE_DRAIN=true": self.safe_drain,
        }
        return tuple(words for words, is_shut in gates.items() if is_shut)

    def refuse(self) -> str:
        """Return why these settings cannot stand together."""
        if self.max_notional_per_order_usd > self.max_notional_per_symbol_usd:
            return "MAX_NOTIONAL_PER_ORDER_USD is above MAX_NOTIONAL_PER_SYMBOL_USD"
        if not self.shut:
            try:
                self.opened(None)
            except StartError as error:
                return str(error)
        return ""

    def opened(self, client: Any) -> Exchange:
        """Return the exchange to trade on, which nothing was asked yet. Raises StartError."""
        return open_exchange(
            self.exchange,
            mode=self.quantum_mode,
            url=self.exchange_url,
            key=self.exchange_api_key,
            secret=self.exchange_api_secret,
            client=client,
            timeout_s=self.exchange_timeout_s,
        )
