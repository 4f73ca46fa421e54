"""What happened in a run, line by line, and how it is written and read: docs/checkers.md."""
