"""How large an oracle's run is: a seeded sample, or all of it with QUANTUM_SOAK=1."""

import os

SOAK = os.environ.get("QUANTUM_SOAK") == "1"


def sized(sample, full):
    """Return the size of this run."""
    return full if SOAK else sample
