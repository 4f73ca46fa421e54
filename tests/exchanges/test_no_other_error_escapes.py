"""Whatever comes back over the wire, callers see ExchangeError's children and nothing else."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from consumers.exchanges import (
    STATUSES,
    ExchangeError,
    OutcomeUnknown,
    Report,
    Throttled,
    answers,
)
from consumers.exchanges.symbol_rules import rules
from tests.exchanges.conftest import IMPATIENT_S, PATIENT_S, entry
from tests.exchanges.raw_server import answer, sends

RIGHT = {
    "clientOrderId": "q-1",
    "status": "FILLED",
    "executedQty": "0.01",
    "avgPrice": "60000",
    "orderId": 1,
}


def right_but(**changes):
    return answer(json.dumps(RIGHT | changes).encode())


PAGE = b"<html><h1>502 Bad Gateway</h1></html>"
#: Answers to an order after which nobody can know: each must be OutcomeUnknown.
GARBAGE = {
    "nothing": b"",
    "no HTTP": b"\x00\xffhello\r\n\r\n",
    "half a status line": b"HTTP/1.1 2",
    "a status that is no number": b"HTTP/1.1 OK\r\n\r\n",
    "headers without an end": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
    "a header line too long": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    "less than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}",
    "a chunk without its end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}",
    "a chunk whose size is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an empty body": answer(b""),
    "a page": answer(PAGE, kind="text/html"),
    "a page with 502": answer(PAGE, "502 Bad Gateway", "text/html"),
    "a page with 403": answer(PAGE, "403 Forbidden", "text/html"),
    "a page with 404": answer(PAGE, "404 Not Found", "text/html"),
    "truncated JSON": answer(json.dumps(RIGHT).encode()[:-9]),
    "JSON in another charset": answer(json.dumps(RIGHT).encode("utf-16")),
    "compressed, though nobody asked": answer(
        b"\x1f\x8b\x08\x00", more="Content-Encoding: gzip\r\n"
    ),
    "a list": answer(b"[1]"),
    "a list with 400": answer(b"[1]", "400 Bad Request"),
    "a number with 400": answer(b"7", "400 Bad Request"),
    "a null with 400": answer(b"null", "400 Bad Request"),
    "a code that is text": answer(b'{"code":"-4164","msg":""}', "400 Bad Request"),
    "a code that is true": answer(b'{"code":true}', "400 Bad Request"),
    "a code that is no error": answer(b'{"code":200}', "400 Bad Request"),
    "deep nesting": answer(b"[" * 100_000),
    "deep nesting with 400": answer(b"[" * 100_000, "400 Bad Request"),
    "a number too long": answer(b'{"orderId":' + b"9" * 5_000 + b"}"),
    "nothing with 204": answer(b"", "204 No Content"),
    "a redirect": answer(b"", "307 Temporary Redirect", more="Location: /fapi/v1/order\r\n"),
    "a time-out of the exchange's own": answer(b'{"code":-1007}', "408 Request Timeout"),
    "a disconnect of the exchange's own": answer(b'{"code":-1001}', "400 Bad Request"),
    "an unexpected response of its own": answer(b'{"code":-1006}', "400 Bad Request"),
    "an unknown error of its own": answer(b'{"code":-1000}', "400 Bad Request"),
    "an order of another id": right_but(clientOrderId="q-2"),
    "an order without an id": right_but(clientOrderId=None),
    "a status that nobody knows": right_but(status="SHINING"),
    "a status that is a list": right_but(status=["FILLED"]),
    "a quantity that is none": right_but(executedQty="much"),
    "a quantity that is NaN": right_but(executedQty="NaN"),
    "a quantity below nothing": right_but(executedQty="-1"),
    "a quantity beyond reason": right_but(executedQty="1e999999"),
    "a quantity that is a float": right_but(executedQty=0.1),
    "a price that is none": right_but(avgPrice=[]),
    "no order id": right_but(orderId=None),
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
def test_garbage_after_an_order_leaves_the_outcome_unknown(raw, said):
    server, exchange = raw(sends(said))
    with pytest.raises(OutcomeUnknown):
        exchange.place(entry())
    assert len(server.requests) == 1


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("call", ["find", "cancel"])
def test_garbage_after_a_question_is_no_answer(raw, call, said):
    _, exchange = raw(sends(said))
    with pytest.raises(OutcomeUnknown):
        getattr(exchange, call)("BTCUSDT", "q-1")


def test_the_right_answer_passes_these_tests_own_server(raw):
    _, exchange = raw(sends(right_but()))
    assert exchange.place(entry()).status == "FILLED"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "418 I'm a teapot"])
@pytest.mark.parametrize("said", [b"", b"<html>", b"[1]", b'{"code":-1003,"msg":""}'])
@pytest.mark.parametrize(
    "more", ["", "Retry-After: soon\r\n", "Retry-After: " + "9" * 400 + "\r\n"]
)
def test_too_many_requests_is_throttled_whatever_it_says(raw, status, said, more):
    _, exchange = raw(sends(answer(said, status, more=more)))
    with pytest.raises(Throttled) as throttled:
        exchange.place(entry())
    assert 0 < throttled.value.retry_after_s <= 259_200


#: Each would keep a reader that waits anew for each byte busy for ever.
DRIPS = {
    "a status line": sends(b"HTTP/1.1 ", for_ever=b"2", gap_s=0.05),
    "headers": sends(b"HTTP/1.1 200 OK\r\n", for_ever=b"X: a\r\n", gap_s=0.1),
    "one header": sends(b"HTTP/1.1 200 OK\r\nX: ", for_ever=b"a", gap_s=0.05),
    "hints": sends(for_ever=b"HTTP/1.1 100 Continue\r\n\r\n", gap_s=0.05),
    "a body": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", for_ever=b" ", gap_s=0.05),
    "chunks": sends(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", for_ever=b"1\r\n \r\n", gap_s=0.05
    ),
    "silence": sends(gap_s=PATIENT_S, for_ever=b" "),
}


@pytest.mark.parametrize("reply", DRIPS.values(), ids=DRIPS)
def test_one_deadline_holds_for_the_whole_call_however_slowly_it_drips(raw, reply):
    _, exchange = raw(reply, timeout_s=IMPATIENT_S)
    with pytest.raises(OutcomeUnknown, match=f"within {IMPATIENT_S:g} s"):
        exchange.place(entry())


def test_a_body_without_an_end_is_cut_at_a_size(raw, monkeypatch):
    monkeypatch.setattr("consumers.exchanges.wire.MOST_BYTES", 1_000_000)
    flood = sends(b"HTTP/1.1 200 OK\r\n\r\n", for_ever=b" " * 65_536, gap_s=0.0001)
    _, exchange = raw(flood)
    with pytest.raises(OutcomeUnknown, match="ValueError"):
        exchange.place(entry())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
#: Answers that are nearly right.
ORDERS = st.dictionaries(st.sampled_from([*RIGHT, "code", "msg"]), JSON)
ALGOS = st.dictionaries(
    st.sampled_from(["clientAlgoId", "algoStatus", "algoId", "actualOrderId"]),
    JSON | st.sampled_from(["q-1", "NEW", "TRIGGERED", "FINISHED"]),
)


@settings(max_examples=60, deadline=None)
@given(said=ORDERS.map(lambda some: RIGHT | some) | ORDERS | JSON)
def test_any_json_is_a_report_or_unknown(said):
    try:
        report = answers.report(said, "q-1")
    except OutcomeUnknown:
        return
    assert report.client_order_id == "q-1"
    assert report.status in STATUSES
    assert min(report.filled, report.average_price) >= 0


@settings(max_examples=60, deadline=None)
@given(said=ALGOS.map(lambda some: {"clientAlgoId": "q-1", "algoId": 1} | some) | JSON)
def test_any_json_about_a_stop_is_a_report_an_order_or_unknown(said):
    try:
        made = answers.conditional_report(said, "q-1")
    except OutcomeUnknown:
        return
    assert isinstance(made, Report | str)


@settings(max_examples=60, deadline=None)
@given(
    status=st.integers(100, 999),
    body=st.binary() | JSON.map(lambda said: json.dumps(said).encode()),
    retry_after=st.none() | st.text(),
)
def test_any_refusal_is_one_of_the_few_errors(status, body, retry_after):
    headers = CaseInsensitiveDict({} if retry_after is None else {"Retry-After": retry_after})
    error = answers.failure(status, headers, body)
    assert isinstance(error, ExchangeError)
    assert str(error).isprintable()
    assert status < 500 or type(error) is OutcomeUnknown


@settings(max_examples=60, deadline=None)
@given(symbols=st.lists(JSON | st.fixed_dictionaries({"symbol": JSON, "filters": JSON})) | JSON)
def test_any_rules_are_rules_or_unknown(symbols):
    try:
        rules({"symbols": symbols})
    except OutcomeUnknown:
        return


@pytest.mark.parametrize("value", ["0", "0.00000001", "1", "123456789012", "-5"])
def test_numbers_of_any_real_size_are_read(value):
    assert answers.number(value, signed=True) == Decimal(value)
