"""Ways to load and break a live system, and to judge by a run's history what came of it."""
