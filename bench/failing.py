"""Errors of the bench."""

from __future__ import annotations


class CannotMeasureError(Exception):
    """Something needed is missing or did not work; the text says what, and what to type."""
