"""A node on the ensemble: the application (town.sql) and who writes to it, two bridges on machines of their own, and the
partner that is told. Knows how to build, write, ask and compare; neither what goes wrong nor in which order."""

import http.server
import json
import random
import re
import signal
import subprocess
import threading
import time
import urllib.request
import uuid

import psycopg

from network import Machine
from system import DemoError, System, TREE, until

PERSONS = 40
WRITERS = 4
PAUSE = 0.03                                                # between two changes of a writer
GONE = -1                                                   # what a partner knows of who was removed


class Told:
    """One item that reached the partner."""

    def __init__(self, at, peer, stream, item, meta):
        text = json.dumps(item["data"])
        self.at, self.peer, self.stream = at, peer, stream
        self.reference_id, self.code, self.seq, self.prev_seq = item["reference_id"], meta["code"], meta["seq"], meta.get("prev_seq")
        self.person = int(re.search(r'"ID-(\d+)"', text)[1])
        self.value = GONE if '"removed"' in text else int(re.search(r'"Cash (\d+)"', text)[1])


class Partner(http.server.ThreadingHTTPServer):
    """Acknowledges everything, and keeps it in the order in which it came."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address):
        super().__init__((address, 0), PartnerHandler)
        self.told, self.lock = [], threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def keep(self, peer, message):
        meta = message["header"]["meta"]
        with self.lock:
            at = time.time()
            self.told += [Told(at, peer, meta["stream"], item, about)
                          for item, about in zip(message["message"]["notify_event"], meta["items"], strict=True)]

    def items(self):
        with self.lock:
            return list(self.told)

    def handle_error(self, request, client_address):
        pass                                                # who is stopped or killed leaves in mid-sentence


class PartnerHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keep(self.client_address[0], json.loads(body))
        answer = json.dumps({"message": {"ack_status": "ACK", "correlation_id": str(uuid.uuid4()),
                                         "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class Bridge(System):
    """A bridge on a machine of its own, and its journal."""

    def __init__(self, name, number, node):
        super().__init__(name, "town.example", node.ensemble.bindir, node.folder)
        self.machine = Machine(name, number, is_outside=True)
        self.node, self.peer = node, self.machine.outside

    def configure(self, **settings):
        self.write_config(database=self.node.ensemble.conninfo("casesync_bridge"), node_id=self.node.node_id, key_file=self.node.key_file,
                          listen=f"{self.peer}:8080", ops_listen=f"{self.peer}:9080", base_path="", poll_interval="1s",
                          state_directory=self.folder / "state", **settings)

    def launch(self):
        self.bridge = self.machine.launch([TREE / "bridge" / "casesync-bridge", f"--config={self.folder}/bridge.conf"], self.log_file)

    def readiness(self):
        """What it says of itself; {} where it cannot be asked."""
        try:
            with urllib.request.urlopen(f"http://{self.peer}:9080/readyz", timeout=2) as reply:
                return json.load(reply)
        except (OSError, ValueError):
            return {}

    def is_ready(self):
        self.require_bridge()
        return self.readiness().get("status") == "ready"

    def signal(self, number):
        self.bridge.send_signal(number)


class Writer(threading.Thread):
    """Changes its own persons, one after another, at whichever server takes it. Remembers what was acknowledged."""

    def __init__(self, world, number):
        super().__init__(daemon=True)
        self.world, self.random = world, random.Random(number)
        self.persons = [n for n in range(1, PERSONS + 1) if n % WRITERS == number]
        self.values = {person: 0 for person in self.persons}
        self.acknowledged = []                              # (when, person, value)
        self.ending = threading.Event()

    def connect(self):
        hosts = [server.address for server in self.world.ensemble.servers]
        self.random.shuffle(hosts)                          # one that nobody answers for must not be first for ever
        return psycopg.connect(host=",".join(hosts), port=5432, dbname="town", user="postgres", target_session_attrs="read-write",
                               autocommit=True, connect_timeout=2, keepalives_idle=2, keepalives_interval=1, keepalives_count=3,
                               tcp_user_timeout=4000)

    def change(self, connection, person):
        value = self.values[person] = self.values[person] + 1
        with connection.transaction():
            connection.execute("UPDATE person SET v = %s WHERE id = %s", (value, person))
            connection.execute("INSERT INTO history VALUES (%s, %s)", (person, value))
        self.acknowledged.append((time.time(), person, value))

    def run(self):
        while not self.ending.is_set():
            try:
                with self.connect() as connection:
                    while not self.ending.is_set():
                        self.change(connection, self.random.choice(self.persons))
                        self.ending.wait(PAUSE)
            except psycopg.Error:
                self.ending.wait(0.2)


class World:
    def __init__(self, folder, ensemble, network):
        self.folder, self.ensemble = folder, ensemble
        self.node_id, self.key_file = uuid.uuid4(), folder / "bridge.key"
        self.partner = Partner(network.partner_address)
        self.bridges = [Bridge("left", 21, self), Bridge("right", 22, self)]
        self.writers = [Writer(self, number) for number in range(WRITERS)]

    def begin(self):
        self.ensemble.psql("CREATE DATABASE town ENCODING UTF8 TEMPLATE template0", database="postgres")
        self.ensemble.psql((TREE / "test" / "cluster" / "town.sql").read_text("utf-8"))
        self.ensemble.psql(f"""
            SELECT casesync.set_node('town.example', 'http://{self.bridges[0].peer}:8080', four_eyes => false);
            SELECT casesync.set_partner('ess.example', 'http://{self.partner.server_address[0]}:{self.partner.server_address[1]}',
                networks => '{{{self.partner.server_address[0]}/32}}', signature => 'unsigned_accepted');
            SELECT casesync.set_agreement('AGR', 'ess.example', registries => '{{person}}', subjects => 'true',
                fields => '{{programme_identifier.programme_name,enrollment_status}}', event_types => '{{enrolment_status_change}}',
                identifier_types => '{{NATIONAL_ID}}', on_leave => 'identifier_only', valid_from => now() - interval '1 hour', legal_basis => 'trial');
            SELECT casesync.activate('AGR');
            SELECT casesync.subscribe('ess.example', 'enrolment_status_change', 'Beneficiary');
            INSERT INTO person SELECT n, 0 FROM generate_series(1, {PERSONS}) n;
            INSERT INTO history SELECT id, v FROM person""")
        self.bridges[0].key_file = self.key_file
        self.bridges[0].make_key()
        self.start_bridges(wait_for_standby="synchronous")

    def start_bridges(self, **settings):
        for bridge in self.bridges:
            bridge.kill_bridge(signal.SIGKILL)
            bridge.configure(**settings)
            bridge.launch()
        for bridge in self.bridges:
            until(f"bridge {bridge.name} to be ready", bridge.is_ready, 60)

    def router(self):
        """Who routes, and the other."""
        def found():
            return next((b for b in self.bridges if b.readiness().get("routes")), None)
        router = until("one of the bridges to route", found, 60)
        return router, next(b for b in self.bridges if b is not router)

    # --- who writes ---------------------------------------------------------------------------------
    def begin_writing(self):
        for writer in self.writers:
            writer.start()

    def end_writing(self):
        for writer in self.writers:
            writer.ending.set()
        for writer in self.writers:
            writer.join(60)
        kept = [Writer(self, number) for number in range(WRITERS)]
        for old, new in zip(self.writers, kept, strict=True):
            new.values, new.acknowledged = old.values, old.acknowledged
        self.writers = kept

    def acknowledged(self, since=0.0):
        return [(at, person, value) for writer in self.writers for at, person, value in list(writer.acknowledged) if at >= since]

    # --- what came of it ----------------------------------------------------------------------------
    def first_told(self, after, peer=None):
        """The first item that came after a moment (from one of the bridges), and the first that tells of a change acknowledged after it."""
        news = {(person, value) for _, person, value in self.acknowledged(after)}
        came = [told for told in self.partner.items() if told.at > after and peer in (None, told.peer)]
        fresh = next((told for told in came if (told.person, told.value) in news), None)
        return fresh and (came[0], fresh)

    def partner_knows(self):
        knows = {}
        for told in self.partner.items():
            knows[told.person] = told.value
        return {person: value for person, value in knows.items() if value != GONE}

    def table(self):
        return {int(person): int(value) for person, value in
                (line.split("|") for line in self.ensemble.psql("SELECT id, v FROM person").splitlines())}

    def history(self):
        return {tuple(map(int, line.split("|"))) for line in self.ensemble.psql("SELECT person, v FROM history").splitlines()}

    def agrees(self, seconds=120):
        """Whether the partner comes to know what the table has; what differs, or ''."""
        table = self.table()
        try:
            until("the partner to know what the table has", lambda: self.partner_knows() == table, seconds)
        except DemoError:
            knows = self.partner_knows()
            return "; ".join(f"person {p}: table {table.get(p)}, partner {knows.get(p)}"
                             for p in sorted(table.keys() | knows.keys()) if table.get(p) != knows.get(p))
        return ""

    def stream(self):
        return self.ensemble.psql("SELECT stream FROM casesync.this_node")

    def wrong_numbers(self, stream):
        """Numbers of a stream that two items have, that came out of their order, or that are missing."""
        last, given, wrong = {}, {}, []
        for told in self.partner.items():
            if told.stream != stream:
                continue
            before = last.get(told.code)
            if given.setdefault((told.code, told.seq), told.reference_id) != told.reference_id:
                wrong.append(f"number {told.seq} was given twice")
            elif before is None or told.seq > before:
                if told.prev_seq != before:
                    wrong.append(f"{told.seq} names {told.prev_seq} as the one before it, which was {before}")
                last[told.code] = told.seq
        return wrong

    def problems(self):
        return self.ensemble.psql("SELECT coalesce(string_agg(problem, '; '), '') FROM casesync.health WHERE severity = 'critical'")

    def end(self):
        for writer in self.writers:
            writer.ending.set()
        for bridge in self.bridges:
            bridge.machine.end()


def cancel_wait(server, statements, name):
    """Somebody commits at a server that can reach no standby, and gives up waiting: to his server it is committed."""
    session = subprocess.Popen([server.bindir / "psql", "-X", "-q", "-h", server.folder, "-U", "postgres", "-d", "town", "-c", statements],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
                               env={"PGAPPNAME": name, "PATH": "/usr/bin:/bin"})
    until("the commit to wait for a standby", lambda: server.psql(
        f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event = 'SyncRep'") == "1")
    server.psql(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'")
    return session.communicate(timeout=60)[1]
