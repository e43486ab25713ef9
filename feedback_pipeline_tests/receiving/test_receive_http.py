"""What a sender is answered, by the receiver as a process of its own."""

import base64
import hmac
import http.client
import json
import resource
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from receiver import CLEAN, SERVE, declare, landed, receiving

TOKEN = "Bearer ours"


@pytest.fixture(scope="module")
def zone(tmp_path_factory):
    zone = tmp_path_factory.mktemp("raw")
    declare(zone, "events")
    declare(zone, "forms", "format: typeform")
    declare(zone, "tickets", "format: zendesk")
    declare(zone, "broken", "format: nonsense")
    return zone


@pytest.fixture(scope="module")
def receiver(zone):
    secrets = {"FEEDBACK_RECEIVE_SECRET_FORMS": "f", "FEEDBACK_RECEIVE_SECRET_TICKETS": "t"}
    with receiving(zone, FEEDBACK_RECEIVE_MAX_BYTES="4096", **secrets) as receiver:
        yield receiver


@pytest.fixture
def client(receiver):
    return receiver.client()


def signed(secret, message):
    return base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()


def test_an_event_is_a_line_and_an_array_a_line_for_each(client, zone):
    before = len(landed(zone, "events"))
    assert client.post("events", b'{"n":\n 1e400}') == (200, {"received": 1})
    assert client.post("events", b'[{"n": 2}, {"n": 3}]') == (200, {"received": 2})
    assert client.post("events", b"[]") == (200, {"received": 0})
    assert landed(zone, "events")[before:] == [b'{"n": 1e400}\n', b'{"n": 2}\n', b'{"n": 3}\n']


def test_a_line_lies_in_the_folder_of_the_utc_day_on_which_it_came(client, zone):
    days = {str(datetime.now(UTC).date())}
    assert client.post("events", {"day": "today"})[0] == 200
    days.add(str(datetime.now(UTC).date()))
    (file,) = [file for file in zone.glob("events/*/received-*.jsonl") if b"today" in file.read_bytes()]
    assert file.parent.name in days


def test_a_typeform_signature_is_asked_for(client, zone):
    body = b'{"event_type":"form_response"}'
    assert client.post("forms", body, {"Typeform-Signature": f"sha256={signed('f', body)}"}) == (200, {"received": 1})
    assert client.post("forms", body, {"Typeform-Signature": f"sha256={signed('x', body)}"})[0] == 401
    assert client.post("forms", body) == (401, {"error": "the header Typeform-Signature is missing"})
    assert landed(zone, "forms") == [body + b"\n"]


def test_a_zendesk_delivery_of_today_is_taken_and_an_old_one_refused(client, zone):
    body, now = b'{"id":1}', datetime.now(UTC)
    for at, status in ((now, 200), (now - timedelta(minutes=6), 401), (now + timedelta(minutes=6), 401)):
        time_text = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        headers = {
            "X-Zendesk-Webhook-Signature": signed("t", time_text.encode() + body),
            "X-Zendesk-Webhook-Signature-Timestamp": time_text,
        }
        assert client.post("tickets", body, headers)[0] == status
    assert landed(zone, "tickets") == [body + b"\n"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer theirs"}, {"Authorization": "Basic ours"}])
def test_without_the_right_token_nothing_is_taken(client, headers):
    assert client.post("events", {"n": 1}, headers)[0] == 401


@pytest.mark.parametrize("source", ["nobody", "..", "%2e%2e", "events%2f..", "..%2fevents", ".git", "%00", "a/b", ""])
def test_a_source_that_is_not_declared_is_unknown(client, source):
    assert client.post(source, {"n": 1})[0] == 404


def test_a_source_whose_declaration_is_broken_can_be_mended_while_it_runs(client, zone):
    status, said = client.post("broken", {"n": 1})
    assert (status, said) == (503, {"error": "the source's declaration cannot be read"})
    (zone / "broken" / "source.yaml").write_text("format: events")
    assert client.post("broken", {"n": 1})[0] == 200


@pytest.mark.parametrize("body", [b"", b"hello", b"42", b'{"a":NaN}', b'[{"n":1},2]', b'{"n":1}\n{"n":2}', b"\xff"])
def test_what_is_no_event_is_refused_with_a_reason_and_none_of_it_kept(client, zone, body):
    before = landed(zone)
    status, said = client.post("events", body)
    assert status == 400
    assert said["error"]
    assert landed(zone) == before


@pytest.mark.parametrize(
    "kind", ["application/json; charset=latin1", "Application/JSON", "application/cloudevents+json"]
)
def test_json_by_other_names_is_taken(client, kind):
    assert client.send("POST", "/events", "{}", **{"Content-Type": kind, "Authorization": TOKEN})[0] == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"}],
)
def test_another_type_of_content_is_refused(client, headers):
    assert client.send("POST", "/events", "{}", Authorization=TOKEN, **headers)[0] == 415


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_refused(client, method):
    status, _, headers = client.send(method, "/events", "{}")
    assert (status, headers["Allow"]) == (405, "POST")


