"""How settled entries are found again: the services' parts of nothing_lost_nothing_doubled."""
