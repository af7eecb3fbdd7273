"""What capture takes of an application's throughput, beside what a user would pick instead: the same updates on
tables that differ in their trigger only, in turns, with a running bridge."""

from figures import CLIENTS, PEERS, line, median_line
from writers import ASYNC, lacks, open_tables, update_rows


def measure(node):
    open_tables(node)
    missing = {peer: lacks(node, peer) for peer in PEERS}
    for clients in CLIENTS:
        yield from compare(node, clients, "durable", "", [peer for peer in PEERS if not missing[peer]])
    for clients in CLIENTS:
        yield from compare(node, clients, "async", ASYNC, [])
    for peer in (peer for peer in PEERS if missing[peer]):
        yield from (line(f"peer.{peer}.tps_ratio.c{clients}.durable", None, missing[peer]) for clients in CLIENTS)


def compare(node, clients, mode, options, peers):
    rounds, seconds = (1, 1) if node.quick else (3, 4)
    names = {"tracked": f"capture.tps_ratio.c{clients}.{mode}", **{peer: f"peer.{peer}.tps_ratio.c{clients}.{mode}" for peer in peers}}
    ratios = {table: [] for table in names}
    rates = []
    for _ in range(rounds):
        bare = update_rows(node, "bare", clients, options, seconds=seconds).tps
        rates.append(bare)
        for table in names:
            ratios[table].append(update_rows(node, table, clients, options, seconds=seconds).tps / bare)
            if table == "tracked":
                node.settle()
    for table, name in names.items():
        yield median_line(name, ratios[table], f"untracked: {min(rates):.0f} to {max(rates):.0f} a second", node.quick)
