"""What a stream is: names, shapes, scripts and the arithmetic of groups; needs redis-py only."""
