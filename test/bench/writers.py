"""Writers: pgbench on one table of tables.sql, and what a statement takes. Knows the tables, not what is compared."""

import os
import pathlib
import re

from proc import children, children_cpu_seconds
from system import DemoError, printed, until

HERE = pathlib.Path(__file__).resolve().parent
ASYNC = "-c synchronous_commit=off"


def open_tables(node):
    """A database with a table for each way of capture, a bridge, and somebody who listens to the others'."""
    node.rows_of_table = 20_000 if node.quick else 100_000
    if node.open_database("tables"):
        library = node.build_library(HERE / "floor_capture.c")
        node.psql("-f", str(HERE / "tables.sql"), "-v", f"rows={node.rows_of_table}", "-v", f"floor_library={library}")
    node.start_bridge()
    node.start_helper("listener", node.conninfo(), "tcn", "outbox")
    node.settle()


def lacks(node, table):
    """Why there is no such table; None where there is."""
    if node.one("SELECT to_regclass(%s) IS NULL", table):
        return "the extension is not installed here (package postgresql-15-pgq3 of Debian; make deps-bench)"
    return None


class Bench:
    """What pgbench said of one run."""

    def __init__(self, said):
        tps = re.search(r"tps = ([0-9.]+)", said)
        if not tps:
            raise DemoError(f"pgbench came to nothing: {said}")
        self.tps = float(tps[1])
        self.transactions = int(re.search(r"actually processed: (\d+)", said)[1])
        failed = re.search(r"number of failed transactions: (\d+)", said)
        if failed and int(failed[1]) > 0:
            raise DemoError(f"pgbench had failed transactions:\n{said}")


def update_rows(node, table, clients, options="", seconds=None, transactions=None):
    """Single-row updates of random rows, each its own transaction: for so long, or so many for each client."""
    script = node.folder / f"{table}.sql"
    script.write_text(f"\\set id random(1, {node.rows_of_table})\nUPDATE {table} SET amount = amount + 1 WHERE id = :id;\n",
                      encoding="ascii")
    # its clock runs while it connects
    length = ["-T", str(seconds + clients // 64)] if seconds else ["-t", str(transactions)]
    return Bench(printed([node.bindir / "pgbench", "-h", node.folder, "-U", "postgres", "-n", "-M", "prepared", "-c", str(clients),
                          "-j", str(min(clients, 2)), *length, "-f", script, node.name], env={**os.environ, "PGOPTIONS": options}))


def writers_cpu_us(node, table, transactions):
    """Processor time of the writer's backend for each update: its server counts the children that have ended."""
    postmaster = int((node.folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])
    sessions = set(children(postmaster, "postgres: postgres "))

    def rest():
        until("pgbench's sessions to end", lambda: set(children(postmaster, "postgres: postgres ")) <= sessions)
        return children_cpu_seconds(postmaster)

    before = rest()
    update_rows(node, table, 1, ASYNC, transactions=transactions)
    return (rest() - before) * 1e6 / transactions


def milliseconds(node, statement, before=""):
    """Of one statement, in a session of its own that was set up by what is before it."""
    return float(re.search(r"^Time: ([0-9.]+) ms", node.do(f"{before}\n\\timing on\n{statement}\n"), re.M)[1])
