"""What a deployed unit must refuse, which directive says so, and whether the host does it."""
