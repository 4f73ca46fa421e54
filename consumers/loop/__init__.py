"""What every consumer does: be configured, hold its name, read, take over, give up, stop."""
