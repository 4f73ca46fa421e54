"""The engine: inventory, rendering, observing, planning, applying, journal, agent, ledger."""
