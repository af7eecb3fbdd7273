"""How many items a node takes from a partner in a second, and how many it applies, in messages of a hundred."""

import http.client
import json
import queue
import statistics
import threading
import time

from figures import line, median_line
from system import DemoError

PARTNER = "sender.example.org"
ITEMS, CONNECTIONS = 100, 4
SETUP = """
CREATE TABLE person (national_id text PRIMARY KEY, status text, told integer NOT NULL DEFAULT 0);
INSERT INTO person SELECT n::text, '1' FROM generate_series(1, {people}) n;
CREATE FUNCTION apply_status(event casesync.inbound) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.person SET status = casesync.code(casesync.enrolment_status_of(event.record)), told = told + 1
     WHERE national_id = casesync.identifier_of(event.record, 'NATIONAL_ID');
    RETURN CASE WHEN FOUND THEN 'applied' ELSE 'review: nobody has this number' END;
END
$$;
SELECT casesync.on_notify('Beneficiary', 'enrolment_status_change', 'apply_status(casesync.inbound)');
SELECT casesync.set_partner('{partner}', 'http://127.0.0.1:9', networks => '{{127.0.0.0/8}}', signature => 'unsigned_accepted');
SELECT casesync.set_agreement('IN', '{partner}', direction => 'in', event_types => '{{enrolment_status_change}}',
    fields => '{{enrollment_status}}', identifier_types => '{{NATIONAL_ID}}', services => '{{notify,push}}', apply_mode => 'auto',
    valid_from => '2020-01-01', legal_basis => 'bench');
SELECT casesync.activate('IN');
VACUUM ANALYZE person;
"""


def record(subject, status):
    return {"@type": "Beneficiary", "enrollment_status": status, "member": {"@type": "Member", "member_identifier": [
        {"@type": "Identifier", "identifier_type": "NATIONAL_ID", "identifier_value": str(subject)}]}}


def bodies(run, messages, people):
    """Messages of a hundred items each, every item about another person."""
    made = []
    for number in range(messages):
        events = [{"reference_id": f"event-{run}-{number}-{n}", "timestamp": "2026-11-26T10:00:00.000Z", "data": {
            "version": "1.0.0", "reg_type": "ns:org:RegistryType:ESS", "reg_event_type": "enrolment_status_change",
            "reg_record_type": "Beneficiary", "reg_records": record(1 + (number * ITEMS + n) % people, "14"[run % 2])}}
                  for n in range(ITEMS)]
        made.append(json.dumps({
            "header": {"version": "1.0.0", "message_id": f"message-{run}-{number}", "message_ts": "2026-11-26T10:00:00.000Z",
                       "action": "notify", "sender_id": PARTNER, "receiver_id": "bench.example.org", "total_count": ITEMS},
            "message": {"transaction_id": f"t-{run}-{number}", "notify_event": events}}).encode())
    return made


class Sender:
    """Posts messages over some connections; one that is refused for the moment comes again when the answer says."""

    def __init__(self, node, token):
        self.node = node
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self.statuses = {}
        self.trouble = None

    def work(self, waiting, deadline):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        while self.trouble is None and time.monotonic() < deadline:
            try:
                body = waiting.get_nowait()
            except queue.Empty:
                break
            try:
                connection.request("POST", f"/{self.node.name}/registry/notify", body, self.headers)
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.trouble = f"no answer: {error!r}"
                break
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.status in (429, 503):
                waiting.put(body)
                time.sleep(float(answer.headers.get("Retry-After") or 0.1))
            elif answer.status != 200 or b'"ACK"' not in said:
                self.trouble = f"answered {answer.status}: {said[:200]!r}"
        connection.close()

    def send(self, messages, seconds):
        """How many were acknowledged, and in what time."""
        waiting = queue.Queue()
        for body in messages:
            waiting.put(body)
        began = time.monotonic()
        threads = [threading.Thread(target=self.work, args=(waiting, began + seconds)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.trouble:
            raise DemoError(self.trouble)
        return len(messages) - waiting.qsize(), time.monotonic() - began


def measure(node):
    messages, rounds, deadline = (20, 1, 8) if node.quick else (200, 3, 240)
    people = messages * ITEMS
    node.open_database("inbound", SETUP.format(people=people, partner=PARTNER))
    node.start_bridge()
    sender = Sender(node, node.token(*node.value(f"SELECT * FROM casesync.issue_client('{PARTNER}')").split("|"))[0])
    sender.send(bodies(0, 1, people), deadline)
    settle(node, deadline)
    received, applied, late, refused = [], [], 0, 0
    for number in range(1, rounds + 1):
        made = bodies(number, messages, people)
        began = time.monotonic()
        taken, took = sender.send(made, deadline)
        received.append(taken * ITEMS / took)
        left = settle(node, deadline)
        late += left
        applied.append((taken * ITEMS - left) / (time.monotonic() - began))
        refused += messages - taken
    told = " ".join(f"{count} × {status}" for status, count in sorted(sender.statuses.items()))
    note = f"{messages} messages of {ITEMS} items over {CONNECTIONS} connections, one partner"
    if refused:
        note += f"; {refused} were not taken in {deadline} s"
    yield median_line("inbound.received_per_s", received, f"{note}; answers: {told}", node.quick)
    if node.one("SELECT count(*) FROM casesync.inbox WHERE state NOT IN ('applied', 'new')"):
        states = ", ".join(f"{count} {state} ({reason})" for state, reason, count in
                           node.ask("SELECT state, reason, count(*) FROM casesync.inbox GROUP BY 1, 2 ORDER BY 3 DESC"))
        yield line("inbound.applied_per_s", None, f"not all was applied: {states}", node.quick)
        return
    yield median_line("inbound.applied_per_s", applied, "from the first POST to the last application" + (f"; {late} never were" if late else ""),
                      node.quick)


def settle(node, deadline):
    """How many items still wait to be applied, once none does or at the deadline."""
    end = time.monotonic() + deadline
    while True:
        left = node.one("SELECT count(*) FROM casesync_internal.inbox_item WHERE state = 'new'")
        if left == 0 or time.monotonic() > end:
            return left
        time.sleep(0.05)
