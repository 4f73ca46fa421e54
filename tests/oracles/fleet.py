"""Four real consumers under one group, each with a name of its own, hit as a schedule says."""

import signal
from collections import Counter
from pathlib import Path

import redis

from streams import keys
from tests.consumers.running import GROUP, STREAM, Consumer
from tests.waiting import until

NAMES = ("host-1", "host-2", "host-3", "host-4")
MODULE = "consumers.decision_intelligence"


class Fleet:
    """Processes by their place; a killed one comes back under its name at once."""

    def __init__(self, folder, server, names=NAMES, module=MODULE, **settings):
        self.folder, self._server, self._module = Path(folder), server, module
        self.names, self._settings = list(names), settings
        self._client = server.client()
        self.processes = [self._started(name) for name in self.names]
        #: What was seen to happen, not what was asked for.
        self.observed = Counter()

    def _started(self, name):
        return Consumer(
            self.folder, self._server.port, self._module, CONSUMER_NAME=name, **self._settings
        )

    def ready(self):
        for each in self.processes:
            each.ready()
        return self

    def strike(self, blow):
        getattr(self, blow.what)(blow.victim)

    def kill(self, victim):
        """Kill -9 one, awake or frozen, and start its next incarnation."""
        self.replace({victim: self.names[victim]}, signal.SIGKILL)

    def replace(self, names, number):
        """End some by a signal, all at once, and start who comes next: place -> name."""
        ended = [self.processes[victim] for victim in names]
        for each in ended:
            each.signal(number)
        for victim, process in zip(names, ended, strict=True):
            code = process.ended()
            assert code == (-number if number == signal.SIGKILL else 0), process.log.read_text()
            self.observed["kills" if number == signal.SIGKILL else "stops"] += 1
            self.observed["ended_with_entries"] += self.holds(victim)
            process.close()
        for victim, name in names.items():
            self.names[victim] = name
            self.processes[victim] = self._started(name)

    def freeze(self, victim):
        """Stop one in its tracks, wherever it is."""
        process = self.processes[victim]
        process.signal(signal.SIGSTOP)
        until(lambda: state_of(process.process.pid) == "T", what="a frozen process")
        self.observed["freezes"] += 1

    def absence(self, victim):
        """Freeze one with a batch in hand, end its heartbeat before its time: peers take over."""
        until(lambda: self._frozen_with_entries(victim), what=f"{self.names[victim]} at work")
        key = keys.heartbeat(GROUP, self.names[victim])
        self._client.delete(key)
        assert not self._client.exists(key)
        self.observed["absences"] += 1
        until(lambda: not self.holds(victim), what="a takeover")
        self.observed["taken_over"] += 1

    def _frozen_with_entries(self, victim):
        self.freeze(victim)
        if not self.holds(victim):
            self.thaw(victim)
            return False
        return True

    def thaw(self, victim):
        self.processes[victim].signal(signal.SIGCONT)
        self.observed["thaws"] += 1

    def holds(self, victim):
        """Tell whether entries are pending under its name."""
        try:
            return bool(self._client.xpending_range(STREAM, GROUP, "-", "+", 1, self.names[victim]))
        except redis.ResponseError:  # there is no such group
            return False

    def stop(self):
        """Thaw and stop all; each must end as asked."""
        for each in self.processes:
            each.signal(signal.SIGCONT)
        codes = [each.stop() for each in self.processes]
        assert codes == [0] * len(codes), self.logs()[-4_000:]

    def logs(self):
        return "\n".join(each.read_text(errors="replace") for each in self.folder.glob("*.log"))

    def close(self):
        for each in self.processes:
            each.close()


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
