"""Hosts have no rich, so a consumer under test finds none: structlog would load it to colour."""

raise ImportError("as on a host")
