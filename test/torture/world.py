"""The world of a history: a node with the town's application (town.sql), one or two bridges, the partners, and
the sessions that write. Knows how to build, ask, start and end; neither what goes wrong nor what is right."""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from system import DemoError, System, TREE, until  # noqa: E402

from partners import Partners  # noqa: E402
from plan import CONDITIONS, EVENTS, FIELDS, IDENTIFIERS, ON_LEAVE, PARTNERS, REGISTRIES  # noqa: E402

SERVER = {"fsync": "off", "max_prepared_transactions": 20, "max_connections": 80, "track_commit_timestamp": "on", "deadlock_timeout": "200ms",
          "log_min_messages": "warning", "log_line_prefix": "%m [%p] %a: ", "autovacuum_naptime": "5s"}
RECORD = {"person": "Member", "works": "Beneficiary"}


CLAIMS = []  # of ports; they end with the process


def port_for_bridge():
    """One that no connection going out and no other run takes while the bridge is away (it is killed and comes back)."""
    while True:
        port = random.randrange(16000, 32000)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0casesync-torture-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        CLAIMS.append(claim)
        return port


class Lost(Exception):
    """The session is gone; whether what was under way has happened nobody can say."""


class Refused(Exception):
    """The server said no; the text is its error."""


class Session:
    """A psql that stays: statements go in, rows come out. It must be closed."""

    def __init__(self, town, name, options=""):
        self.process = subprocess.Popen(
            [town.bindir / "psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-h", town.folder, "-p", str(town.database_port), "-U", "postgres",
             "-d", town.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            env={**os.environ, "PGAPPNAME": name, "PGOPTIONS": options, "PGCLIENTENCODING": "UTF8", "PGCONNECT_TIMEOUT": "5"})
        self.number = 0
        self.warnings = []

    def run(self, text):
        """The rows of all statements; an error after the last one when any of them failed."""
        self.number += 1
        mark = f"-- done {self.number}"
        errors, rows, self.warnings = [], [], []
        try:
            self.process.stdin.write(f"{text}\n;\n\\echo '{mark}'\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Lost(str(error)) from error
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == mark:
                break
            if re.match(r"(psql: error|ERROR|FATAL|PANIC|server closed)", line):
                errors.append(line)
            elif line.startswith("WARNING:"):
                self.warnings.append(line)
            elif not re.match(r"(DETAIL|HINT|CONTEXT|NOTICE|LINE \d+|LOCATION|STATEMENT):", line):
                rows.append(line.split("\x1f"))
        else:
            raise Lost("; ".join(errors) or "the session has ended")
        if errors:
            raise Refused(errors[0])
        return rows

    def close(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass


class Town(System):
    """The node: its server and its bridges, by number."""

    def __init__(self, bindir, folder):
        super().__init__("town", "town.example", bindir, folder)
        self.port, self.ops_port = port_for_bridge(), port_for_bridge()
        self.url = f"http://127.0.0.1:{self.port}/town"
        self.bridges = {}
        self.ports = {}
        self.node_id = str(uuid.uuid4())
        self.ended = set()          # those that we have ended
        self.ended_by_themselves = []

    @staticmethod
    def template(bindir, folder):
        """A stopped cluster with the application in it; made once, copied for each history."""
        folder.mkdir(parents=True)
        town = Town(bindir, folder)
        town.start_cluster(**SERVER)
        town.psql("-f", str(HERE / "town.sql"))
        town.server("stop", "-m", "fast")
        return town.folder / "data"

    def server(self, *arguments):
        return subprocess.run([self.bindir / "pg_ctl", "-D", self.folder / "data", "-l", str(self.folder / "server.log"), "-w", *arguments],
                              capture_output=True, text=True, check=False)

    def begin_from(self, data):
        shutil.copytree(data, self.folder / "data", symlinks=True)
        (self.folder / "data").chmod(0o700)
        with open(self.folder / "data" / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write(f"unix_socket_directories = '{self.folder}'\n")
        self.server("start")
        self.bring_up()
        self.make_key()

    def answers(self):
        try:
            return self.value("SELECT 1") == "1"
        except DemoError:
            return False

    def bring_up(self):
        """The server answers; started where nobody else does."""
        def is_up():
            if self.answers():
                return True
            if self.server("status").returncode != 0:
                self.server("start")
            return False
        until("the server to answer", is_up, 90)

    def ask(self, query):
        """Rows as lists of texts, also when the server is away for a moment."""
        end = time.monotonic() + 90
        while True:
            try:
                return [line.split("\x1f") for line in self.psql("-A", "-t", "-F", "\x1f", "-c", query).splitlines()]
            except DemoError:
                if time.monotonic() > end or self.answers():
                    raise
                self.bring_up()

    # --- bridges ------------------------------------------------------------------------------------
    def configure_bridge(self, number, **settings):
        self.ports[number] = (self.port, self.ops_port) if number == 1 else (port_for_bridge(), port_for_bridge())
        listen, ops = self.ports[number]
        self.write_config(node_id=self.node_id, listen=f"127.0.0.1:{listen}", ops_listen=f"127.0.0.1:{ops}", **settings)
        (self.folder / "bridge.conf").rename(self.folder / f"bridge{number}.conf")

    def launch_bridge(self, number):
        self.ended.discard(number)
        with open(self.folder / f"bridge{number}.log", "ab") as log:
            self.bridges[number] = subprocess.Popen([TREE / "bridge" / "casesync-bridge", f"--config={self.folder}/bridge{number}.conf"],
                                                    stderr=log, stdout=log)

    def signal_bridge(self, number, what):
        process = self.bridges.get(number)
        if process is None:
            return False
        if process.poll() is not None:
            if number not in self.ended:
                self.ended_by_themselves.append((number, process.returncode))
            return False
        process.send_signal(what)
        return True

    def end_bridge(self, number, what):
        if self.signal_bridge(number, what):
            self.ended.add(number)
            try:
                self.bridges[number].wait(60)
            except subprocess.TimeoutExpired:
                self.ended_by_themselves.append((number, "did not end"))
                self.bridges[number].kill()
        self.bridges[number].wait()

    def is_routing(self):
        """Whether one of the bridges says that it routes."""
        for _, ops in self.ports.values():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{ops}/readyz", timeout=2) as reply:
                    if json.load(reply).get("routes"):
                        return True
            except (OSError, ValueError):
                pass
        return False

    def end_all(self):
        for process in self.bridges.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.stop_cluster()


class Writer(threading.Thread):
    """A connection of the application: its transactions of the plan, one after another. What fails is part of the history."""

    def __init__(self, world, number, transactions):
        super().__init__(daemon=True)
        self.world, self.number, self.transactions = world, number, transactions
        self.session = None
        self.prepared = None            # name of a transaction whose second phase is still to come
        self.failures = 0

    def finish_prepared(self):
        name, verb = self.prepared
        if self.session.run(f"SELECT 1 FROM pg_prepared_xacts WHERE gid = '{name}'"):
            self.session.run(f"{verb} PREPARED '{name}'")
        self.prepared = None

    def transaction(self, number, t):
        people = "{" + ",".join(map(str, t.people)) + "}"
        is_all = len(t.people) == self.world.plan.people
        done = f"SELECT town.done('{people}', {is_all})"
        if not t.hold and t.end == "commit" and number % 3 == 0:
            self.session.run("BEGIN;\n" + ";\n".join(t.statements) + f";\n{done};\nCOMMIT")
            return
        self.session.run("BEGIN")
        for statement in t.statements:
            self.session.run(statement)
            if t.hold:
                self.world.ending.wait(t.hold)
        if t.end == "rollback":
            self.session.run("ROLLBACK")
            return
        self.session.run(done)
        if t.end == "commit":
            self.session.run("COMMIT")
            return
        name = f"w{self.number}_{number}"
        self.session.run(f"PREPARE TRANSACTION '{name}'")
        self.prepared = (name, "ROLLBACK" if t.end == "prepare_rollback" else "COMMIT")
        self.world.ending.wait(t.pause)
        self.finish_prepared()

    def step(self, number, t):
        try:
            if self.session is None:
                self.session = Session(self.world.town, f"writer {self.number}", "-c statement_timeout=30s")
            if self.prepared:
                self.finish_prepared()
            self.transaction(number, t)
        except Refused as error:
            self.failures += 1
            self.world.note("writer refused", writer=self.number, number=number, error=str(error))
            self.rollback()
        except Lost:
            self.failures += 1
            self.session.close()
            self.session = None
            until("the server to answer a writer", self.world.town.answers, 120)

    def rollback(self):
        try:
            self.session.run("ROLLBACK")
        except Refused:
            pass                    # there was none, after a COMMIT that failed
        except Lost:
            self.session.close()
            self.session = None

    def run(self):
        for number, t in enumerate(self.transactions):
            self.step(number, t)
            self.world.transaction_done()
            self.world.ending.wait(t.pause)
        while self.prepared:
            self.step(-1, type(self.transactions[0])([], [], "rollback", 0, 0))
        if self.session is not None:
            self.session.close()


class World:
    """Everything together, and what happened to it (events.jsonl)."""

    def __init__(self, plan, bindir, template, folder):
        self.plan, self.folder = plan, folder
        folder.mkdir(parents=True)
        self.town = Town(bindir, folder)
        self.events = []
        self.events_file = open(folder / "events.jsonl", "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.done, self.total = 0, sum(map(len, plan.writers))
        self.progress = threading.Condition()
        self.ending = threading.Event()
        self.versions = []
        self.subscriptions = []
        self.stops = []
        self.gaps = []
        self.retried = set()      # reference_ids of dead letters that were tried once more
        self.partners = Partners(PARTNERS, plan.seed, folder / "received.jsonl")
        self.partners.start()
        self.template = template

    def begin(self):
        self.town.begin_from(self.template)
        self.set_up()

    def note(self, what, **more):
        entry = {"at": time.time(), "what": what, **more}
        with self.lock:
            self.events.append(entry)
            self.events_file.write(json.dumps(entry, default=str) + "\n")
            self.events_file.flush()

    # --- progress: faults are placed by how many transactions are over -------------------------------
    def transaction_done(self):
        with self.progress:
            self.done += 1
            self.progress.notify_all()

    def wait_done(self, count):
        with self.progress:
            self.progress.wait_for(lambda: self.done >= min(count, self.total) or self.ending.is_set())

    # --- setting up ---------------------------------------------------------------------------------
    def url(self, name, number=0):
        return f"http://127.0.0.1:{self.partners.partners[name].ports[number]}/{name}"

    def set_up(self):
        town, plan = self.town, self.plan
        secrets = town.folder / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "brief").touch(mode=0o600)
        (secrets / "brief").write_text("secret\n", encoding="ascii")
        statements = [f"SELECT casesync.set_node('town.example', '{town.url}', four_eyes => false);"]
        for name in PARTNERS:
            token = f", token_url => '{self.url(name)}/token', client_id => 'x', secret_name => 'brief'" if name == "brief" else ""
            statements.append(f"SELECT casesync.set_partner('{name}', '{self.url(name)}', networks => '{{127.0.0.0/8}}'{token});")
            # Any key will do: nobody tells us anything.
            statements.append(f"SELECT casesync.add_key('{name}', '{town.public_key()}');")
        town.do("\n".join(statements))
        for name in PARTNERS:
            self.new_version(name, FIELDS[name][0], CONDITIONS[name][0], is_first=True)
            for registry in REGISTRIES[name]:
                for event in EVENTS:
                    self.subscribe(name, registry, event)
        for event in EVENTS:
            self.subscribe("all", "person", event, area="North")
        for number in range(1, plan.bridges + 1):
            town.configure_bridge(number, retry_base="100ms", retry_cap="1s", send_timeout="4s", connect_timeout="2s", **plan.settings)
        people = ",".join(map(str, range(1, plan.people + 1)))
        town.do(f"""BEGIN;
            INSERT INTO town.person (id, area, word, v)
            SELECT n, (ARRAY['North','South','East','West'])[1 + n % 4], 'act', nextval('town.number') FROM generate_series(1, {plan.people}) n;
            INSERT INTO town.consent SELECT n, n % 3 <> 0 FROM generate_series(1, {plan.people}) n;
            INSERT INTO town.stay (person_id, scheme_id, word, v)
            SELECT n, 1 + n % 4, 'act', nextval('town.number') FROM generate_series(1, {plan.people}) n WHERE n % 5 <> 0;
            SELECT town.done('{{{people}}}', true);
            COMMIT;""")

    def new_version(self, name, fields, condition, is_first=False):
        """A version is written and activated. When it began to count, at the earliest and at the latest, is noted."""
        terms = f"fields => '{{{','.join(fields)}}}', subjects => $s${condition}$s$"
        if is_first:
            terms += (f", registries => '{{{','.join(REGISTRIES[name])}}}', event_types => '{{{','.join(EVENTS)}}}', identifier_types => "
                      f"'{{{IDENTIFIERS[name]}}}', on_leave => '{ON_LEAVE[name]}', services => '{{notify,backfill}}', subscribing => 'auto', legal_basis => 'law', "
                      f"valid_from => '2020-01-01'" + (", filter_fields => '{area}'" if name == "all" else ""))
        version = {"partner": name, "fields": list(fields), "condition": condition, "begun": None, "done": None}
        try:
            self.town.ask(f"SELECT casesync.set_agreement('AGR-{name}', '{name}', {terms})")
            version["number"] = int(self.town.ask(
                f"SELECT max(version) FROM casesync_internal.agreement WHERE agreement = 'AGR-{name}'")[0][0])
            version["order"] = self.partners.mark()
            version["begun"] = time.time()
            self.town.ask(f"SELECT casesync.activate('AGR-{name}', {version['number']})")
        except DemoError as error:
            self.note("version failed", partner=name, error=str(error))
            state = version.get("number") and self.town.ask(f"SELECT state FROM casesync_internal.agreement WHERE agreement = 'AGR-{name}' "
                                                            f"AND version = {version['number']}")
            if not state or state[0][0] not in ("active", "suspended"):
                return False
        version["done"] = time.time()
        self.versions.append(version)
        self.note("version", **version)
        return True

    def subscribe(self, name, registry, event, area=None):
        wish = ", filter => '{\"area\": {\"eq\": \"%s\"}}', filter_type => 'expression'" % area if area else ""
        begun = self.partners.mark()
        try:
            code = self.town.ask(f"SELECT casesync.subscribe('{name}', '{event}', '{RECORD[registry]}'{wish}, registry => '{registry}')")[0][0]
        except DemoError as error:
            self.note("subscribe failed", error=str(error))
            return
        self.subscriptions.append({"code": code, "partner": name, "registry": registry, "event": event, "area": area, "begun": begun,
                                   "done": time.time(), "ended": None, "backfills": []})
        self.note("subscribed", **self.subscriptions[-1])

    def backfill(self, entry):
        entry["backfills"].append(time.time())
        self.note("backfill", code=entry["code"])
        try:
            self.town.ask(f"SELECT casesync.backfill('{entry['code']}')")
        except DemoError as error:
            self.note("backfill failed", error=str(error))

    def unsubscribe(self, entry):
        try:
            self.town.ask(f"SELECT casesync.unsubscribe('{entry['code']}', 'no longer')")
        except DemoError as error:
            self.note("unsubscribe failed", error=str(error))
            if self.town.ask(f"SELECT state FROM casesync_internal.subscription WHERE code = '{entry['code']}'")[0][0] == "active":
                return
        entry["ended"] = time.time()
        self.note("unsubscribed", code=entry["code"])

    def end(self):
        self.ending.set()
        self.town.end_all()
        self.partners.end()
        self.events_file.close()
