"""The way to a host: one SSH connection, or none at all for the sandbox."""
