"""By which checkers a part of a schedule is said to fail as the whole did."""

import pytest

from commands.fault_shrinking import refuted


def judgement(**verdicts):
    return {"findings": {name: {"verdict": verdict} for name, verdict in verdicts.items()}}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (judgement(lost="refuted", duplicated="proved", latency="unknown"), {"lost"}),
        # the claim still sees what an earlier run has lost
        (judgement(lost="refuted", proofs_held="refuted"), {"lost"}),
        (judgement(lost="proved", proofs_held="refuted"), {"proofs_held"}),
        (judgement(lost="proved"), set()),
        ({}, set()),
    ],
)
def test_what_refuted_a_run_is_looked_for_and_claims_only_if_nothing_else_did(said, wanted):
    assert refuted(said) == wanted
