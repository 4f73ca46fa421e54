"""Traffic of the shapes that really occur, seeded."""
