"""Say what trades and what does not, at the start and in the status hash."""

from __future__ import annotations

from collections.abc import Mapping

from consumers.trading.settings import Settings


def trading(wanted: Settings) -> dict[str, str | int]:
    """Return the three gates to trading, and the verdict, in words."""
    shut = wanted.shut
    return {
        "trading": "off: " + ", ".join(shut) if shut else "ON",
        "quantum_mode": wanted.quantum_mode,
        "trading_enabled": str(wanted.trading_enabled).lower(),
        "safe_drain": str(wanted.safe_drain).lower(),
        "exchange": "none" if shut else wanted.exchange,
        "intent_max_age_s": wanted.intent_max_age_s,
        "start_at": wanted.start_at,
    }


def limits(wanted: Settings) -> Mapping[str, str | int]:
    """Return what the risk guard lets through."""
    return {
        "max_notional_per_order_usd": f"{wanted.max_notional_per_order_usd:f}",
        "max_notional_per_symbol_usd": f"{wanted.max_notional_per_symbol_usd:f}",
        "max_open_positions": wanted.max_open_positions,
        "max_orders_per_minute": wanted.max_orders_per_minute,
    }
