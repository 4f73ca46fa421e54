"""Templates are filled in wholly, safely, and without letting a secret out."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import MISCONFIGURED, RenderingError
from harness.host import Host
from harness.inventory.secret_references import SecretReference
from harness.masking import Secret
from harness.rendering import envvalue, redisvalue, render, unitvalue

HOST = Host(
    "db1", "lab", "testnet", (),
    values={
        "port": 6379, "name": "quantum", "on": True, "evil": "a\nExecStart=/bin/sh", "none": None,
        "many": ["a"], "redis_password": Secret("hunter2"), "later": SecretReference("env", "PW"),
    },
)  # fmt: skip


def rendered(tmp_path: Path, text: str, extra: dict | None = None) -> str:
    (tmp_path / "t.j2").write_text(text)
    return render("t.j2", HOST, extra or {}, templates=tmp_path)


def refused(tmp_path: Path, text: str, extra: dict | None = None) -> RenderingError:
    with pytest.raises(RenderingError) as caught:
        rendered(tmp_path, text, extra)
    error = caught.value
    assert error.host == "db1"
    assert error.exit_code == MISCONFIGURED
    assert error.action
    assert "hunter2" not in f"{error!r}{error}"
    assert error.__suppress_context__
    return error


def test_values_host_and_extras_are_in_scope(tmp_path):
    text = rendered(tmp_path, "{{ name }} {{ host.mode }} {{ x }} {{ on }}\n", {"x": 1})
    assert text == "quantum testnet 1 true\n"


def test_extras_win_over_the_inventory(tmp_path):
    assert rendered(tmp_path, "{{ port }}", {"port": 1}) == "1"


def test_the_last_newline_is_kept(tmp_path):
    assert rendered(tmp_path, "a\n") == "a\n"


def test_a_missing_variable_is_named_with_template_and_line(tmp_path):
    error = refused(tmp_path, "one\ntwo\n{{ redis_hots }}\n")
    assert "templates/t.j2:3: 'redis_hots' is undefined" in error.cause
    assert "inventory lab" in error.action


@pytest.mark.parametrize("use", ["{{ x | envvalue }}", "{% if x %}{% endif %}", "{{ x ~ 'a' }}",
                                 "{% for y in x %}{% endfor %}", "{{ x.y }}"])  # fmt: skip
def test_a_missing_variable_is_refused_however_it_is_used(tmp_path, use):
    assert "'x' is undefined" in refused(tmp_path, use).cause


def test_the_line_in_an_included_template_is_named(tmp_path):
    (tmp_path / "inner.j2").write_text("\n{{ gone }}")
    assert "templates/inner.j2:2" in refused(tmp_path, "{% include 'inner.j2' %}").cause


def test_a_missing_template_is_named(tmp_path):
    with pytest.raises(RenderingError, match=r"no template nowhere\.j2"):
        render("nowhere.j2", HOST, {}, templates=tmp_path)


def test_a_broken_template_is_named_with_its_line(tmp_path):
    assert "templates/t.j2:2" in refused(tmp_path, "a\n{% if %}\n").cause


@pytest.mark.parametrize(
    "expression", ["evil", "evil | envvalue", "'a' ~ evil", "evil | unitvalue"]
)
def test_a_line_break_in_a_value_never_reaches_a_file(tmp_path, expression):
    error = refused(tmp_path, "X=1\nY={{ " + expression + " }}\n")
    assert "templates/t.j2:2" in error.cause
    assert "U+000A" in error.cause
    assert "ExecStart" not in error.cause


@pytest.mark.parametrize(
    "character", ["\0", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"]
)
def test_no_control_character_reaches_a_file(tmp_path, character):
    assert "control character" in refused(tmp_path, "{{ x }}", {"x": f"a{character}"}).cause


@pytest.mark.parametrize("name", ["none", "many"])
def test_what_is_no_single_value_is_refused(tmp_path, name):
    refused(tmp_path, "{{ " + name + " }}")
    refused(tmp_path, "{{ " + name + " | envvalue }}")


@pytest.mark.parametrize(
    "use",
    ["{{ redis_password }}", "{{ redis_password | envvalue }}", "{{ redis_password | redisvalue }}",
     "{{ 'x' ~ redis_password }}", "{{ '%s' % redis_password }}", "{{ redis_password | upper }}",
     "{{ redis_password.reveal_text() }}", "{{ host.values['redis_password'] }}",
     "{{ host.values.redis_password.reveal_text() }}",
     "{{ later }}", "{{ later | envvalue }}"],
)  # fmt: skip
def test_a_secret_in_a_file_that_may_not_hold_one_is_refused(tmp_path, use):
    assert "secret" in refused(tmp_path, use).cause


def test_a_secret_in_a_file_that_may_hold_one_is_written(tmp_path):
    text = "{{ redis_password | redisvalue }} {{ 'x' ~ redis_password }}"
    assert rendered(tmp_path, text, {"secret": True}) == '"hunter2" xhunter2'


def test_a_reference_that_was_not_resolved_is_never_written(tmp_path):
    assert "secret" in refused(tmp_path, "{{ later }}", {"secret": True}).cause


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("quantum:stream:apply.result", "quantum:stream:apply.result"),
        ("", ""),
        (60, "60"),
        (0.5, "0.5"),
        (True, "true"),
        (False, "false"),
        ("two words", '"two words"'),
        (' lead "quote" \\ $HOME `x`', '" lead \\"quote\\" \\\\ \\$HOME \\`x\\`"'),
        ("#no comment", '"#no comment"'),
        ("it's", '"it\'s"'),
    ],
)
def test_values_are_quoted_for_an_environment_file(value, text):
    assert envvalue(value) == text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_a_quoted_value_reads_back_as_it_was(value):
    """Shell rules are systemd's here, within double quotes."""
    quoted = envvalue(value)
    assert (shlex.split(quoted.replace("\\$", "$").replace("\\`", "`")) or [""]) == [value]
    assert "\n" not in quoted


@given(st.text(max_size=40).filter(lambda text: text < "\ud800" or text.isprintable()))
def test_a_redis_value_is_one_line_of_plain_ascii(value):
    quoted = redisvalue(value.encode(errors="replace").decode())
    assert quoted.isascii()
    assert quoted.isprintable()
    assert '"' not in quoted[1:-1]


@pytest.mark.parametrize("value", ["10.0.0.1", "fe80::1/64", "256M", "/opt/x"])
def test_a_word_is_written_into_a_unit(value):
    assert unitvalue(value) == value


def test_a_specifier_is_escaped_in_a_unit():
    assert unitvalue("20%") == "20%%"


@pytest.mark.parametrize("value", ["a b", "a;b", '"', "'", "\\", "$X", ""])
def test_what_a_unit_would_split_or_expand_is_refused(tmp_path, value):
    assert "no single word" in refused(tmp_path, "{{ x | unitvalue }}", {"x": value}).cause
