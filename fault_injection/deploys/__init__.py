"""Deploys that are broken on purpose: the releases, the orders of the faults, how each ended."""