def test_its_health_can_be_asked_for(client):
    assert client.send("GET", "/health")[:2] == (200, {"status": "ok"})


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(client, zone):
    largest = b'{"t":"' + b"x" * (4096 - 8) + b'"}'
    assert client.post("events", largest) == (200, {"received": 1})
    before = landed(zone)
    status, said = client.post("events", largest + b" ")
    assert (status, said) == (413, {"error": "the body is over the limit of 4096 bytes"})
    assert landed(zone) == before


def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large(receiver):
    head = b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
        connection.sendall(head + b"1000\r\n" + b" " * 4096 + b"\r\n")
        connection.sendall(b"1\r\n \r\n")
        # The body has not ended, and will not.
        assert b" 413 " in connection.recv(4096).partition(b"\r\n")[0]


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_and_disturbs_nobody(receiver, zone):
    before = landed(zone)
    head = b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.port)) as connection:
        connection.sendall(head + b'{"n":')
    assert receiver.client().send("GET", "/health")[0] == 200
    assert landed(zone) == before
    assert not [line for line in receiver.said if "Traceback" in line]


def test_concurrent_deliveries_do_not_mix(receiver, zone):
    before = len(landed(zone, "events"))
    bodies = [json.dumps({"n": n, "text": "x" * (n % 900)}).encode() for n in range(400)]

    def send(part):
        client = receiver.client()
        return [client.post("events", body)[0] for body in part]

    with ThreadPoolExecutor(16) as pool:
        statuses = [status for part in pool.map(send, [bodies[n::16] for n in range(16)]) for status in part]
    assert set(statuses) == {200}
    assert sorted(landed(zone, "events")[before:]) == sorted(body + b"\n" for body in bodies)


def test_a_source_that_has_no_secret_yet_is_told_to_come_again(tmp_path):
    declare(tmp_path, "in-app")
    declare(tmp_path, "other")
    with receiving(tmp_path, FEEDBACK_RECEIVE_TOKEN="", FEEDBACK_RECEIVE_SECRET_OTHER="s") as receiver:
        status, said = receiver.client().post("in-app", {"n": 1})
        warned = [line for line in receiver.said if "in-app" in line]
    assert status == 503
    assert "FEEDBACK_RECEIVE_SECRET_IN_APP" in said["error"]
    assert "FEEDBACK_RECEIVE_SECRET_IN_APP" in warned[0]
    assert landed(tmp_path) == []


def test_what_nothing_can_be_received_for_is_told_at_the_start(tmp_path):
    declare(tmp_path, "clicks")
    declare(tmp_path, "reviews", "format: events\nreviewers: true")
    declare(tmp_path, "panel", "format: events\nreviewers: true")
    declare(tmp_path, "faulty", "format: carrier_pigeon")

    with receiving(tmp_path, FEEDBACK_RECEIVE_SECRET_PANEL="s") as receiver:
        warned = [line for line in receiver.said if line.startswith("WARNING")]

    assert ["faulty" in warned[0], "reviews" in warned[1]] == [True, True]
    assert "format" in warned[0]
    assert (
        warned[1].strip().endswith("reviews: nothing is received for it until FEEDBACK_RECEIVE_SECRET_REVIEWS is set")
    )
    assert len(warned) == 2


def test_without_any_secret_it_does_not_start(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SERVE],
        env=CLEAN | {"FEEDBACK_LANDING_ZONE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode
    assert "no secret to know a sender by" in done.stderr


def test_where_there_is_no_room_nothing_is_acknowledged_and_nothing_half_written_stays(tmp_path):
    declare(tmp_path, "events")
    declare(tmp_path, "other")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    with receiving(tmp_path, small_files) as receiver:
        client = receiver.client()
        assert client.post("events", {"t": "x" * 900})[0] == 200
        for _ in range(3):
            status, said = client.post("events", {"t": "y" * 2000})
            assert (status, said) == (503, {"error": "nothing was kept: there is no room left"})
        assert client.post("other", {"n": 1})[0] == 200
        assert client.post("events", {"n": 2})[0] == 200
    assert sorted(map(json.loads, landed(tmp_path)), key=len) == [{"t": "x" * 900}, {"n": 2}, {"n": 1}]


def test_what_was_begun_is_finished_before_it_ends(tmp_path):
    declare(tmp_path, "events")
    with receiving(tmp_path) as receiver:
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=30)
        connection.putrequest("POST", "/events")
        for header in (("Content-Type", "application/json"), ("Authorization", TOKEN), ("Content-Length", "7")):
            connection.putheader(*header)
        connection.endheaders(b'{"n"')
        time.sleep(0.2)
        receiver.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        connection.send(b":1}")
        assert connection.getresponse().status == 200
        assert receiver.process.wait(timeout=30) == -signal.SIGTERM
    assert landed(tmp_path) == [b'{"n":1}\n']
