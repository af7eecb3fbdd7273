"""How the desk comes to a database: as the role of who has logged in and as nobody else; for beneficiaries as the
portal's role, one person in a transaction. What is given to a statement goes beside it, never into it."""

import contextlib
import secrets
import threading

import psycopg
from psycopg.rows import dict_row

# Somebody waits before the page: rather an error than a long wait.
OPTIONS = ("-c statement_timeout=5s -c lock_timeout=3s -c idle_in_transaction_session_timeout=10s"
           " -c search_path=pg_catalog -c timezone=UTC -c datestyle=ISO")


class Refused(Exception):
    """What the desk itself says no to, in the form of a database's error."""

    def __init__(self, message, detail=None, hint=None):
        super().__init__(message)
        self.news = {"message": message, "detail": detail, "hint": hint}


def changed(count, what):
    """Says what cannot be when a change found no row: the page was older than what there is."""
    if count == 0:
        raise Refused(f"{what} is not possible as things are now.", "Somebody was faster, or something is still missing.")


class Gone(Exception):
    """The connection has ended."""


def said(error):
    """A database's error as people read it."""
    diag = error.diag
    return {"message": diag.message_primary or str(error).strip() or "The database did not answer.",
            "detail": diag.message_detail, "hint": diag.message_hint}


def connect(system, role, password):
    return psycopg.connect(host=str(system.folder), port=system.database_port, dbname=system.name, user=role,
                           password=password, connect_timeout=5, application_name="desk", options=OPTIONS,
                           autocommit=True, row_factory=dict_row, prepare_threshold=None)


def asking(connection):
    def ask(statement, *values):
        done = connection.execute(statement, values)
        return done.fetchall() if done.description else done.rowcount
    return ask


class Worker:
    """Somebody whose login is a role of the database; the database knows the password."""

    def __init__(self, system, role, password):
        self.name = role
        self.connection = connect(system, role, password)

    @contextlib.contextmanager
    def work(self):
        """One transaction, and how to ask in it."""
        if self.connection.closed:
            raise Gone
        try:
            with self.connection.transaction():
                yield asking(self.connection)
        except psycopg.OperationalError as error:
            if self.connection.closed:
                raise Gone from error
            raise

    def close(self):
        self.connection.close()


class Portal:
    """The portal's connection, which is everybody's in turn, and the login's, which makes the tokens. In earnest
    these are two servers: who takes tokens must not be able to make them."""

    def __init__(self, system, passwords):
        self.system, self.passwords = system, passwords
        self.lock = threading.Lock()
        self.connections = {}

    def connection(self, role):
        if role not in self.connections or self.connections[role].closed:
            self.connections[role] = connect(self.system, role, self.passwords[role])
        return self.connections[role]

    def person_known_by(self, number):
        with self.lock:
            return asking(self.connection("portal_login"))(
                "SELECT casework.person_known_by('NATIONAL_ID', %s) AS person", number)[0]["person"]

    @contextlib.contextmanager
    def visit(self, person):
        with self.lock:
            token = asking(self.connection("portal_login"))(
                "SELECT casework.person_token(%s, '1 minute') AS token", person)[0]["token"]
            portal = self.connection("portal")
            try:
                with portal.transaction():
                    ask = asking(portal)
                    ask("SELECT casework.as_person(%s)", token)
                    yield ask
            finally:
                if not portal.closed:
                    portal.execute("DISCARD ALL")

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Beneficiary:
    """Somebody at the portal: proven anew in each transaction."""

    def __init__(self, portal, person, name):
        self.portal, self.person, self.name = portal, person, name

    def work(self):
        return self.portal.visit(self.person)

    def close(self):
        pass


def new_password():
    """Short enough to be typed: 40 bits, for a page of this machine that counts wrong logins."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(2))
