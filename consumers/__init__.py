"""The programs that run on the hosts; they import `streams` and nothing else of ours."""
