"""Kill the real process at a point, let the companion happen, start it again, judge the history."""

import contextlib
import random
import signal
from typing import NamedTuple

from redis.exceptions import ResponseError

from fault_injection import gathering
from fault_injection.checkers import judge
from fault_injection.history import happenings as h
from proofs.finding import Verdict
from streams import keys
from tests.consumers.proxy import Proxy
from tests.gathering.running import BACK_FOR, Told, at_rest
from tests.kill_matrix.cases import DUPLICATE, LOST_REPLY, RESTART, STALE_CLAIM
from tests.waiting import until

#: What asks for a longer run: operations answered, and effects, before the fault.
NOT_FOR_SHORT_RUNS = {"latency"}
GHOST = "ghost"
#: An order's request may be on its way for some seconds, and a lease lasts for 20.
REST_WITHIN_S = 90.0
#: So many are fed again, or left pending by the dead one; so many when all is quiet again.
SOME, MORE = 3, 5


class Seen(NamedTuple):
    """What came of a case."""

    visited: bool
    wrong: dict  #: checker -> its finding, where that is not proved
    judged: tuple = ()  #: by name, the checkers that were asked


class Run:
    """One case of one service on one server; the server may have had others before."""

    def __init__(self, case, service, server, start, module=""):
        self.case, self.service, self.server, self._start = case, service, server, start
        self._module = module or service.module
        self._chance = random.Random(repr(case))
        self._client, self._place = server.client(), service.place
        self._proxy = None

    def judged(self):
        """Return what came of it."""
        gathered, place, client = self.service.gathered, self._place, self._client
        watch = gathering.Watch(client, [place])
        watch.begin()
        try:
            self._group()
            opened = {place.flow: gathered.opened(client, place)}
            self._told = Told(targets=(self.case.point,))
            self._told.say(h.Steady(phase=h.BEFORE, well=True), *gathered.sampled(client, [place]))
            visited = self._live()
            watch.end()
            if not visited:
                return Seen(visited=False, wrong={})
            self._told.say(*watch.lines(opened))
            seen = watch.evidence(place, opened[place.flow])
            self._told.say(gathered.flow(place, *seen))
            lines = gathered.ended(client, place, opened[place.flow])
            findings = judge(self._told.history(*lines)).findings
        finally:
            watch.end()
            if self._proxy is not None:
                self._proxy.close()
        wrong = {
            name: each for name, each in findings.items()
            if each.verdict is not Verdict.proved and name not in NOT_FOR_SHORT_RUNS
        }  # fmt: skip
        return Seen(visited=True, wrong=wrong, judged=tuple(findings))

    def _live(self):
        """Tell whether the point was visited; then all that follows has come to rest."""
        told, case, client = self._told, self.case, self._client
        events = self.service.events(case.seed, self.service.count + MORE)
        first, last = events[:-MORE], events[-MORE:]
        told.feed(client, self._place, first, self.service.gathered)
        self._before(first)
        self._fault(h.PLANNED, h.INJECTED)
        passes = self._chance.randint(0, self.service.passes)
        point = f"{case.point}={f'{passes}*off->' if passes else ''}1*kill"
        dying = self._begin(QUANTUM_FAILPOINTS=point)
        until(lambda: dying.process.poll() is not None or self._idle(dying), what="a kill, or rest")
        # what kills it may come right behind what brought rest
        if dying.stop() != -signal.SIGKILL:
            return False
        self._fault(h.OBSERVED)
        told.say(h.Process(name="host-1", did="killed"), h.Reached(target=case.point))
        heir = self._heir(first)
        self._fault(h.UNDONE, h.GONE)
        self._rest(heir)
        told.feed(client, self._place, last, self.service.gathered)
        self._rest(heir)
        for _ in range(BACK_FOR):
            told.say(*self.service.gathered.sampled(client, [self._place]))
        told.say(h.Steady(phase=h.AFTER, well=heir.stop() == 0))
        return True

    def _group(self):
        with contextlib.suppress(ResponseError):  # it is there already
            self._client.xgroup_create(self._place.stream, self._place.group, "0", mkstream=True)

    def _before(self, first):
        if self.case.companion == DUPLICATE:
            self._again(first)
        if self.case.companion == STALE_CLAIM:
            words = (self._place.group, GHOST, {self._place.stream: ">"})
            self._client.xreadgroup(*words, count=SOME)
        if self.case.companion == LOST_REPLY:
            self._proxy = Proxy(self.server.port, self._chance.choice(self.service.marks))
            self._proxy.armed = 2

    def _again(self, events):
        chosen = self._chance.sample(events, min(SOME, len(events)))
        self._told.feed(
            self._client, self._place, [self.service.again(each) for each in chosen],
            self.service.gathered,
        )  # fmt: skip

    def _heir(self, first):
        """Start who comes after it: under the same name, or another whose heartbeat is its own."""
        if self.case.companion == DUPLICATE and self.service.again is dict:
            self._again(first)
        name = self._chance.choice(self.service.heirs)
        if name != "host-1":
            # as if ten seconds had passed
            self._client.delete(keys.heartbeat(self._place.group, "host-1"))
        if self.case.companion == RESTART:
            self.server.stop()
        heir = self._begin(CONSUMER_NAME=name)
        if self.case.companion == RESTART:
            self.server.start()
        return heir.ready()

    def _begin(self, **more):
        port = self._proxy.port if self._proxy else self.server.port
        return self._start(port, module=self._module, **self.service.settings, **more)

    def _idle(self, process):
        """Tell whether all is done, and the process says so itself, after whatever went wrong."""
        told = [each for each in process.hear() if each.startswith("STATUS=")]
        return bool(told) and told[-1].startswith("STATUS=running") and self._rests()

    def _rest(self, process):
        def look():
            assert process.process.poll() is None, f"it ended: {process.log.read_text()}"
            # READY comes before its first step, in which it may pass over what waits
            return self._idle(process)

        until(look, within_s=REST_WITHIN_S, what=f"rest after {self.case}")

    def _rests(self):
        at = at_rest(self._client, [self._place])
        return at and self.service.rested(self._client, self.case.seed)

    def _fault(self, *stages):
        self._told.fault(*stages, name="kill_at_failpoint")
