"""How many events a node delivers in a second to partners who are never slow, and what one costs."""

import json
import os
import statistics
import time

from figures import line, median_line, written
from node import ROUTED
from proc import cpu_seconds, memory_peak_mb
from sharing import add_partners, change, open_sharing, remove_partners, warm_up
from system import printed

PARTNERS = 10


def measure(node):
    burst, rounds = (4_000, 1) if node.quick else (20_000, 3)
    waiting = int(os.environ.get("BENCH_BACKLOG") or (5_000 if node.quick else 100_000))
    receiver = open_sharing(node, "delivery", max(waiting, burst))
    rates, costs, ratios, flood = [], [], [], []
    for _ in range(rounds):
        rate, cost = deliver(node, receiver, burst)
        rates.append(rate)
        costs.append(cost)
        flood.append(bare_posts(node, receiver, 5_000 if node.quick else 50_000))
        ratios.append(rate / flood[-1])
    note = f"{burst} changes in transactions of 50 rows, one partner"
    yield median_line("delivery.events_per_s", rates, note, node.quick)
    yield median_line("delivery.cpu_us", costs, f"of bridge and its sessions, routing included; {note}", node.quick)
    yield median_line("delivery.to_bare_posts", ratios, "against libcurl alone with one event in each POST: "
                      f"{written(statistics.median(flood))} a second", node.quick)
    rates = [deliver(node, receiver, burst, step=burst)[0] for _ in range(rounds)]
    yield median_line("delivery.bulk_events_per_s", rates, f"{burst} changes in one transaction, one partner", node.quick)
    yield from ten_partners(node, receiver, burst // PARTNERS, rounds)
    yield line("delivery.backlog_100k", *backlog(node, receiver, waiting), node.quick)
    yield line("memory.bridge_mb", memory_peak_mb(node.bridge.pid), "the most it has had, backlog included", node.quick)


def bridge_processes(node):
    return [node.bridge.pid, *(row[0] for row in node.ask("SELECT pid FROM pg_stat_activity WHERE usename = 'casesync_bridge'"))]


def deliver(node, receiver, count, partners=1, step=50):
    """Events in a second from the first commit to the last POST, and the processor's microseconds for each."""
    receiver.order("reset")
    before = cpu_seconds(bridge_processes(node))
    began = change(node, 0, count, step)
    came = receiver.wait_for_events(count * partners, 60 if node.quick else 300)
    ended = receiver.counts()[4] if came >= count * partners else time.time()
    node.settle()
    spent = cpu_seconds(bridge_processes(node)) - before
    return came / (ended - began), spent * 1e6 / max(came, 1)


def ten_partners(node, receiver, count, rounds):
    others = range(1, PARTNERS)
    add_partners(node, receiver, *others)
    warm_up(node, receiver, PARTNERS)
    rates = [deliver(node, receiver, count, PARTNERS)[0] for _ in range(rounds)]
    yield median_line("delivery.ten_partners", rates, f"{count} changes, each told to {PARTNERS} partners", node.quick)
    remove_partners(node, *others)


def backlog(node, receiver, count):
    """What waited for a partner that was away, from the first event it takes to the last: events in a second, and how."""
    deadline = 5 if node.quick else 120
    receiver.order("reset")
    receiver.order("refuse")
    change(node, 0, count)
    is_routed = node.rests_within(ROUTED, 30 if node.quick else 900)
    waiting = node.one("SELECT sum(due) FROM casesync.queue")
    receiver.order("accept")
    came = receiver.wait_for_events(waiting, deadline)
    _, _, _, first, last = receiver.counts()
    ended = last if came >= waiting else time.time()
    told = f"a backlog of {waiting}" + (", routed before; " if is_routed else f" of {count}, the rest not yet routed; ") + ("all came" if came >= waiting else f"{came} came in {deadline} s")
    return came / (ended - first) if first else 0.0, told


def bare_posts(node, receiver, count):
    """POSTs of libcurl alone in a second, each with one event of a message that came."""
    message = json.loads(receiver.order("body"))
    message["message"]["notify_event"] = message["message"]["notify_event"][:1]
    body = node.folder / "one.json"
    body.write_text(json.dumps(message, separators=(",", ":")), encoding="utf-8")
    return count / float(printed([node.tools["bare_flood"], f"{receiver.url}/bare", body, str(count), "4"]))
