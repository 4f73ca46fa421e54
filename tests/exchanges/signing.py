"""Sign requests without the library whose requests are tested."""

import hashlib
import hmac
import json
from urllib.parse import urlencode


class Caller:
    """Somebody with a key, who asks an exchange directly."""

    def __init__(self, exchange, key=None, secret=None):
        self.exchange = exchange
        self.key, self.secret = key or exchange.key, secret or exchange.secret

    def market(self, client_order_id, **words):
        own = {
            "newClientOrderId": client_order_id, "symbol": "BTCUSDT", "side": "BUY",
            "type": "MARKET", "quantity": "0.010",
        }  # fmt: skip
        return self.post("/fapi/v1/order", own | words)

    def stop(self, client_order_id, **words):
        own = {
            "clientAlgoId": client_order_id, "symbol": "BTCUSDT", "side": "SELL",
            "type": "STOP_MARKET", "quantity": "0.010", "triggerPrice": "59000",
            "algoType": "CONDITIONAL", "reduceOnly": "true",
        }  # fmt: skip
        return self.post("/fapi/v1/algoOrder", own | words)

    def post(self, path, words, age_ms=0):
        age_ms, given = words.pop("age_ms", age_ms), words.pop("signature", None)
        body = urlencode(words | {"timestamp": self.exchange.now_ms() - age_ms})
        made = hmac.new(self.secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        body += f"&signature={made if given is None else given}"
        return self.exchange.arrive("POST", path, body=body, headers={"x-mbx-apikey": self.key})

    @staticmethod
    def said(call):
        return json.loads(call.answer.body)
