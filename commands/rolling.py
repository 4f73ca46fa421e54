"""Deploy batch by batch: apply one, gate it, hold or commit it, and only then begin the next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands import holding, outcomes, proving, pruning, recognising, recording, transactions
from commands.choosing import Chosen
from commands.leaving_out import LeftOut
from commands.outcomes import APPLIED, LEFT_OUT, UNTOUCHED, Outcome
from commands.showing import Display, plan_document
from commands.terms import Terms
from harness import fanout
from harness.deploying import Prepared, apply
from harness.errors import InDoubtError, LedgerError, QuantumError
from harness.switches import Switch
from proofs.finding import Verdict

if TYPE_CHECKING:
    from commands import proving
    from harness.ledger.announcing import Announcement


def run(
    chosen: Chosen,
    changing: Sequence[Prepared],
    sources: Path,
    display: Display,
    terms: Terms,
    left_out: LeftOut,
) -> Outcome:
    """Apply, gate and commit the prepared hosts, or put them back; record either."""
    rollout = Rollout(chosen, changing, recording.git_state(sources), display, terms, left_out)
    try:
        try:
            with display.board([each.name for each in changing]):
                rollout.go()
        except BaseException:
            if "committed" in rollout.states.values():  # what hosts keep does not go unrecorded
                rollout.record(rollout.outcome())
            raise
        outcome = rollout.outcome()
        display.outcome(outcome)
        display.record(rollout.record(outcome))
    finally:
        rollout.close()
    return outcome


class Rollout:
    """One transaction over the changing hosts, and what has come of it so far."""

    def __init__(
        self,
        chosen: Chosen,
        changing: Sequence[Prepared],
        git: Mapping[str, Any],
        display: Display,
        terms: Terms,
        left_out: LeftOut,
    ) -> None:
        self._chosen, self._changing, self._git = chosen, changing, git
        self._display, self._terms, self._left_out = display, terms, left_out
        self._transaction, self._started = transactions.new_id(), time.time()
        self._switch = Switch()
        self._held: list[Prepared] = []  # applied, and neither committed nor put back
        self._batches: list[tuple[str, ...]] = []
        self._claims: list[proving.Claimed] = []
        self._pruned: dict[str, Any] = {}
        self._failures: list[QuantumError] = []
        self._announced: Announcement | None = None
        self.states: dict[str, str] = {each.name: UNTOUCHED for each in changing}

    def go(self) -> None:
        """Take batch after batch until one does not pass; then commit or put back what is held.

        A batch of which nobody is left does not count: the next hosts take its place, so that
        the canary is a host and not a number.
        """
        waiting = list(self._changing)
        while waiting and self._may_go_on():
            size = self._terms.serial.size(len(self._batches), len(self._changing))
            taken, waiting = waiting[:size], waiting[size:]
            with holding.held([each.contact for each in self._held]):
                if batch := self._present(taken):
                    self._pass(batch)
            self._expect_held()
        self._finish(commit=self._may_go_on())

    def _may_go_on(self) -> bool:
        """Tell whether nothing has failed, been refused or been left in doubt so far."""
        refused = any(each.finding.verdict is not Verdict.proved for each in self._claims)
        return not (self._failures or refused or "in_doubt" in self.states.values())

    def _present(self, taken: Sequence[Prepared]) -> list[Prepared]:
        """Return those that still answer, before anything changes on any of them."""
        answers = fanout.each(taken, lambda each: holding.ask(each.contact))
        try:
            present = self._left_out.passed(answers)
        except QuantumError as error:
            self._failures.append(error)
            return []
        self.states |= {each.name: LEFT_OUT for each in taken if each not in present}
        return present

    def _pass(self, batch: Sequence[Prepared]) -> None:
        names = tuple(each.name for each in batch)
        self._batches.append(names)
        self._display.mark(names, "batch", str(len(self._batches)))
        self.states |= dict.fromkeys(names, APPLIED)  # who interrupts us now finds them changed
        by = transactions.meta(self._chosen, self._git)
        answers = fanout.each(batch, lambda each: apply(each, self._transaction, by, self._switch))
        self._failures += fanout.errors(answers)
        self._held += [each.item for each in answers if each.error is None]
        self.states |= {each.item.name: transactions.state_after(each.error) for each in answers}
        for each in answers:
            self._display.mark([each.item.name], "apply", self.states[each.item.name])
        if self._may_go_on():
            self._gate(batch)
        if self._terms.commit_per_batch:
            self._finish(commit=self._may_go_on())

    def _gate(self, batch: Sequence[Prepared]) -> None:
        from commands import proving

        names = [each.name for each in batch]
        self._display.stage("gate: proving the release before it is committed")
        self._display.mark(names, "gate", "proving")
        contacts = [each.contact for each in batch]
        parts = {each.name: each.wanted.desired for each in batch if each.wanted.only}
        try:
            claims = proving.prove(contacts, self._git, self._display, gate=True, parts=parts)
            if parts and not claims:  # nobody asked is nobody who has said yes
                raise InDoubtError("no claim is made about these services", step="gate")
        except QuantumError as error:  # a host that is lost now is no reason to leave the others
            self._failures.append(error)
            claims = []
        self._claims += claims
        self._display.claims(claims)
        self._display.mark(names, "gate", "passed" if self._may_go_on() else "refused")

    def _expect_held(self) -> None:
        """Ask those that were held while others were worked on whether they still hold it."""
        if self._may_go_on() and len(self._batches) > 1:
            answers = fanout.each(self._held, lambda each: holding.ask(each.contact))
            self._failures += fanout.errors(answers)

    def _finish(self, *, commit: bool) -> None:
        if self._held:
            commit = commit and self._announce()
            ends = transactions.finish(
                self._held, self._transaction, self._switch, self._display, commit=commit
            )
            self.states |= ends
            self._failures += transactions.late(ends) if commit else []
            for name, end in ends.items():
                self._display.mark([name], "end", end)
            kept = [each.contact for each in self._held if ends[each.name] == "committed"]
            by = transactions.meta(self._chosen, self._git)
            self._pruned |= pruning.prune(kept, by, self._display)
        self._held = []

    def _announce(self) -> bool:
        """Have the ledger know that hosts are told to keep it; where it cannot, none is told."""
        try:
            self._announced = self._announced or recording.announce(
                self._chosen, "deploy", [each.contact for each in self._changing],
                started=self._started, git=self._git, identity=self._transaction,
            )  # fmt: skip
        except LedgerError as error:
            self._failures.append(error)
            return False
        return True

    def close(self) -> None:
        """Let go of what was announced: if there is no record, the next command writes one."""
        if self._announced:
            self._announced.let_go()

    def outcome(self) -> Outcome:
        """Return how it ended; a host that is still held is in doubt."""
        states = {
            name: "in_doubt" if state == APPLIED else state for name, state in self.states.items()
        } | dict.fromkeys(self._left_out.why, LEFT_OUT)
        reasons = transactions.reasons(self._failures, self._claims)
        return Outcome(
            outcomes.overall(states, self._batches, per_batch=self._terms.commit_per_batch),
            self._transaction,
            states,
            reasons + transactions.doubts(states, self._failures),
            tuple(self._batches),
            self._left_out.why,
        )

    def record(self, outcome: Outcome) -> Path:
        """Write the one record of this deploy; returns where it lies."""
        begun = [each for each in self._changing if any(each.name in b for b in self._batches)]
        entry = recording.write(
            self._chosen, "deploy", outcome.state, [each.contact for each in self._changing],
            started=self._started, ended=time.time(), claims=self._claims,
            subjects=transactions.subjects(begun), git=self._git, identity=self._transaction,
            details={
                "steps": transactions.steps(begun),
                "states": dict(outcome.hosts),
                "batches": outcomes.batches_document(outcome.batches, outcome.hosts),
                "left_out": outcomes.left_out_document(outcome.left_out),
                "overwritten": transactions.lost(begun),
                "only": sorted({name for each in self._changing for name in each.wanted.only}),
                "pruned": self._pruned,
                "reinstalled": recognising.document(
                    self._chosen, [each.contact for each in self._changing]
                ),
            },
            evidence={f"{each.name}/plan": plan_document([each]) for each in self._changing},
        )  # fmt: skip
        if self._announced:
            self._announced.over()
        return self._chosen.inventory.records / entry.id
