"""What a hand changed comes home: to the template, to the inventory, or as it was found."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.capturing import Home
from commands.wanting import rendered
from harness.capturing import secretive
from harness.drifting import Seen
from harness.edits import applied, changes, unified
from harness.handmade import at_home, without_digests
from harness.planning import Drift
from harness.rendering import TEMPLATES, render
from harness.tracing import Marking, lines_of, origins, unmarked
from tests.unit.rendered_roles import CONFIG, ENV, HOST, UNIT, desired, having, text
from tests.unit.test_planning import state_of

RELEASE = "a" * 64
CHANGED = ("sha256: 1 -> 2",)


class Captured:
    """One file of one host, changed by hand and captured."""

    def __init__(self, folder: Path, path: str, hand: str, host=HOST, home=None) -> None:
        self.host, self.path, self.hand, self.folder = host, path, hand, folder
        known = {one.path: one for one in desired(host).paths}
        states = {p: state_of(one) for p, one in known.items()}
        seen = {**states, path: {**states[path], "text": hand}}
        seen[UNIT] = {**seen[UNIT], "text": seen[UNIT].get("text", text(UNIT, host))}
        read = {**seen[path], "text": hand}
        if known[path].secret:
            del seen[path]["text"]
        session = SimpleNamespace(observe=lambda **_: {"paths": {path: read}})
        contact = SimpleNamespace(host=host, session=session, manifest=states)
        drift = Drift(path, CHANGED, wanted_too=False)
        self.seen = Seen((drift,), seen, {path: known[path]}, known)
        self.home = home or Home(str(folder / "captured"))
        (self.one,) = self.home.bring(contact, self.seen)

    def kept(self) -> str:
        return Path(self.one.kept).read_text()

    def again(self) -> str:
        """Apply what was captured, as a person does, and return what a deploy would place."""
        work = self.folder / "work"
        shutil.copytree(TEMPLATES, work / "templates")
        if self.one.patch:
            patch = Path(self.one.patch).absolute()
            subprocess.run(["git", "apply", "-v", patch], cwd=work, check=True, timeout=30)
        host = replace(self.host, values={**self.host.values, **self.one.settings})
        self.rendered = rendered(host, partial(render, templates=work / "templates"))
        now = {one.path: one for one in self.rendered(RELEASE).paths}
        return now[self.path].content.decode()

    def expect_home(self) -> None:
        """A deploy after that overwrites nothing of the hand's."""
        assert without_digests(self.again()) == without_digests(self.hand)
        now = {one.path: one for one in self.rendered(RELEASE).paths}
        paths = {**self.seen.paths, self.path: {**self.seen.paths[self.path], "text": self.hand}}
        (found,) = at_home(self.seen.drifted, paths, now, self.rendered, [RELEASE])
        assert found.wanted_too
        assert not self.one.kept
        # and before it was brought home it would have been lost
        (found,) = at_home(self.seen.drifted, paths, now, lambda _: desired(self.host), [RELEASE])
        assert not found.wanted_too


def edited(path: str, old: str, new: str, host=HOST) -> str:
    before = text(path, host)
    assert before.count(old) == 1
    return before.replace(old, new)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (UNIT, "RestartSec=2\n", "RestartSec=9\n"),
        (UNIT, "TasksMax=32\n", "TasksMax=64\n# more than that was seen\nNice=5\n"),
        (UNIT, "ProtectHome=yes\n", ""),
        (UNIT, "IPAddressDeny=any\n", "IPAddressDeny=any\nIPAccounting=yes\n"),
        (UNIT, "python3 -B -s -E -S -m", "python3 -B -s -E -S -X dev -m"),
        (UNIT, "WantedBy=multi-user.target\n", "WantedBy=multi-user.target"),
        (ENV, "# The names above", "# Ours: the names above"),
        (CONFIG, "appendfsync everysec\n", "appendfsync always\nno-appendfsync-on-rewrite yes\n"),
    ],
)
def test_a_line_of_a_template_comes_home_as_a_patch(tmp_path, path, old, new):
    found = Captured(tmp_path, path, edited(path, old, new))
    assert found.one.patch
    assert not found.one.settings
    found.expect_home()


