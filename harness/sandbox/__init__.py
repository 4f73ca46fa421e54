"""A directory and a small supervisor that stand in for a host on a laptop."""
