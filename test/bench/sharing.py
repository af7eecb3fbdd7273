"""What is shared in the measures of delivery: people, a view of them, and partners who may have it and want it, all
at one receiver. Knows how it is set up and what has arrived; measures nothing."""

import time

from system import until

PEOPLE = """
CREATE TABLE person (id integer PRIMARY KEY, national_id text NOT NULL, status text NOT NULL, note integer NOT NULL DEFAULT 0)
  WITH (fillfactor = 80);
INSERT INTO person SELECT n, n::text, 'A', 0 FROM generate_series(0, {people} - 1) n;
SELECT casesync.map_code('app', word, code::casesync.enrolment_status) FROM (VALUES ('A', 'Active'), ('S', 'Suspended')) m (word, code);
CREATE VIEW shared_person AS
SELECT id AS subject_key, casesync.beneficiary(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', national_id)],
    programmes => ARRAY[casesync.enrolment('Cash ' || note, casesync.to_code('app', status, NULL::casesync.enrolment_status))]) AS record
  FROM person;
SELECT * FROM casesync.publish('person', 'shared_person', 'Beneficiary', 'ESS');
SELECT casesync.track('person', '{{person}}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
    on_delete => 'enrolment_status_change');
VACUUM ANALYZE person;
"""
PARTNER = """
SELECT casesync.set_partner('{partner}', '{url}', networks => '{{127.0.0.0/8}}', signature => 'unsigned_accepted');
SELECT casesync.set_agreement('{partner}', '{partner}', registries => '{{person}}', event_types => '{{enrolment_status_change}}',
    fields => '{{programme_identifier.programme_name,enrollment_status}}', identifier_types => '{{NATIONAL_ID}}', subjects => 'true',
    valid_from => '2020-01-01', legal_basis => 'bench');
SELECT casesync.activate('{partner}');
SELECT casesync.subscribe('{partner}', 'enrolment_status_change', 'Beneficiary');
"""


class Receiver:
    """The partners' server; see receiver.c."""

    def __init__(self, node, people):
        self.node = node
        self.helper = node.start_helper("receiver", people)
        self.url = f"http://127.0.0.1:{self.helper.begun}"

    def order(self, what):
        return self.node.fetch(f"{self.url}/{what}")

    def counts(self):
        """Messages, events, subjects, when the first event came and when the last."""
        words = self.order("counts").split()
        return [*map(int, words[:3]), *map(float, words[3:])]

    def times(self):
        """When each subject came first."""
        return {int(subject): float(at) for subject, at in map(str.split, self.order("times").splitlines())}

    def wait_for_events(self, count, deadline):
        """How many have come when all have, or at the deadline."""
        end = time.monotonic() + deadline
        while True:
            events = self.counts()[1]
            if events >= count or time.monotonic() > end:
                return events
            self.node.require_bridge()
            time.sleep(0.05)


def open_sharing(node, name, people):
    """A database with people in it, and a partner who is told all; the receiver."""
    node.open_database(name, PEOPLE.format(people=people))
    receiver = Receiver(node, people)
    add_partners(node, receiver, 0)
    node.start_bridge()
    node.settle()
    warm_up(node, receiver, 1)
    return receiver


def add_partners(node, receiver, *numbers):
    node.do("".join(PARTNER.format(partner=f"p{n}.example.org", url=f"{receiver.url}/p{n}") for n in numbers))


def remove_partners(node, *numbers):
    """They want nothing any more."""
    for number in numbers:
        node.ask("SELECT casesync.unsubscribe(code) FROM casesync.subscriptions WHERE partner = %s AND state = 'active'", f"p{number}.example.org")
    node.settle()


def warm_up(node, receiver, partners):
    """One event to each, so that connections and plans are there."""
    receiver.order("reset")
    change(node, 0, 1)
    until("the first event to arrive", lambda: receiver.counts()[1] >= partners)
    node.settle()
    receiver.order("reset")


def change(node, first, count, step=50):
    """News of so many people, in transactions of step rows each; when the first was committed. One of more than a
    hundred would be a bulk load, which lets others go first."""
    first_at = None
    for begin in range(first, first + count, step):
        node.ask("UPDATE person SET note = note + 1 WHERE id >= %s AND id < %s", begin, min(begin + step, first + count))
        first_at = first_at or time.time()
    return first_at
