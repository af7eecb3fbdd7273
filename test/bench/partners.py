"""What three partners who ask for more than they may cost a fourth: the same questions without and beside
them, in turns. Knows how to be hostile, not how a system is started."""

import http.client
import json
import math
import subprocess
import time
import uuid

from figures import median_line
from system import TREE, DemoError, until

QUESTIONS = 200, 50      # in a full, in a quick run
HOSTILE = ["evil1.example.org", "evil2.example.org", "evil3.example.org"]
GOOD = "good.example.org"
PEOPLE = 3000

SETUP = f"""
CREATE TABLE person (id integer PRIMARY KEY);
INSERT INTO person SELECT generate_series(1, {PEOPLE});
CREATE VIEW people AS SELECT id::text AS subject_key, casesync.beneficiary(
    identifiers => ARRAY[casesync.identifier('NATIONAL_ID', id::text)]) AS record FROM person;
SELECT * FROM casesync.publish('people', 'people', 'Beneficiary', 'ESS');
""" + "".join(f"""
SELECT casesync.set_partner('{partner}', 'http://127.0.0.1:9', networks => '{{127.0.0.0/8}}', signature => 'unsigned_accepted');
SELECT casesync.set_agreement('{partner[:5]}', '{partner}', registries => '{{people}}', event_types => '{{enrolment_status_change}}',
    fields => '{{enrollment_status}}', identifier_types => '{{NATIONAL_ID}}', services => '{{search}}',
    subjects => '{"subject_key = ''7''" if partner == GOOD else "true"}', lookups_per_day => 100000000, valid_from => '2020-01-01', legal_basis => 'bench');
""" for partner in [GOOD, *HOSTILE])


def body(partner, action, message):
    return json.dumps({"header": {"message_id": "@ID@", "message_ts": "2026-11-26T10:00:00Z", "action": action, "sender_id": partner,
                                  "receiver_id": "bench.example.org", "total_count": 1}, "message": message})


def search(partner, kind, query):
    return body(partner, "search", {"transaction_id": "t", "search_request": [
        {"reference_id": "@ID@", "timestamp": "2026-11-26T10:00:00Z",
         "search_criteria": {"query_type": kind, "query": query}}]})


def hostile_orders():
    """For each hostile partner: path, connections, body."""
    costly = {"$or": [{"enrollment_status": {"$in": [f"w{n}-{w}" + "z" * 100 for w in range(8)]}} for n in range(60)]}
    status = {"transaction_id": "t", "txnstatus_request": {"reference_id": "r", "txn_type": "search",
                                                           "attribute_type": "transaction_id", "attribute_value": "x"}}
    rows = [[n * 1.37 for n in range(1000)] for _ in range(300)]
    return {HOSTILE[0]: ("/registry/sync/search", 8, search(HOSTILE[0], "expression", costly)),
            HOSTILE[1]: ("/registry/notify", 6, body(HOSTILE[1], "notify", {"transaction_id": "t", "rows": rows})),
            HOSTILE[2]: ("/registry/sync/txn/status", 32, body(HOSTILE[2], "txn-status", status))}


class HostilePartners:
    def __init__(self, system):
        self.system = system
        self.questions = QUESTIONS[system.quick]
        system.do(SETUP)
        for partner in [GOOD, *HOSTILE]:
            system.do(f"SELECT casesync.activate('{partner[:5]}');")
        self.tokens = {partner: system.token(*system.value(f"SELECT * FROM casesync.issue_client('{partner}')").split("|"))[0]
                       for partner in [GOOD, *HOSTILE]}
        self.loops = []

    def attack(self):
        for partner, (path, connections, text) in hostile_orders().items():
            order, record = (self.system.folder / f"{partner}.{kind}" for kind in ("order", "record"))
            order.write_text(json.dumps({"path": f"/{self.system.name}{path}", "body": text,
                                         "authorization": f"Bearer {self.tokens[partner]}"}), encoding="ascii")
            record.write_text("")
            # with little of this machine: partners have their own
            self.loops.append(subprocess.Popen(["nice", "-n", "19", TREE / "test" / "lib" / "request_loop", str(self.system.port), str(connections),
                                                record, order], stdin=subprocess.PIPE))
            until(f"an answer to {partner}", record.read_text)

    def rest(self):
        for loop in self.loops:
            loop.kill()
            loop.wait()
        self.loops = []

    def p99(self):
        """Of the good partner, in seconds; it must be answered each time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.system.port, timeout=30)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.tokens[GOOD]}"}
        question = search(GOOD, "idtype-value", {"type": "NATIONAL_ID", "value": "7"})
        took = []
        for _ in range(self.questions):
            began = time.monotonic()
            connection.request("POST", f"/{self.system.name}/registry/sync/search",
                               question.replace("@ID@", str(uuid.uuid4())), headers)
            answer = connection.getresponse()
            said = answer.read()
            took.append(time.monotonic() - began)
            if answer.status != 200:
                raise DemoError(f"the good partner was answered {answer.status}: {said[:300]!r}")
            time.sleep(0.01)            # a steady pace, which its partner's other work would leave too
        connection.close()
        return sorted(took)[math.ceil(self.questions * 0.99) - 1]

    def ratios(self, rounds):
        ratios = []
        try:
            self.p99()
            for _ in range(rounds):
                alone = self.p99()
                self.attack()
                ratios.append(self.p99() / alone)
                self.rest()
        finally:
            self.rest()
        return ratios


def measure(node):
    node.open_database("partners")
    node.start_bridge()
    yield median_line("partners.hostile_p99_ratio", HostilePartners(node).ratios(1 if node.quick else 5),
                      "of a good partner's questions, beside three hostile ones against alone", node.quick)
