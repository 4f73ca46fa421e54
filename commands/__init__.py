"""What a person can type: short tasks that read like a runbook; heavy imports come late."""
