"""What capture costs statements of many rows, against the same without it, and against one bare insertion a row."""

import statistics

from cost import full_page_writes
from figures import median_line, written
from writers import milliseconds, open_tables

TABLES = ("bare", "floor", "tracked")
UPDATE = "UPDATE {table} SET amount = amount + 1;"


def measure(node):
    rounds = 1 if node.quick else 5
    open_tables(node)
    rows = node.rows_of_table
    took = {table: [] for table in TABLES}
    vacuum(node)
    for _ in range(rounds):
        for table in TABLES:
            took[table].append(milliseconds(node, UPDATE.format(table=table)))
            node.settle()
        vacuum(node)
    yield from against(node, took, "capture.bulk_ratio", "bare", f"UPDATE of {rows} rows")
    yield from against(node, took, "capture.bulk_to_floor", "floor", f"UPDATE of {rows} rows")
    wal = log(node, min(rounds, 3), rows)
    told = "bytes a row: " + ", ".join(f"{table} {written(statistics.median(wal[table]))}" for table in TABLES)
    yield from against(node, wal, "capture.bulk_wal_to_floor", "floor", told)
    yield from copying(node, rows, rounds)


def vacuum(node):
    node.do("".join(f"VACUUM {table};" for table in TABLES))


def against(node, seen, name, other, note):
    ratios = [tracked / untracked for tracked, untracked in zip(seen["tracked"], seen[other])]
    yield median_line(name, ratios, note, node.quick)


def log(node, rounds, rows):
    """Bytes of WAL for each row of an UPDATE, without the bridge, which writes too, and without full pages."""
    wal = {table: [] for table in TABLES}
    node.kill_bridge()
    full_page_writes(node, "off")
    for _ in range(rounds):
        for table in TABLES:
            before = node.one("SELECT pg_current_wal_insert_lsn()")
            node.do(UPDATE.format(table=table))
            wal[table].append(float(node.one("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", before)) / rows)
        vacuum(node)
    full_page_writes(node, "on")
    node.start_bridge()
    node.settle()
    return wal


def copying(node, rows, rounds):
    """Each round other rows, so that nothing has to be taken away again, which would be captured too."""
    took = {table: [] for table in TABLES}
    for number in range(1, rounds + 1):
        file = node.folder / "rows.copy"
        node.do(f"COPY (SELECT n + {number * 1_000_000}, 'ACTIF', 1, repeat('n', 60) FROM generate_series(1, {rows}) n) TO '{file}';")
        for table in TABLES:
            took[table].append(milliseconds(node, f"COPY {table} FROM '{file}';"))
            node.settle()
    floor = statistics.median(f / b for f, b in zip(took["floor"], took["bare"]))
    yield from against(node, took, "capture.copy_ratio", "bare", f"COPY of {rows} rows; floor {written(floor)}")
