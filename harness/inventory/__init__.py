"""Which hosts there are, what they are called, and what is to hold on them: YAML in, `Host` out."""

from harness.inventory.inventory import Inventory, load

__all__ = ["Inventory", "load"]
