"""Measure the consumers against a C reader, the per-message way and peers, as ratios of one run."""
