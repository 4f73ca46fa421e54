"""What decision intelligence does with apply results: counts, windows, alerts."""
