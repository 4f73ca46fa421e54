"""A stand-in for Binance's USD-M futures over HTTP, which trades honestly and fails on demand.

It checks keys, signatures and the age of requests, keeps client order ids apart among open orders
alone, and writes down every call. What it shall do wrong is planned (misbehaving.py), never drawn
by the clock. Run it as `python -m fault_injection.exchange_simulator`, or in a thread:

    with Simulator() as simulator:
        simulator.misbehave("unknown_after_fill")
"""

from fault_injection.exchange_simulator.misbehaving import NAMED, Misbehaviour
from fault_injection.exchange_simulator.simulator import Simulator

__all__ = ["NAMED", "Misbehaviour", "Simulator"]
