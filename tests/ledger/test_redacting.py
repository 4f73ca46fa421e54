from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from harness.ledger.redacting import forms, holds_secret, redact
from harness.masking import Secret

KEY = b"k" * 32
SECRETS = st.text(min_size=8, max_size=40).filter(lambda text: len(text.encode()) >= 8)


@given(SECRETS, st.binary(max_size=5), st.binary(max_size=5))
def test_a_secret_inside_a_longer_base64_text_is_found_at_any_alignment(value, before, after):
    secret = Secret(value.encode("utf-8", "surrogatepass"))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert holds_secret(encode(before + secret.reveal() + after), [secret])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=8), st.text(max_size=5))
def test_no_form_is_left_after_redaction(value, around):
    secret = Secret(value)
    for form in forms(secret.reveal()):
        text = around.encode("utf-8", "replace") + form + b"|" + form
        assert not holds_secret(redact(text, [secret], KEY), [secret])


def test_equal_secrets_get_equal_marks_and_another_key_gives_others():
    secret = [Secret("correct horse")]
    text = b"correct horse, " + b"correct horse".hex().encode()
    first, second = redact(text, secret, KEY).split(b", ")
    assert first == second
    assert redact(text, secret, b"other" * 6) != redact(text, secret, KEY)


def test_json_stays_json():
    value = 'a"b\\c ü and more'
    text = json.dumps({"said": value, "n": 1}).encode()
    assert json.loads(redact(text, [Secret(value)], KEY))["n"] == 1


def test_a_secret_within_a_longer_one_does_not_uncover_the_rest():
    long, short = Secret("hunter22-and-more"), Secret("hunter22")
    assert b"and-more" not in redact(b"x hunter22-and-more x", [short, long], KEY)


def test_empty_and_very_short_values_are_left_alone():
    text = b"a perfectly ordinary text"
    assert redact(text, [Secret(""), Secret("or")], KEY) == text
