"""Consumers with one planted bug each, every one of which somebody has written or nearly so.

`meant_for` is the checker that has to refute it; `faults` brings about what the bug needs.
"""

from tests.checkers.mutants import (  # noqa: F401  each plants its bugs
    counting,
    dead_letters,
    executing,
    reading,
    routing,
)
from tests.checkers.mutants.planting import MUTANTS

__all__ = ["MUTANTS"]
