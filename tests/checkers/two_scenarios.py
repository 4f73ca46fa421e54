"""A day of two scenarios, made by hand, of which each has something usual of its own."""

from fault_injection.history import happenings as h

S = 10**9
WITHIN_S = 30


def day(*, light, after_light, heavy, after_heavy):
    """A scenario of 0..100 s and one of 100..200 s, each broken for 10 s at its twentieth.

    What waits: before the faults of each, and after them.
    """
    lines = [
        h.Opening(tool="t", version="v", seed=1, schedule="00", inventory="i", mode="sandbox",
                  back_for=3, back_within_s=WITHIN_S),
        h.Flow(flow="some", stream="s", group="g", evidence=(h.LAG,)),
    ]  # fmt: skip
    for number, (began, usual, then) in enumerate(
        [(0, light, after_light), (100, heavy, after_heavy)]
    ):
        lines.append(h.Process(name=h.RUN, did=h.BEGINS, wall_ns=(began + 1) * S))
        for at in range(began + 2, began + 100):
            lag = usual if at < began + 20 else 10**6 if at < began + 30 else then
            lines.append(h.Sample(flow="some", lag=lag, pending=0, wall_ns=at * S))
        for stage, at in ((h.PLANNED, 0), (h.INJECTED, 20), (h.OBSERVED, 20), (h.GONE, 30)):
            lines.append(h.Fault(fault=str(number), name="kill", stage=stage, target="t",
                                 wall_ns=(began + at) * S))  # fmt: skip
    lines.append(h.Closing(wall_ns=200 * S))
    return lines