@pytest.mark.parametrize(
    ("path", "old", "new", "settings"),
    [
        (ENV, "LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG", {"log_level": "DEBUG"}),
        (ENV, "CLAIM_IDLE_MS=5000", "CLAIM_IDLE_MS=7000", {"claim_idle_ms": 7000}),
        (ENV, "METRICS_PORT=0", "METRICS_PORT=9100",
         {"decision_intelligence_metrics_port": 9100}),
        (ENV, "BREAKDOWN=true", "BREAKDOWN=false", {"enable_symbol_breakdown": False}),
        (ENV, "CONSUMER_NAME=db1-1", 'CONSUMER_NAME="the first"', {"consumer_name": "the first"}),
        (CONFIG, "maxmemory 0\n", "maxmemory 512mb\n", {"redis_maxmemory": "512mb"}),
    ],
)  # fmt: skip
def test_what_an_expression_makes_belongs_in_the_inventory(tmp_path, path, old, new, settings):
    found = Captured(tmp_path, path, edited(path, old, new))
    assert found.one.settings == settings
    assert not found.one.patch
    found.expect_home()


def test_a_template_and_a_variable_may_both_be_behind_one_files_changes(tmp_path):
    hand = edited(CONFIG, "maxmemory 0\n", "maxmemory 1gb\n").replace(
        "tcp-keepalive 60\n", "tcp-keepalive 30\n"
    )
    found = Captured(tmp_path, CONFIG, hand)
    assert (found.one.settings, bool(found.one.patch)) == ({"redis_maxmemory": "1gb"}, True)
    found.expect_home()


def test_what_else_it_would_change_on_the_host_is_said(tmp_path):
    found = Captured(tmp_path, UNIT, edited(UNIT, "RestartSec=2\n", "RestartSec=9\n"))
    assert any("quantum-ai-strategy-router.service" in note for note in found.one.notes)
    assert str(found.one.notes).count("too") == 1


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (UNIT, "MemoryMax=256M", "MemoryMax=1G", "{{ memory_max }}"),
        (ENV, "REDIS_PORT=6379", "REDIS_PORT=70000", "{{ name | upper }}"),
        (ENV, "REDIS_DB=0\n", "REDIS_DB=0\nNEW_ONE=1\n", "no one line of a template"),
        (ENV, "TRADING_ENABLED=false", "TRADING_ENABLED=true", "no one variable"),
        (UNIT, "RestartSec=2\n", "RestartSec={{ 2 }}\n", "no place of its own"),
    ],
)
def test_what_belongs_nowhere_is_kept_and_said(tmp_path, path, old, new, told):
    if "TRADING" in old:
        path = "/etc/quantum/execution.env"
    found = Captured(tmp_path, path, edited(path, old, new))
    assert (found.one.patch, found.one.settings) == ("", {})
    assert f"+{new.splitlines()[-1]}" in found.kept() or f"+{new}" in found.kept()
    assert any("left to a person" in note and told in note for note in found.one.notes)
    assert found.again() == text(path)


def test_a_line_that_sets_a_variable_again_is_that_variable(tmp_path):
    found = Captured(tmp_path, ENV, text(ENV) + "LOG_LEVEL=DEBUG\n")
    assert found.one.settings == {"log_level": "DEBUG"}
    assert any("--overwrite-drift" in note for note in found.one.notes)
    assert "LOG_LEVEL=DEBUG" in found.again()


@pytest.mark.parametrize(
    ("path", "hand"),
    [
        (CONFIG, edited(CONFIG, "user default on ", "user default on >letmein1234 ")),
        (CONFIG, text(CONFIG) + "masterauth letmein1234\n"),
        (CONFIG, text(CONFIG) + "user ops on >letmein1234 ~* +@all\n"),
        (ENV, text(ENV) + "API_KEY=letmein1234\n"),
        (UNIT, edited(UNIT, "[Install]", "SetCredential=key:letmein1234\n[Install]")),
        (UNIT, edited(UNIT, "RestartSec=2", "RestartSec=2 # letmein1234")),
    ],
)
def test_what_may_hold_a_secret_stays_on_the_host(tmp_path, path, hand):
    host = having(other=type(HOST.values["redis_password"])("letmein1234"))
    hand = hand.replace(text(path), text(path, host))
    found = Captured(tmp_path, path, hand.replace("Nice", "Nice"), host)
    assert any("may hold a secret" in note for note in found.one.notes)
    written = [each.read_text() for each in tmp_path.rglob("*") if each.is_file()]
    assert "letmein1234" not in json.dumps([written, found.one.notes, found.one.settings])
    assert not found.one.patch


