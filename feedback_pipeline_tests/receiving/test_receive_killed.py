"""A receiver that is killed at any moment has on disk whatever it acknowledged."""

import base64
import hmac
import http.client
import json
import random
import signal
import threading
import time
from datetime import UTC, datetime

import pytest
from receiver import TOKEN, declare, landed, receiving

from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.warehouse import Warehouse

CLIENTS = 16
SECRET = "a secret"


def event(name):
    """An event of our own format, in an array with another."""
    thumb = {
        "kind": "thumb",
        "label": "up",
        "interaction_id": "i",
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    return "events", json.dumps([thumb | {"feedback_id": f"{name}-{n}"} for n in range(2)]).encode(), TOKEN


def form(name):
    """A finished Typeform form with one text, written over several lines, and signed."""
    answer = {"type": "text", "text": "é\n" * 20, "field": {"id": "f", "ref": "0", "type": "long_text"}}
    said = {
        "token": name,
        "submitted_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "hidden": {"interaction_id": "i"},
        "answers": [answer],
    }
    body = json.dumps({"event_type": "form_response", "form_response": said}, indent=1).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    return "forms", body, {"Typeform-Signature": f"sha256={signature}"}


def stream(receiver, name, acknowledged):
    """Post one delivery after the other until nobody answers; keep what was acknowledged."""
    client = receiver.client()
    try:
        for number in range(1_000_000):
            write, ids = (event, ("-0", "-1")) if number % 2 else (form, ("-0",))
            status, _ = client.post(*write(f"{name}-{number}"))
            assert status == 200
            acknowledged += [f"{name}-{number}{end}" for end in ids]
    except (OSError, http.client.HTTPException):
        return


@pytest.mark.slow
def test_what_was_acknowledged_is_ingested_after_kills_at_any_moment(tmp_path):
    zone, warehouse = tmp_path / "raw", Warehouse(tmp_path / "warehouse.duckdb")
    declare(zone, "events")
    declare(zone, "forms", "format: typeform")
    moments, acknowledged = random.Random(3), []
    days = {datetime.now(UTC).date()}
    for start in range(4):
        before = len(acknowledged)
        with receiving(zone, FEEDBACK_RECEIVE_SECRET_FORMS=SECRET) as receiver:
            threads = [
                threading.Thread(target=stream, args=(receiver, f"{start}-{number}", acknowledged))
                for number in range(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            while len(acknowledged) < before + 50:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.5))
            receiver.process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
    days.add(datetime.now(UTC).date())

    whole = [line for line in landed(zone) if line.endswith(b"\n")]
    assert all(isinstance(json.loads(line), dict) for line in whole)
    assert len(list(zone.glob("events/*/*.jsonl"))) >= 4

    for day in days:
        store_day(warehouse, zone, day, Pseudonyms(b"key"))

    assert unaccounted(warehouse, sorted(days)).is_empty()
    stored = set(warehouse.read("SELECT feedback_id FROM feedback_events")["feedback_id"])
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) - stored == set()
    # Whatever else is there was posted too, but its answer was cut off by the kill: one a client each time.
    assert len(stored) - len(acknowledged) <= 4 * CLIENTS * 2
    rejected = warehouse.read("SELECT payload FROM raw_events WHERE outcome = 'rejected'")
    assert rejected.height <= 4 * 2
