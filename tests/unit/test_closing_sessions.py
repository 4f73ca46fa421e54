"""A session that is closed while another thread still waits for an answer, as after Ctrl-C."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.errors import InDoubtError
from harness.session import Session


def test_who_waits_for_an_answer_hears_of_the_end_whoever_hears_it_first():
    to_agent, from_laptop = os.pipe()
    to_laptop, from_agent = os.pipe()
    telling, go_on = threading.Event(), threading.Event()

    def on_event(_):
        telling.set()
        assert go_on.wait(60)

    session = Session(
        os.fdopen(from_laptop, "wb"), os.fdopen(to_laptop, "rb"), host="box", on_event=on_event
    )
    with ThreadPoolExecutor() as pool, os.fdopen(from_agent, "wb", buffering=0) as agent:
        pool.submit(drained, to_agent)
        asked = pool.submit(session.commit, "tx", deadline_s=600.0)
        agent.write(json.dumps({"event": "step", "n": 1}).encode() + b"\n")
        assert telling.wait(60)  # it is busy with an event as the session ends
        closed = pool.submit(session.close)
        agent.close()
        closed.result(60)
        go_on.set()
        with pytest.raises(InDoubtError):
            asked.result(60)


def drained(end):
    with os.fdopen(end, "rb") as file:
        file.read()
