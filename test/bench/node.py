"""The node that is measured: one cluster with durable commits and room for bulk, a database for each group of
figures, a bridge, and a partner that takes all. Knows how to begin and to come to rest; measures nothing."""

import os
import subprocess
import time
import urllib.request
import uuid

import psycopg
from system import DemoError, System, printed, until

# Checkpoints and their full pages would come in some rounds and not in others.
SERVER = {"shared_buffers": "512MB", "max_connections": 250, "max_wal_size": "16GB", "checkpoint_timeout": "1h",
          "max_prepared_transactions": 0}
WITH_CASESYNC = """
CREATE EXTENSION casesync;
SELECT casesync.grant_access('casesync_bridge', 'bridge');
SELECT casesync.set_node('bench.example.org', 'http://127.0.0.1:1', four_eyes => false);
"""
# Large transactions wait in the queue of subjects to be looked at.
ROUTED = "SELECT casesync_internal.unrouted_since() IS NULL AND NOT EXISTS (SELECT FROM casesync_internal.look_again_entry)"


class Node(System):
    """A System whose database is another one for each group; its session is for questions of our own."""

    def __init__(self, bindir, folder, quick):
        super().__init__("bench", "bench.example.org", bindir, folder)
        self.quick = quick
        self.databases = set()
        self.node_id = uuid.uuid4()     # a database that another bridge comes to is silent
        self.tools = {}
        self.session = None
        self.helpers = []

    def begin(self):
        self.start_cluster(**SERVER)
        self.do("CREATE ROLE casesync_bridge LOGIN;")
        self.make_key()

    def open_database(self, name, *statements):
        """With casesync in it and what statements make; no bridge yet. Whether it is a new one."""
        is_new = name not in self.databases
        self.name = name
        self.url = f"http://127.0.0.1:{self.port}/{name}"
        if is_new:
            self.databases.add(name)
            self.run("createdb", "-h", self.folder, "-U", "postgres", "-T", "template0", name)
            self.do(WITH_CASESYNC + "".join(statements))
        self.session = psycopg.connect(self.conninfo(), autocommit=True)
        self.ask("SET client_min_messages = warning")
        self.ask("CHECKPOINT")
        self.write_config(node_id=self.node_id, retry_cap="500ms")
        return is_new

    def close_database(self):
        self.kill_bridge()
        for helper in self.helpers:
            helper.kill()
            helper.wait()
        self.helpers = []
        if self.session is not None:
            self.session.close()
            self.session = None

    def conninfo(self, role="postgres"):
        return f"host={self.folder} port={self.database_port} dbname={self.name} user={role}"

    def ask(self, query, *values):
        """The rows of one statement, by the session that stays."""
        cursor = self.session.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []

    def one(self, query, *values):
        return self.ask(query, *values)[0][0]

    # --- rest -----------------------------------------------------------------------------------
    def settle(self, deadline=300.0):
        """Until what was changed is routed, and what was routed delivered."""
        until("what was changed to be routed", lambda: self.rested(ROUTED), deadline)
        until("what was routed to be delivered", lambda: self.rested(
            "SELECT coalesce(sum(due), 0) = 0 FROM casesync.queue"), deadline)

    def rests_within(self, query, seconds):
        """Whether it has come to rest by then."""
        end = time.monotonic() + seconds
        while not self.rested(query):
            if time.monotonic() > end:
                return False
        return True

    def rested(self, query):
        """Asked now and then only: to ask is work for the server too."""
        self.require_bridge()
        if self.one(query):
            return True
        time.sleep(0.05)
        return False

    # --- programs beside it ---------------------------------------------------------------------
    def build(self, source, *options):
        """A program of this folder, compiled beside the node."""
        target = self.folder / source.stem
        printed([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", "-pthread", "-o", target, source, *options])
        self.tools[source.stem] = target
        return target

    def build_library(self, source):
        """A library for the server, with nothing of this tree's in it."""
        target = self.folder / (source.stem + ".so")
        if not target.exists():
            include = printed([os.environ.get("PG_CONFIG", "pg_config"), "--includedir-server"]).strip()
            printed([os.environ.get("CC", "cc"), "-O2", "-Wall", "-shared", "-fPIC", f"-I{include}", "-D_GNU_SOURCE",
                     "-o", target, source])
        return target

    def start_helper(self, program, *arguments, **options):
        """One that ends with its standard input, or with the group; it has begun once it says so."""
        helper = subprocess.Popen([self.tools[program], *(str(word) for word in arguments)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, encoding="ascii", **options)
        self.helpers.append(helper)
        helper.begun = helper.stdout.readline().strip()
        if not helper.begun:
            raise DemoError(f"{program} did not begin")
        return helper

    def end_helper(self, helper):
        """What it says at its end."""
        said, _ = helper.communicate(timeout=60)
        self.helpers.remove(helper)
        if helper.returncode != 0:
            raise DemoError(f"a program beside the node ended with {helper.returncode}: {said}")
        return said

    def fetch(self, url):
        with urllib.request.urlopen(url, timeout=30) as reply:
            return reply.read().decode("utf-8")
