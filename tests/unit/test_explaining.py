"""Why a program on a host ended, as a person is told it."""

import pytest

from harness.errors import PrivilegeError, UnreachableError
from harness.links.explaining import explain_exit


@pytest.mark.parametrize(
    "stderr",
    [
        "sudo: a password is required",
        "sudo: a terminal is required to read the password",
        "sudo: sorry, you must have a tty to run sudo",
        "sudo: Ein Passwort ist notwendig",
        "ops is not in the sudoers file.  This incident will be reported.",
        "Sorry, user ops is not allowed to execute '/usr/bin/python3' as root on web1.",
        "sudo: unable to resolve host web1: unknown\nsudo: a password is required",
        "bash: line 1: sudo: command not found",
    ],
)
def test_every_refusal_of_sudo_is_a_privilege_error(stderr):
    status = 127 if "not found" in stderr else 1
    error = explain_exit(status, stderr, host="web1")
    assert isinstance(error, PrivilegeError)
    assert error.exit_code == 3
    assert error.host == "web1"
    assert "NOPASSWD" in error.action
    assert "unable to resolve" not in error.cause


def test_a_warning_of_sudo_is_not_taken_for_a_refusal():
    error = explain_exit(9, "sudo: unable to resolve host web1: unknown\nTraceback: boom")
    assert type(error) is UnreachableError
    assert "ended with 9: Traceback: boom" in error.cause


@pytest.mark.parametrize(
    "stderr",
    ["sudo: python3: command not found", "bash: line 1: python3: command not found"],
)
def test_a_host_without_python_is_said_so(stderr):
    error = explain_exit(1, stderr)
    assert type(error) is UnreachableError
    assert "no python3" in error.cause


def test_a_broken_link_is_not_blamed_on_the_program():
    error = explain_exit(None, "")
    assert error.cause == "the connection broke"


def test_a_silent_failure_says_that_nothing_was_said():
    assert "it said nothing" in explain_exit(3, "").cause


def test_a_good_end_needs_no_words():
    assert explain_exit(0, "sudo: unable to resolve host web1") is None
