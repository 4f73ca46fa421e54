"""Somebody changes a host after its plan was shown: that host is not touched, and all go back."""

import os

import pytest

from commands.showing import Display
from tests.agent.worlds import tree
from tests.fleets.conftest import FOLDER, NOTE


class WhilePlansAreRead(Display):
    """Shows nothing; somebody is at work on the hosts while the plans would be read."""

    def __init__(self, action):
        super().__init__(quiet=True)
        self.action = action

    def plans(self, prepared, *, new_files=False):
        super().plans(prepared, new_files=new_files)
        self.action()


def by_hand(world):
    world.write(NOTE, "by hand\n", 0o600)


def a_link(world):
    world.at(NOTE).unlink()
    world.at(NOTE).symlink_to("elsewhere")


def a_second_name(world):
    os.link(world.at(NOTE), world.at(f"{FOLDER}/other"))


def the_folder_is_a_link(world):
    world.at(FOLDER).rename(world.at(f"{FOLDER}-real"))
    world.at(FOLDER).symlink_to("fleet-real")


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (by_hand, "is not what the plan was made for: sha256"),
        (a_link, "is not what the plan was made for: kind is symlink"),
        (a_second_name, "has 2 hard links"),
        (the_folder_is_a_link, f"{FOLDER} is a symbolic link"),
    ],
)
def test_what_changed_since_the_plan_aborts_that_host_and_puts_the_others_back(fleet, action, told):
    fleet.grow(2)
    fleet.deploys()
    fleet.text = b"newer\n"
    other = tree(fleet.worlds["h02"].root)
    found = []

    def meanwhile():
        action(fleet.worlds["h01"])
        found.append(tree(fleet.worlds["h01"].root))

    outcome = fleet.deploys(display=WhilePlansAreRead(meanwhile))
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    (reason,) = outcome.reasons
    assert reason.startswith("h01, ")
    assert told in reason
    assert fleet.gated == [["h01", "h02"]]  # the first deploy's; nobody gates what did not apply
    assert tree(fleet.worlds["h01"].root) == found[0]
    assert tree(fleet.worlds["h02"].root) == other
    assert fleet.pasts("h01") == ["committed"]
    assert fleet.pasts("h02") == ["committed", "rolled_back"]


def test_what_appeared_where_nothing_was_is_not_overwritten(fleet):
    fleet.grow(1)
    world = fleet.worlds["h01"]
    outcome = fleet.deploys(display=WhilePlansAreRead(lambda: by_hand(world)))
    assert outcome.state == "rolled_back"
    assert "is not what the plan was made for: kind is" in outcome.reasons[0]
    assert fleet.note("h01") == b"by hand\n"
    assert fleet.pasts("h01") == []
