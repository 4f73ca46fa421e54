"""--limit means what it means to Ansible; what it cannot mean is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigurationError
from harness.inventory.patterns import matching

HOSTS = ("db1", "db2", "web1", "web2", "redis")
GROUPS = {
    "all": HOSTS,
    "db": ("db1", "db2"),
    "web": ("web1", "web2"),
    "even": ("db2", "web2"),
    "redis": ("db1",),  # a group and a host of one name: the group is meant
}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", HOSTS),
        ("all", HOSTS),
        ("db1", ("db1",)),
        ("db", ("db1", "db2")),
        ("web2:db1", ("db1", "web2")),
        ("web2,db1", ("db1", "web2")),
        (" web2 , db1 ", ("db1", "web2")),
        ("web*", ("web1", "web2")),
        ("*1", ("db1", "web1")),
        ("??1", ("db1",)),
        ("e*", ("db2", "web2")),
        ("all:!db", ("web1", "web2", "redis")),
        ("!db", ("web1", "web2", "redis")),
        ("!db:all", ("web1", "web2", "redis")),
        ("db:&even", ("db2",)),
        ("&even", ("db2", "web2")),
        ("&even:db", ("db2",)),
        ("all:&even:!web2", ("db2",)),
        ("!web2:&even:db:web", ("db2",)),
        ("db:web:&even:!db2", ("web2",)),
        ("all:!web*", ("db1", "db2", "redis")),
        ("redis", ("db1",)),
        ("redis*", ("db1", "redis")),
    ],
)
def test_a_pattern_chooses(pattern, names):
    assert matching(pattern, HOSTS, GROUPS, "lab") == names


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("dv1", 'did you mean "db1"'),
        ("all:!wb", 'did you mean "web"'),  # a slip in an exclusion would deploy to too much
        ("all:&evn", 'did you mean "even"'),
        ("x*", 'called "x*"'),
        ("db:!db", "no host is left over"),
        ("db:&web", "no host is left over"),
        ("", "a term is missing"),
        ("db:", "a term is missing"),
        ("db::web", "a term is missing"),
        ("all:!", "a term is missing"),
        ("web[12]", "only * and ?"),
        ("~web.*", "only * and ?"),
        ("!!db", "only * and ?"),
        ("!&db", "only * and ?"),
        ("a" * 2000, "far too long"),
    ],
)
def test_a_pattern_that_means_nothing_is_refused(pattern, words):
    with pytest.raises(ConfigurationError) as caught:
        matching(pattern, HOSTS, GROUPS, "lab")
    assert words in str(caught.value)
    assert "inventory.show -i lab" in caught.value.action


@given(st.permutations(["db", "web1", "&even", "!db1"]))
def test_the_order_of_terms_means_nothing(terms):
    assert matching(":".join(terms), HOSTS, GROUPS, "lab") == ("db2",)


@given(st.text(alphabet="dbwe12*?:,!&[]~ ", max_size=20))
def test_any_pattern_chooses_known_hosts_in_order_or_is_refused(pattern):
    try:
        chosen = matching(pattern, HOSTS, GROUPS, "lab")
    except ConfigurationError:
        return
    assert chosen
    assert [name for name in HOSTS if name in chosen] == list(chosen)
