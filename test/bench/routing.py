"""What it takes to route changes, without a bridge: with few and with very many subscriptions, and how many events in
a second when all are told."""

import statistics

from figures import median_line, written
from system import DemoError
from writers import HERE, milliseconds


def open_database(node, name, people, subscriptions):
    node.open_database(name)
    node.psql("-f", str(HERE / "routing.sql"), "-v", f"people={people}", "-v", f"subscriptions={subscriptions}")
    route(node, name)
    node.close_database()


def route(node, name):
    """Milliseconds until all that was changed in this database is routed."""
    node.name = name
    return milliseconds(node, "CALL bench.route();", "SET jit = off;")


def due(node):
    return int(node.value("SELECT count(*) FROM casesync_internal.notification WHERE state = 'due'"))


def measure(node):
    people, many, rounds = (1_000, 50_000, 1) if node.quick else (2_000, 1_000_000, 9)
    for name, subscriptions in (("few", 10), ("many", many)):
        open_database(node, name, people, subscriptions)
    ratios, took = [], {"few": [], "many": []}
    for _ in range(rounds):
        for name, seen in took.items():
            node.name = name
            node.do(f"CALL bench.change({people});")
            seen.append(route(node, name))
        ratios.append(took["many"][-1] / took["few"][-1])
    each = {name: written(statistics.median(seen) * 1000 / people) for name, seen in took.items()}
    yield median_line("routing.cost_ratio_1m_subscriptions", ratios,
                      f"{many} subscriptions to single persons ({each['many']} µs a change) against 10 ({each['few']})", node.quick)
    yield from events(node, people, 1 if node.quick else 5)


def events(node, people, rounds):
    """One subscription to everybody: each change becomes an event."""
    node.name = "few"
    node.do("SELECT casesync.unsubscribe(code) FROM casesync.subscriptions WHERE state = 'active';"
            "SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member');")
    node.do(f"CALL bench.change({people});")
    route(node, "few")
    before = due(node)
    rates = []
    for _ in range(rounds):
        node.do(f"CALL bench.change({people});")
        rates.append(people * 1000 / route(node, "few"))
    if due(node) - before != people * rounds:
        raise DemoError(f"{people * rounds} changes became {due(node) - before} events")
    yield median_line("routing.events_per_s", rates, f"{people} changes to one subscription, no delivery beside it", node.quick)