def test_a_secret_beside_a_change_is_in_no_patch(tmp_path):
    hand = edited(CONFIG, "its work needs.\n", "its work needs.\nrename-command FLUSHALL x\n")
    hand = hand.replace("port 6379", "port 6379 # ours {{ }}")
    found = Captured(tmp_path, CONFIG, hand)
    everything = Path(found.one.kept).read_text() + Path(found.one.patch).read_text()
    assert "{{ line }}" in everything
    assert "pass word" not in everything
    assert not re.search("[0-9a-f]{64}", everything)


def test_two_hosts_with_one_change_have_one_patch(tmp_path):
    home = Home(str(tmp_path / "captured"))
    hand = partial(edited, UNIT, "RestartSec=2\n", "RestartSec=9\n")
    other = replace(HOST, name="db2")
    first = Captured(tmp_path, UNIT, hand(), home=home)
    second = Captured(tmp_path, UNIT, hand(other), other, home=home)
    assert second.one.same_as == first.one.patch
    assert not second.one.patch


def test_what_was_deployed_and_cannot_be_made_again_is_said(tmp_path):
    found = Captured(tmp_path, ENV, text(ENV) + "# x\n", having(log_level="DEBUG"))
    found.seen.paths[ENV]["text"] = "x"
    contact = SimpleNamespace(host=HOST, manifest={ENV: {"sha256": "0" * 64}})
    (one,) = found.home.bring(contact, found.seen)
    assert "not known here" in one.notes[0]


def test_a_mode_a_link_and_a_file_that_is_gone_are_said_and_not_captured(tmp_path):
    drifted = (
        Drift(ENV, ("mode: 0640 -> 0644",), wanted_too=False),
        Drift(UNIT, ("kind: file -> absent", "mode: 0644 -> nothing"), wanted_too=False),
        Drift("x.service", ("deployed to run, and is failed",), wanted_too=False),
    )
    seen = Seen(drifted, {ENV: {"kind": "file"}, UNIT: {"kind": "absent"}}, {}, {})
    contact = SimpleNamespace(host=HOST, manifest={ENV: {}, UNIT: {}})
    home = Home(str(tmp_path / "captured"))
    notes = [str(each.notes) for each in home.bring(contact, seen)]
    assert "a role's file says that" in notes[0]
    assert "is failed" in notes[2]
    assert not home.folder.exists()


def test_marks_tell_of_every_line_and_leave_the_text_as_it_is():
    marked = rendered(HOST, partial(render, extensions=(Marking,)))(RELEASE)
    plain = {one.path: one.content.decode() for one in desired().paths if one.kind == "file"}
    checked = 0
    for one in marked.paths:
        found = origins(one.content.decode(errors="replace"))
        if not any(origin for _, origin in found):
            continue
        assert without_digests(unmarked(one.content.decode())) == without_digests(plain[one.path])
        for line, origin in found:
            if origin is None:
                assert not without_digests(line), (one.path, line)
            elif origin.literal and not origin.looped:
                checked += 1
                assert lines_of((TEMPLATES / origin.source).read_text())[origin.number] == line
    assert checked > 100


LINES = st.lists(st.sampled_from(["a=1\n", "a=2\n", "b=1\n", "\n", "# c\n", "b\n"]), max_size=8)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(old=LINES, new=LINES)
def test_changes_are_the_way_from_one_text_to_the_other(old, new):
    assert applied(old, changes(old, new)) == new


def test_a_diff_without_a_last_line_feed_says_so():
    assert unified(["a\n"], ["b"], "x", "y", 3).endswith("+b\n\\ No newline at end of file\n")


@pytest.mark.parametrize("line", ["RestartSec=2", "tcp-keepalive 60", "LoadCredential=a:/b", "#"])
def test_a_plain_setting_is_no_secret(line):
    assert not secretive(line, ["hunter2"])
    assert secretive(f"{line} hunter2", ["hunter2"])
