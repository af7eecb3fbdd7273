"""A system to try casesync on: a throwaway PostgreSQL cluster with an application in it, and the
bridge beside it. Knows how to start, ask and stop; nothing of what it is used to show."""

import csv
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
import uuid

TREE = pathlib.Path(__file__).resolve().parents[2]
DEMO_FOLDER = TREE / "test" / "demo"


class DemoError(Exception):
    """Something did not happen as the demo needs it; the text says what."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, fetch, deadline=30.0):
    """The first true value of fetch(); an error that names what was waited for at the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = fetch()
        if value:
            return value
        if time.monotonic() > end:
            raise DemoError(f"waited {deadline:.0f} s in vain for: {what}; last seen: {value!r}")
        time.sleep(0.01)


def printed(command, **options):
    """What a program prints; an error with all it said when it fails. Always UTF-8, whatever the locale."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, **options)
    if done.returncode != 0:
        raise DemoError(f"{pathlib.Path(command[0]).name} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def stage(folder):
    """A private PostgreSQL with this tree's casesync in folder; its bin directory."""
    return printed([TREE / "test" / "stage", os.environ.get("PG_CONFIG", "pg_config"), folder / "pg"]).strip()


class System:
    """name is the database and the file stem (sp, ess), sender_id what partners know it by."""

    def __init__(self, name, sender_id, bindir, folder):
        self.name = name
        self.sender_id = sender_id
        self.bindir = pathlib.Path(bindir)
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.port = free_port()
        self.ops_port = free_port()
        self.database_port = 5432       # that of a socket in our own folder
        self.url = f"http://127.0.0.1:{self.port}/{name}"
        self.key_file = self.folder / "bridge.key"
        self.log_file = self.folder / "bridge.log"
        self.bridge = None
        self.partner = None

    # --- the cluster --------------------------------------------------------------------------
    def run(self, program, *arguments):
        return printed([self.bindir / program, *arguments])

    def start_cluster(self, **settings):
        data = str(self.folder / "data")
        self.run("initdb", "-D", data, "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
                 "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        settings = {"listen_addresses": "", "unix_socket_directories": self.folder, "timezone": "UTC",
                    "shared_buffers": "64MB", "port": self.database_port, **settings}
        with open(self.folder / "data" / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.run("pg_ctl", "-D", data, "-l", str(self.folder / "server.log"), "-w", "start")
        self.run("createdb", "-h", str(self.folder), "-p", str(self.database_port), "-U", "postgres", self.name)

    def ask_for_passwords(self, passwords):
        """Who comes to the socket in our own folder is believed; from now on these roles are asked."""
        self.do("".join("ALTER ROLE {} PASSWORD '{}';".format(role, password.replace("'", "''"))
                        for role, password in passwords.items()))
        access = self.folder / "data" / "pg_hba.conf"
        access.write_text("".join(f"local all {role} scram-sha-256\n" for role in passwords)
                          + access.read_text(encoding="ascii"), encoding="ascii")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "reload")
        for role in passwords:
            until(f"{role} to be asked for a password", lambda r=role: subprocess.run(
                [self.bindir / "psql", "-X", "-w", "-h", self.folder, "-p", str(self.database_port), "-U", r, "-d", self.name,
                 "-c", ""], capture_output=True, check=False, env={**os.environ, "PGPASSFILE": "/dev/null"}).returncode != 0)

    def stop_cluster(self):
        if (self.folder / "data" / "postmaster.pid").exists():
            subprocess.run([self.bindir / "pg_ctl", "-D", self.folder / "data", "-m", "immediate",
                            "-w", "stop"], capture_output=True, check=False)

    def psql(self, *arguments, role="postgres", text=None):
        command = [self.bindir / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
                   "-p", str(self.database_port), "-U", role, "-d", self.name, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False,
                              env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning", "PGCLIENTENCODING": "UTF8"})
        if done.returncode != 0:
            raise DemoError(f"{self.name}: {done.stderr.strip()}\n{text or ''}")
        return done.stdout

    def load(self, file, **variables):
        settings = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        return self.psql("-f", str(DEMO_FOLDER / file), *settings)

    def do(self, statements, role="postgres"):
        """Runs statements as they stand, each committed by itself unless they say otherwise."""
        return self.psql("-A", "-t", role=role, text=statements)

    def rows(self, query, role="postgres"):
        """The rows of one query as dictionaries of texts; NULL is the empty text."""
        return list(csv.DictReader(io.StringIO(self.psql("--csv", "-c", query, role=role))))

    def value(self, query, role="postgres"):
        return self.psql("-A", "-t", "-c", query, role=role).strip()

    # --- the bridge ---------------------------------------------------------------------------
    def make_key(self):
        printed(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.key_file])
        self.key_file.chmod(0o600)

    def public_key(self):
        """The public key as a JWK, as it is given to partners."""
        lines = printed([TREE / "bridge" / "casesync-bridge", "--print-key", f"--key_file={self.key_file}"]).splitlines()
        return dict(line.split(": ", 1) for line in lines)["jwk"]

    def write_config(self, **settings):
        settings = {
            "database": f"host={self.folder} port={self.database_port} dbname={self.name} user=casesync_bridge",
            "node_id": uuid.uuid4(), "key_file": self.key_file,
            "listen": f"127.0.0.1:{self.port}", "ops_listen": f"127.0.0.1:{self.ops_port}",
            "base_path": f"/{self.name}", "secrets_directory": self.folder / "secrets",
            "allow_http": "on",         # both systems are on this machine
            "retry_base": "200ms", **settings}
        (self.folder / "bridge.conf").write_text(
            "".join(f"{name} = '{value}'\n" for name, value in settings.items()), encoding="ascii")

    def introduce_to(self, other):
        """Becomes a client of the other one's token endpoint: its secret goes to a file beside our bridge."""
        client, secret = other.value(f"SELECT * FROM casesync.issue_client('{self.sender_id}')").split("|")
        folder = self.folder / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / other.name).touch(mode=0o600)
        (folder / other.name).write_text(secret + "\n", encoding="ascii")
        self.do(f"""SELECT casesync.set_partner('{other.sender_id}', token_url => '{other.url}/oauth2/client/token',
                    client_id => '{client}', secret_name => '{other.name}');""")
        return client, secret

    def token(self, client_id, client_secret):
        """A bearer token from our token endpoint, and for how many seconds it is good."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": client_id,
                                       "client_secret": client_secret})
        with urllib.request.urlopen(self.url + "/oauth2/client/token", form.encode(), timeout=10) as reply:
            answer = json.load(reply)
        return answer["access_token"], answer["expires_in"]

    def start_bridge(self):
        with open(self.log_file, "ab") as log:
            self.bridge = subprocess.Popen([TREE / "bridge" / "casesync-bridge",
                                            f"--config={self.folder}/bridge.conf"], stderr=log, stdout=log)
        until(f"{self.name}'s bridge to be ready", self.is_ready)

    def is_ready(self):
        self.require_bridge()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}/readyz", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def require_bridge(self):
        """An error with its last words when the bridge has ended."""
        if self.bridge.poll() is not None:
            said = self.log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise DemoError(f"{self.name}'s bridge ended with code {self.bridge.returncode}: {' '.join(said)}")

    def kill_bridge(self, by=signal.SIGTERM):
        if self.bridge is not None and self.bridge.poll() is None:
            self.bridge.send_signal(by)
            try:
                self.bridge.wait(10)
            except subprocess.TimeoutExpired:
                self.bridge.kill()
                self.bridge.wait()
        self.bridge = None

    def stop(self):
        self.kill_bridge()
        self.stop_cluster()
