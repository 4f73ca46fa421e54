"""Settings as a consumer declares them: old names, secrets, combinations that cannot stand."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from consumers.loop import settings
from consumers.loop.failing import StartError
from consumers.loop.parsing import decimal, number, truth
from consumers.loop.settings import credential, setting


def from_minutes(text):
    return 60 * number(1, 1_000)(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(settings.Settings):
    max_age_s: int = setting("600", number(1, 86_400), aliases={"MAX_AGE_MINUTES": from_minutes})
    drain: bool = setting("true", truth, aliases={"OLD_DRAIN": truth})
    most_usd: Decimal = setting("0", decimal(0, 1_000_000))
    api_key: str = credential("exchange_api_key")

    def refuse(self):
        return "" if self.drain or self.api_key else "API_KEY is missing while DRAIN=false"


def read(**environ):
    return settings.read(Settings, environ)


def test_what_every_consumer_has_and_its_own_come_together():
    wanted = read()
    assert (wanted.max_age_s, wanted.drain, wanted.redis_port) == (600, True, 6379)
    assert wanted.warnings == ()


def test_an_old_name_counts_in_its_own_unit_and_is_warned_about():
    wanted = read(MAX_AGE_MINUTES="5")
    assert wanted.max_age_s == 300
    assert wanted.warnings == ("MAX_AGE_MINUTES is an old name; MAX_AGE_S is its new one",)


def test_old_and_new_name_may_agree_and_may_not_contradict_each_other():
    assert read(MAX_AGE_MINUTES="5", MAX_AGE_S="300").max_age_s == 300
    with pytest.raises(StartError, match="MAX_AGE_MINUTES and MAX_AGE_S contradict each other"):
        read(MAX_AGE_MINUTES="5", MAX_AGE_S="600")


@pytest.mark.parametrize("text", ["0", "5m", "-1", ""])
def test_a_bad_old_name_is_refused_by_that_name(text):
    with pytest.raises(StartError, match=r"^MAX_AGE_MINUTES must be"):
        read(MAX_AGE_MINUTES=text)


def test_an_old_name_in_the_env_file_is_known():
    assert read(QUANTUM_ENV_NAMES="OLD_DRAIN", OLD_DRAIN="yes").drain is True


def test_a_combination_that_cannot_stand_is_refused():
    with pytest.raises(StartError, match="API_KEY is missing"):
        read(DRAIN="false")
    assert read(DRAIN="false", API_KEY="k").api_key == "k"


def test_a_secret_shows_nowhere(tmp_path):
    (tmp_path / "exchange_api_key").write_text("hidden\n")
    wanted = read(CREDENTIALS_DIRECTORY=str(tmp_path))
    assert wanted.api_key == "hidden"
    assert "hidden" not in repr(wanted)


@pytest.mark.parametrize("text", ["nan", "1e3", "-1", "1,5", "inf", "1000001", " 1", "0x1"])
def test_money_is_an_exact_plain_number(text):
    assert read(MOST_USD="0.1").most_usd == Decimal("0.1")
    with pytest.raises(StartError, match=r"^MOST_USD must be a number from 0 to 1000000"):
        read(MOST_USD=text)
