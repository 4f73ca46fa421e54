"""Run a schedule on a real system: feed it, break it, mend it, and write down all that happens.

`run.py` is the way through; whoever goes on for a dead harness enters at `ending.py`.
"""
