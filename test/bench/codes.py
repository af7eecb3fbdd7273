"""Code types against enums of the same labels: reading a label, sorting, size."""

import statistics

from figures import line, median_line, written
from writers import milliseconds

SETUP = """
CREATE SCHEMA codes;
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TYPE codes.enrolment_status AS ENUM (%s)', string_agg(quote_literal(d.canonical), ', ' ORDER BY d.number))
        FROM casesync.code_directory d WHERE d.directory = 'enrolment_status' AND NOT d.local);
END
$$;
"""
ALONE = "SET max_parallel_workers_per_gather = 0; SET jit = off; SET work_mem = '256MB';"


def measure(node):
    rows, rounds = (200_000, 3) if node.quick else (1_000_000, 9)
    node.open_database("codes", SETUP)
    node.do(f"""CREATE TABLE codes.word AS SELECT l.labels[1 + n % cardinality(l.labels)] AS label FROM generate_series(1, {rows}) n,
        (SELECT array_agg(e.enumlabel::text) AS labels FROM pg_enum e WHERE e.enumtypid = 'codes.enrolment_status'::regtype) l;""")
    node.do("""CREATE TABLE codes.value AS SELECT label::casesync.enrolment_status AS code, label::codes.enrolment_status AS word
        FROM codes.word ORDER BY md5(ctid::text); VACUUM ANALYZE codes.word, codes.value;""")
    yield from reading(node, rounds, rows)
    yield from sorting(node, rounds, rows)
    code, word = node.ask("SELECT pg_column_size(code), pg_column_size(word) FROM codes.value LIMIT 1")[0]
    yield line("codes.bytes", code, f"of one value; an enum has {word}", node.quick)


def timed(node, query):
    return milliseconds(node, f"{query};", ALONE)


def reading(node, rounds, rows):
    """By input functions, as COPY and parameters are read; what the scan takes is taken off both."""
    ratios, took = [], []
    for _ in range(rounds):
        scan = timed(node, "SELECT count(label) FROM codes.word")
        enum = timed(node, "SELECT count(label::codes.enrolment_status) FROM codes.word") - scan
        code = timed(node, "SELECT count(label::casesync.enrolment_status) FROM codes.word") - scan
        ratios.append(code / enum)
        took.append(code * 1e6 / rows)
    yield median_line("codes.input_ratio", ratios, f"labels of enrolment_status, {written(statistics.median(took))} ns each", node.quick)


def sorting(node, rounds, rows):
    ratios = []
    for _ in range(rounds):
        enum = timed(node, "SELECT count(*) FROM (SELECT word FROM codes.value ORDER BY word OFFSET 0) s")
        ratios.append(timed(node, "SELECT count(*) FROM (SELECT code FROM codes.value ORDER BY code OFFSET 0) s") / enum)
    yield median_line("codes.sort_ratio", ratios, f"{rows} rows", node.quick)
