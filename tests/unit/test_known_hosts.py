"""Which lines of known_hosts vouch for a host."""

import pytest
from paramiko.ecdsakey import ECDSAKey
from paramiko.hostkeys import HostKeys

from harness.errors import ConfigurationError, HostKeyError
from harness.links.known_hosts import Destination, append, judge, keys_for, matches

ONE, OTHER = ECDSAKey.generate(), ECDSAKey.generate()


def line(names: str, key=ONE) -> str:
    return f"{names} {key.get_name()} {key.get_base64()}\n"


@pytest.fixture
def where(tmp_path) -> Destination:
    return Destination("web1", "production", "web1.example", 22, (tmp_path / "known_hosts",))


@pytest.mark.parametrize(
    ("patterns", "name", "said"),
    [
        (["web1"], "web1", True),
        (["web1"], "web2", False),
        (["db", "web1"], "web1", True),
        (["web?.example"], "web1.example", True),
        (["*.example", "!web1.example"], "web1.example", False),
        (["[web1]:2222"], "[web1]:2222", True),
        (["[web1]:2222"], "web1", False),
        (["[web*]:2222"], "[web1]:2222", True),
        ([HostKeys.hash_host("web1")], "web1", True),
        ([HostKeys.hash_host("web1")], "web2", False),
        (["|1|broken"], "web1", False),
        ([], "web1", False),
    ],
)
def test_names_patterns_negations_and_hashes_mean_what_openssh_says(patterns, name, said):
    assert matches(patterns, name) is said


def test_a_spoiled_line_takes_nothing_away_from_the_others(where):
    where.files[0].write_text(
        "garbage\n\n# a comment\nweb1.example ssh-ed25519 not-base64!\n"
         "@revoked " + line("web1.example", OTHER) + line("web1.example")
    )  # fmt: skip
    assert keys_for(where) == {ONE.get_name(): ONE}
    judge(where, ONE)


def test_a_host_without_a_line_is_unknown_and_one_with_another_key_has_changed(where):
    with pytest.raises(HostKeyError, match="unknown"):
        judge(where, ONE)
    where.files[0].write_text(line("web1.example", OTHER))
    with pytest.raises(HostKeyError, match="CHANGED"):
        judge(where, ONE)


def test_what_was_added_is_seen_at_once(where):
    where.files[0].write_text(line("elsewhere"))
    assert keys_for(where) == {}
    append(where, ONE)
    assert keys_for(where) == {ONE.get_name(): ONE}
    assert append(where, ONE) == where.files[0]
    assert where.files[0].read_text().count("web1.example") == 1


def test_a_file_that_cannot_be_written_is_a_configuration_error(where):
    where.files[0].mkdir()
    with pytest.raises(ConfigurationError):
        append(where, ONE)
