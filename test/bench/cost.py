"""What one captured update costs its writer: processor time, and bytes of WAL."""

import statistics

from figures import PEERS, line, median_line, written
from system import until
from writers import ASYNC, lacks, open_tables, update_rows, writers_cpu_us


def measure(node):
    open_tables(node)
    missing = {peer: lacks(node, peer) for peer in PEERS}
    yield from processor(node, [peer for peer in PEERS if not missing[peer]])
    yield from (line(f"peer.{peer}.extra_cpu_us", None, missing[peer]) for peer in PEERS if missing[peer])
    yield from log(node)


def processor(node, peers):
    rounds, transactions = (1, 4_000) if node.quick else (5, 30_000)
    names = {"tracked": "capture.extra_cpu_us", **{peer: f"peer.{peer}.extra_cpu_us" for peer in peers}}
    extra = {table: [] for table in names}
    bare = []
    for _ in range(rounds):
        bare.append(writers_cpu_us(node, "bare", transactions))
        for table in names:
            extra[table].append(writers_cpu_us(node, table, transactions) - bare[-1])
            if table == "tracked":
                node.settle()
    for table, name in names.items():
        yield median_line(name, extra[table], f"one writer; an untracked update: {written(statistics.median(bare))}", node.quick)


def full_page_writes(node, word):
    node.ask(f"ALTER SYSTEM SET full_page_writes = {word}")
    node.ask("SELECT pg_reload_conf()")
    until("the server to have read its settings", lambda: node.one("SHOW full_page_writes") == word)


def log(node):
    """Without the bridge, which writes too, and without full pages, which come after a checkpoint only."""
    rounds, transactions = (1, 1_000) if node.quick else (3, 10_000)
    node.settle()
    node.kill_bridge()
    full_page_writes(node, "off")
    bytes_of = {table: [] for table in ("bare", "floor", "tracked")}
    for _ in range(rounds):
        for table, seen in bytes_of.items():
            before = node.one("SELECT pg_current_wal_insert_lsn()")
            update_rows(node, table, 1, ASYNC, transactions=transactions)
            seen.append(float(node.one("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", before)) / transactions)
    full_page_writes(node, "on")
    bare, floor = (written(statistics.median(bytes_of[table])) for table in ("bare", "floor"))
    yield median_line("capture.wal_bytes", bytes_of["tracked"], f"of one update and its commit; untracked {bare}, floor {floor}; no full pages",
                      node.quick)
