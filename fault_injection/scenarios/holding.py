"""What must hold, by workload: the names of checkers, and of claims that are proved in the end."""

from __future__ import annotations

#: Of every run: the history is whole, something happened, and the system is well again.
OF_EVERY_RUN = ("whole", "not_vacuous", "steady_state", "recovery", "latency", "proofs_held")
OF_A_STREAM = (
    *OF_EVERY_RUN, "lost", "recovered", "unexpected", "duplicated", "conservation",
    "claims_from_the_dead", "dead_letters", "group_goes_forward",
)  # fmt: skip
OF_RESULTS = (*OF_A_STREAM, "bucket_totals")
OF_DECISIONS = (
    *OF_A_STREAM, "ack_after_effect", "one_terminal_state", "lawful_transitions",
    "filled_means_filled",
)  # fmt: skip
#: Where orders go to an exchange that can be asked.
OF_ORDERS = (*OF_DECISIONS, "asked_before_resubmitting")
OF_DEPLOYS = (*OF_DECISIONS, "all_old_or_all_new")

#: These rest on what Redis was told meanwhile, which nobody can read again.
WATCHED = frozenset({"ack_after_effect", "lawful_transitions", "claims_from_the_dead"})

SHOWN_OF_RESULTS = ("stays_up", "effect_flows", "backlog_drains")
SHOWN_OF_DECISIONS = (
    *SHOWN_OF_RESULTS, "nothing_lost_nothing_doubled", "one_terminal_state",
)  # fmt: skip
SHOWN_OF_DEPLOYS = ("running_what_was_deployed", *SHOWN_OF_DECISIONS)
