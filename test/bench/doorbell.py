"""How often commits ring for the bridge while 32 write, and what ringing costs them."""

import statistics

from figures import line, median_line
from writers import open_tables, update_rows

CLIENTS = 32


def measure(node):
    rounds, seconds = (1, 2) if node.quick else (5, 4)
    open_tables(node)
    rings = []
    for _ in range(rounds):
        listener = node.start_helper("listener", node.conninfo(), "casesync")
        transactions = update_rows(node, "tracked", CLIENTS, seconds=seconds).transactions
        rings.append(int(node.end_helper(listener)) * 100 / transactions)
        node.settle()
    yield median_line("doorbell.rings_per_100_commits", rings, f"{CLIENTS} writers, durable", node.quick)
    yield from silence(node, rounds, seconds)


def silence(node, rounds, seconds):
    """Against commits that leave the bridge to its own looks."""
    node.ask("LOAD 'casesync'")
    if not node.one("SELECT count(*) FROM pg_settings WHERE name = 'casesync.doorbell'"):
        yield line("doorbell.tps_ratio", None, "the extension has no setting casesync.doorbell")
        return
    ratios, rates = [], []
    for _ in range(rounds):
        rates.append(update_rows(node, "tracked", CLIENTS, "-c casesync.doorbell=never", seconds=seconds).tps)
        node.settle()
        ratios.append(update_rows(node, "tracked", CLIENTS, seconds=seconds).tps / rates[-1])
        node.settle()
    yield median_line("doorbell.tps_ratio", ratios, f"{CLIENTS} writers, durable, against doorbell = never "
                      f"({statistics.median(rates):.0f} a second)", node.quick)
