"""Execution's own: what an intent goes through, the risk guard, the exchange side, protection."""
