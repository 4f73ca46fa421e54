"""The part that runs on a host: stdlib only, Python 3.9+, sent over stdin, leaves nothing behind.

Everything that changes the host is a step whose undo is in the journal, on disk, before it runs.

What a look at a host loads does without dataclasses and typing (types for mypy stand under
TYPE_CHECKING): loading those takes a host as long as half the agent.
"""
