"""The figures of the bench: their names and units, what they are to reach, and how a line of them is written.
Pure: it measures nothing."""

import math
import statistics
from typing import NamedTuple

CLIENTS = (1, 4, 16, 32, 128)
PEERS = ("tcn", "outbox", "outbox_notify", "pgq", "floor")


class Figure(NamedTuple):
    name: str
    unit: str
    target: str = ""        # "≥ 0.85": what it is to reach, where that is known


def throughput_figures():
    targets = {(32, "durable"): "≥ 0.85", (4, "async"): "≥ 0.75"}
    yield from (Figure(f"capture.tps_ratio.c{n}.{mode}", "ratio", targets.get((n, mode), ""))
                for mode in ("durable", "async") for n in CLIENTS)
    yield from (Figure(f"peer.{peer}.tps_ratio.c{n}.durable", "ratio") for peer in PEERS for n in CLIENTS)


# What is measured together, in the order in which it is; the group's module is of the same name.
GROUPS = {
    "throughput": [*throughput_figures()],
    "doorbell": [Figure("doorbell.rings_per_100_commits", "rings", "≤ 1"), Figure("doorbell.tps_ratio", "ratio")],
    "cost": [Figure("capture.extra_cpu_us", "µs", "≤ 13"), Figure("capture.wal_bytes", "bytes", "≤ 600"),
             *(Figure(f"peer.{peer}.extra_cpu_us", "µs") for peer in PEERS)],
    "bulk": [Figure("capture.bulk_ratio", "ratio", "≤ 1.8"), Figure("capture.copy_ratio", "ratio", "≤ 1.4"),
             Figure("capture.bulk_to_floor", "ratio", "< 1"), Figure("capture.bulk_wal_to_floor", "ratio", "≤ 0.7")],
    "latency": [Figure("latency.commit_to_post_ms.p50", "ms", "≤ 2"), Figure("latency.commit_to_post_ms.p99", "ms", "≤ 8"),
                Figure("latency.load_ms.p50", "ms", "≤ 5"), Figure("latency.load_ms.p99", "ms", "≤ 30"),
                Figure("latency.to_bare", "ratio")],
    "held_snapshot": [Figure("held_snapshot.latency_ratio", "ratio", "≤ 1.1")],
    "delivery": [Figure("delivery.events_per_s", "events/s", "≥ 10000"), Figure("delivery.ten_partners", "events/s", "≥ 10000"),
                 Figure("delivery.backlog_100k", "events/s", "≥ 10000"), Figure("delivery.to_bare_posts", "ratio"),
                 Figure("delivery.bulk_events_per_s", "events/s"), Figure("delivery.cpu_us", "µs", "≤ 150"),
                 Figure("memory.bridge_mb", "MB")],
    "inbound": [Figure("inbound.received_per_s", "items/s", "≥ 5000"), Figure("inbound.applied_per_s", "items/s", "≥ 3000")],
    "routing": [Figure("routing.cost_ratio_1m_subscriptions", "ratio", "≤ 1.1"), Figure("routing.events_per_s", "events/s")],
    "codes": [Figure("codes.input_ratio", "ratio", "≤ 1.0"), Figure("codes.sort_ratio", "ratio", "≤ 1.0"),
              Figure("codes.bytes", "bytes", "≤ 2")],
    "partners": [Figure("partners.hostile_p99_ratio", "ratio", "< 3")],
}
FIGURES = {figure.name: figure for group in GROUPS.values() for figure in group}

# Seconds that a group takes in a quick run, on two cores that have nothing else to do.
QUICK_SECONDS = {"throughput": 62, "doorbell": 6, "cost": 10, "bulk": 8, "latency": 12, "held_snapshot": 12, "delivery": 22, "inbound": 9,
                 "routing": 9, "codes": 4, "partners": 9}


def share_of_time(groups, seconds):
    """Of so many seconds for these groups, what the first of them may take: others are to be measured too."""
    return seconds * QUICK_SECONDS[groups[0]] / sum(QUICK_SECONDS[group] for group in groups)


def groups_named(words):
    """The groups that words name: all for none, else those of this name, or with a figure that begins so."""
    unknown = [word for word in words if not any(is_named(group, word) for group in GROUPS)]
    if unknown:
        raise ValueError(f"there is no group or figure {', '.join(unknown)}; groups: {' '.join(GROUPS)}")
    return [group for group in GROUPS if not words or any(is_named(group, word) for word in words)]


def is_named(group, word):
    return word == group or any(figure.name == word or figure.name.startswith(word + ".") for figure in GROUPS[group])


def percentile(values, percent):
    """The smallest value that so many of a hundred do not pass."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def written(value):
    """With three digits that count, and no power of ten."""
    if abs(value) < 1e-6:
        return "0"      # what is left of a difference of equals
    if not math.isfinite(value):
        return str(value)
    return f"{value:.{max(2 - math.floor(math.log10(abs(value))), 0)}f}"


def spread(values):
    if len(values) == 1:
        return "one round"
    return f"median of {len(values)}, {written(min(values))} to {written(max(values))}"


def median_line(name, values, note="", quick=False):
    return line(name, statistics.median(values), spread(values) + (f"; {note}" if note else ""), quick)


def line(name, value, note, quick=False):
    """value None: could not be measured, and the note says why."""
    figure = FIGURES[name]
    told = [note, f"to reach: {figure.target}" if figure.target else "", "quick" if quick else ""]
    return "\t".join([name, "-" if value is None else written(value), figure.unit, "; ".join(word for word in told if word)])


def table(lines):
    """The lines of a bench as Markdown: machine, then a row for each figure with its target beside it."""
    machine = [text[2:] for text in lines if text.startswith("# ")]
    rows = [fields for fields in (text.split("\t") for text in lines) if len(fields) == 4 and fields[0] in FIGURES]
    missing = [name for name in FIGURES if name not in {row[0] for row in rows}]
    made = ["; ".join(machine) + ".", "", "| figure | value | to reach | how |", "| --- | --- | --- | --- |"]
    for name, value, unit, note in rows:
        target = FIGURES[name].target
        note = note.replace(f"; to reach: {target}", "").replace("|", "\\|")
        shown = value if unit == "ratio" or value == "-" else f"{value} {unit}"
        made.append(f"| `{name}` | {shown} | {target} | {note} |")
    if missing:
        made += ["", "Not measured: " + ", ".join(f"`{name}`" for name in missing) + "."]
    return "\n".join(made) + "\n"
