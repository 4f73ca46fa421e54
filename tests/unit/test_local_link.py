"""This machine as a host: the same promises as over SSH."""

import socket
import sys

import pytest

from harness.errors import UnreachableError
from harness.host import Host
from harness.links.local import LocalLink

HERE = Host(name="here", inventory="sandbox", mode="sandbox", roles=())


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", text)


def test_bytes_go_there_and_back_while_stderr_is_noisy():
    noisy = "import sys; sys.stderr.write('x' * 300000 + 'end'); print(sys.stdin.read())"
    with LocalLink(HERE) as link:
        process = link.exec(python(noisy))
        process.stdin.write(b"hello")
        process.stdin.close()
        assert process.stdout.read() == b"hello\n"
        assert process.exit_status() == 0
        assert process.explain() is None
        assert process.stderr_tail().endswith("end")


def test_closing_the_link_lets_a_program_that_reads_to_the_end_finish(tmp_path):
    last_word = tmp_path / "said"
    link = LocalLink(HERE)
    process = link.exec(python(f"import sys; sys.stdin.read(); open({str(last_word)!r}, 'w')"))
    link.close()
    link.close()
    assert process.exit_status() == 0
    assert last_word.exists()


def test_a_program_that_fails_is_explained():
    with LocalLink(HERE) as link:
        process = link.exec(python("import sys; sys.exit('out of luck')"))
        assert "ended with 1: out of luck" in process.explain().cause


def test_a_program_that_is_not_there_is_said_so():
    with LocalLink(HERE) as link, pytest.raises(UnreachableError, match="no-such-program"):
        link.exec(("/no-such-program",))


def test_dialling_reaches_a_listener_and_says_when_there_is_none():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with LocalLink(HERE) as link:
        link.dial("127.0.0.1", port).close()
        listener.close()
        with pytest.raises(UnreachableError, match="refused") as caught:
            link.dial("127.0.0.1", port)
    assert caught.value.host == "here"
