"""Ways to load and break a live system; so far the seeded workloads and a simulated exchange."""
