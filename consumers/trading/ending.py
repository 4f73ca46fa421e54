"""End intents: settle records, say so in one line of the log each, see to their protection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from consumers.exchanges import NEW, Exchange, Order, Refused
from consumers.loop.context import Context
from consumers.loop.giving_up import family
from consumers.trading import recording
from consumers.trading.describing import booked, protections, protective_order
from consumers.trading.recording import End, Records
from consumers.trading.settings import Settings
from streams import intents
from streams.outcomes import ZERO, Outcome, is_partial


class Ender:
    """Ends intents for one process."""

    def __init__(
        self,
        context: Context[Settings],
        records: Records,
        exchange: Exchange | None,
        protect: Callable[[str], None],
    ) -> None:
        self._context, self._records, self._protect = context, records, protect
        #: where its book is Redis, and every answer is known beforehand
        self._paper = exchange if exchange is not None and exchange.instant else None

    def end(self, of: dict[str, str], epoch: str, outcome: Outcome) -> None:
        """End one intent; protective orders follow at once."""
        self._context.failpoint("execution.before_finish")
        answer = self.settle([self.ended(of, epoch, outcome)])[0][0]
        self._context.failpoint("execution.after_finish")
        if answer == recording.NO_POSITION:
            self.end(of, epoch, Outcome(intents.REJECTED, "no_position: closed meanwhile"))
        elif (
            answer == recording.DONE
            and self._paper is None
            and outcome.state == intents.FILLED
            and protections(of)
        ):
            self._protect(of["identity"])

    def settle(self, ends: Sequence[End]) -> list[list[str]]:
        """Settle many by one script; say what became of each, and give the script's answers."""
        answers = self._records.finish(ends)
        self.tell(ends, answers)
        return answers

    def tell(self, ends: Sequence[End], answers: Sequence[Sequence[str]]) -> None:
        """Say what became of each, by the script's answers."""
        for end, (word, *_) in zip(ends, answers, strict=True):
            if word == recording.DONE:
                self._tell(end)
            elif word not in (recording.NO_POSITION, recording.REFUSED):
                self._context.log.info(
                    "settled by another", id=end.of["stream_id"], identity=end.of["identity"],
                    found=word,
                )  # fmt: skip

    def ended(
        self,
        of: dict[str, str],
        epoch: str,
        outcome: Outcome,
        order: Order | None = None,
        believed: Decimal = ZERO,
    ) -> End:
        """Return an ending, with what it wants in protection.

        order, believed: what the guard is still to be asked about, where it was never begun.
        """
        wanted = protections(of) if outcome.state == intents.FILLED else ()
        if not wanted:
            return End(of, epoch, outcome, order=order, believed=believed)
        look_ms = self._context.now_ms()
        resting: list[list[object]] = []
        more = {f"{leg}_state": "WANTED" for leg in wanted}
        if self._paper is not None:
            for leg in wanted:
                more |= self._rest(of, leg, outcome, resting)
            # nothing happens to them on paper before the position is closed
            look_ms += 1000 * intents.RECORD_TTL_S
        return End(of, epoch, outcome, resting, more, str(look_ms), order, believed)

    def _rest(
        self, of: dict[str, str], leg: str, outcome: Outcome, resting: list[list[object]]
    ) -> dict[str, str]:
        """Let a protective order rest on paper, in the same script as the fill."""
        order = protective_order(of, leg, outcome.filled)
        assert self._paper is not None
        try:
            self._paper.place(order)
        except Refused as error:
            why = str(error)
        else:
            resting.append(booked(order, NEW, ZERO, outcome.average_price))
            return {f"{leg}_state": "RESTING", f"{leg}_order_id": order.client_order_id}
        self._context.log.error("UNPROTECTED", identity=of["identity"], leg=leg, why=why)
        return {f"{leg}_state": "REFUSED", f"{leg}_reason": why}

    def _tell(self, end: End) -> None:
        of, outcome = end.of, end.outcome
        self._context.metrics.add(
            "intents_total", state=outcome.state, reason=family(outcome.reason)
        )
        self._context.metrics.took(
            "intent_seconds", max(0, self._context.now_ms() - int(of["made_ms"])) / 1000
        )
        words: dict[str, object] = {
            "state": outcome.state, "id": of["stream_id"], "identity": of["identity"],
            "symbol": of["symbol"], "side": of["side"], "reason": outcome.reason,
        }  # fmt: skip
        if of.get("client_order_id"):
            words |= {
                "client_order_id": of["client_order_id"],
                "filled_qty": f"{outcome.filled:f}",
                "average_price": f"{outcome.average_price:f}",
                "partial": is_partial(outcome, of["quantity"]),
            }
        if outcome.code:
            words["code"] = outcome.code
        if outcome.state == intents.UNKNOWN:
            self._context.log.error("nobody knows what became of an intent", **words)
        else:
            self._context.log.info("intent settled", **words)
