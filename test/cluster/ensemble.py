"""Three servers under patroni, each with a member of etcd. Knows how to start, ask and kill them; nothing of casesync."""

import datetime
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request

import yaml

from network import Machine, forget_memory, keep_in_memory
from system import DemoError, printed, until

PORT, REST, ETCD, PEERS = 5432, 8008, 2379, 2380
NAMES = ("one", "two", "three")

# What all members agree on, in etcd. Times as patroni's own: who has lost touch knows it before the others choose anew.
SETTINGS = {
    "ttl": 30, "loop_wait": 5, "retry_timeout": 10, "synchronous_mode": True, "maximum_lag_on_failover": 16777216,
    "postgresql": {"use_pg_rewind": True, "parameters": {
        "wal_level": "replica", "wal_log_hints": "on", "max_wal_senders": 10, "wal_keep_size": "512MB", "max_connections": 100}},
}
# Processes are killed here, not machines.
LOCAL = {"shared_buffers": "64MB", "fsync": "off", "timezone": "UTC", "log_timezone": "UTC", "log_line_prefix": "%m [%p] ", "logging_collector": "off",
         "autovacuum_naptime": "10s"}
ACCESS = ["local all all trust", "host all all 10.77.0.0/24 trust", "host replication all 10.77.0.0/24 trust"]


class Server:
    def __init__(self, folder, bindir, number):
        self.name = NAMES[number]
        self.machine = Machine(self.name, 11 + number)
        self.address = self.machine.address
        self.folder, self.bindir = folder / self.name, bindir
        self.folder.mkdir()
        self.data, self.log = self.folder / "data", self.folder / "patroni.log"
        self.patroni = None

    def start_etcd(self, folder, all_servers):
        mine = f"http://{self.machine.consensus}"
        self.machine.launch([
            "etcd", "--name", self.name, "--data-dir", folder / self.name, "--initial-cluster-state", "new", "--initial-cluster-token", "cases",
            "--initial-cluster", ",".join(f"{s.name}=http://{s.machine.consensus}:{PEERS}" for s in all_servers),
            "--initial-advertise-peer-urls", f"{mine}:{PEERS}", "--listen-peer-urls", f"{mine}:{PEERS}",
            "--advertise-client-urls", f"{mine}:{ETCD}", "--listen-client-urls", f"{mine}:{ETCD}",
            "--enable-v2", "--heartbeat-interval", "250", "--election-timeout", "2500"], self.folder / "etcd.log")

    def start_patroni(self, all_servers):
        config = {
            "scope": "cases", "name": self.name,
            "restapi": {"listen": f"{self.address}:{REST}", "connect_address": f"{self.address}:{REST}"},
            # Not etcd3: with that 3.0.2 takes the lock from a new leader when a cut network heals.
            "etcd": {"hosts": [f"{s.machine.consensus}:{ETCD}" for s in all_servers]},
            "bootstrap": {"dcs": SETTINGS, "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "no-sync"]},
            "postgresql": {
                "listen": f"{self.address}:{PORT}", "connect_address": f"{self.address}:{PORT}", "data_dir": str(self.data),
                "bin_dir": str(self.bindir), "pgpass": str(self.folder / "pgpass"), "pg_hba": ACCESS,
                "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "replicator"}},
                "parameters": {**LOCAL, "unix_socket_directories": str(self.folder)}}}
        file = self.folder / "patroni.yml"
        file.write_text(yaml.safe_dump(config), encoding="ascii")
        self.patroni = self.machine.launch(["patroni", file], self.log)

    def ask_patroni(self, path):
        """The status, and what it says; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{REST}{path}", timeout=2) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {}
        except (OSError, ValueError):
            return 0, {}

    def is_leader(self):
        return self.ask_patroni("/leader")[0] == 200

    def is_synchronous(self):
        return self.ask_patroni("/sync")[0] == 200

    def is_streaming(self):
        status, said = self.ask_patroni("/replica")
        return status == 200 and said.get("state") == "running"

    def kill(self):
        """patroni and the postmaster at once; what the postmaster leaves behind ends by itself."""
        pid = int((self.data / "postmaster.pid").read_text("ascii").split()[0])
        self.patroni.kill()
        os.kill(pid, signal.SIGKILL)
        self.patroni.wait()

    def end(self):
        self.machine.end()
        subprocess.run([self.bindir / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop"], capture_output=True, check=False)

    def psql(self, statements, database="town"):
        """By the socket in our own folder, which no cut network reaches."""
        return printed([self.bindir / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(PORT), "-U", "postgres",
                        "-d", database, "-c", statements], timeout=60, env={**os.environ, "PGCONNECT_TIMEOUT": "5"}).strip()

    def says(self, statements, database="town"):
        """The same; '' where it does not answer now."""
        try:
            return self.psql(statements, database)
        except (DemoError, subprocess.TimeoutExpired):
            return ""

    def promoted_at(self, after):
        """When it was last asked to become the primary, by its own log; None before that."""
        last = None
        for text in re.findall(r"^(\S+ \S+) UTC \[\d+\] LOG:  received promote request", self.log.read_text("utf-8", "replace"), re.MULTILINE):
            at = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()
            last = at if at > after else last
        return last


class Ensemble:
    def __init__(self, folder, bindir):
        self.folder, self.bindir = folder, bindir
        self.servers = [Server(folder, bindir, number) for number in range(len(NAMES))]

    def end(self):
        for server in self.servers:
            server.end()
        forget_memory(self.folder / "etcd")

    def start(self):
        keep_in_memory(self.folder / "etcd")
        for server in self.servers:
            server.start_etcd(self.folder / "etcd", self.servers)
        self.servers[0].start_patroni(self.servers)
        until("the first server to lead", self.servers[0].is_leader, 120)
        for server in self.servers[1:]:
            server.start_patroni(self.servers)
        self.wait_whole()

    def conninfo(self, role, database="town"):
        """For clients: whichever of the three takes writes."""
        return (f"host={','.join(s.address for s in self.servers)} port={PORT} dbname={database} user={role} "
                "target_session_attrs=read-write")

    def leader(self):
        return next((server for server in self.servers if server.is_leader()), None)

    def others(self, server):
        return [other for other in self.servers if other is not server]

    def wait_leader(self, other_than, seconds=120):
        def found():
            leader = self.leader()
            return leader if leader is not other_than else None
        return until(f"a leader other than {other_than.name}", found, seconds)

    def wait_whole(self, is_synchronous=True):
        """A leader, two who follow, one of them synchronous."""
        def is_whole():
            leader = self.leader()
            return leader and all(s.is_streaming() for s in self.others(leader)) and (
                not is_synchronous or any(s.is_synchronous() for s in self.others(leader))) and leader.says(
                    "SELECT count(DISTINCT application_name) FROM pg_stat_replication WHERE state = 'streaming'", "postgres") == "2"
        until("all three servers to be in their places", is_whole, 300)
        return self.leader()

    def agree(self, **settings):
        """Settings of all members, in etcd."""
        request = urllib.request.Request(f"http://{self.leader().address}:{REST}/config", json.dumps(settings).encode(),
                                         {"Content-Type": "application/json"}, method="PATCH")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def rejoin(self, server):
        server.start_patroni(self.servers)

    def psql(self, statements, database="town"):
        done = subprocess.run([self.bindir / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo("postgres", database), "-f", "-"],
                              input=statements, capture_output=True, encoding="utf-8", check=False,
                              env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning", "PGCONNECT_TIMEOUT": "5"})
        if done.returncode != 0:
            raise DemoError(f"{done.stderr.strip()}\n{statements}")
        return done.stdout.strip()
