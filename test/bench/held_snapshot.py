"""What a transaction that stays open does to the latency of others' changes: nothing that was routed or delivered
since it began can be vacuumed away."""

import statistics

import psycopg
from figures import median_line, written
from latency import LOAD, NEWS, latencies, write_at
from sharing import open_sharing

RATE = 20


def measure(node):
    # a quarter of an hour at 20 a second is 18 000 changes
    rounds, seconds, changes = (1, 2, 2_000) if node.quick else (2, 15, 18_000)
    receiver = open_sharing(node, "held_snapshot", 20_000)
    ratios, before, held = [], [], []
    for _ in range(rounds):
        before.append(statistics.median(latencies(node, receiver, NEWS, RATE * seconds, RATE)[0]))
        with psycopg.connect(node.conninfo(), autocommit=True) as holder:
            holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            holder.execute("SELECT count(*) FROM person")
            write_at(node, NEWS, changes, LOAD, 4)
            node.settle()
            held.append(statistics.median(latencies(node, receiver, NEWS, RATE * seconds, RATE)[0]))
            holder.execute("ROLLBACK")
        ratios.append(held[-1] / before[-1])
    yield median_line("held_snapshot.latency_ratio", ratios, f"p50 at {RATE} a second after {changes} changes beside a held snapshot: "
                      f"{written(statistics.median(held))} ms against {written(statistics.median(before))}", node.quick)
