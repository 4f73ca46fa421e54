"""What an event's effect is, service by service: the parts of effect_flows."""
