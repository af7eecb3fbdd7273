#!/usr/bin/python3
"""Are all figures of the bench declared, once, by a group that can be run, and are its lines written so that others
can read them? Measures nothing."""
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
from figures import FIGURES, GROUPS, groups_named, line, median_line, percentile, share_of_time, spread, table, written  # noqa: E402

EVERY = (1, 4, 16, 32, 128)
# What a reader of doc/performance.md, or a later release, looks for.
NAMES = [*(f"capture.tps_ratio.c{n}.{mode}" for n in EVERY for mode in ("durable", "async")),
         *(f"peer.{peer}.tps_ratio.c{n}.durable" for peer in ("tcn", "outbox", "outbox_notify", "pgq") for n in EVERY),
         *"""capture.bulk_ratio capture.copy_ratio capture.bulk_to_floor capture.extra_cpu_us capture.wal_bytes
         capture.bulk_wal_to_floor doorbell.rings_per_100_commits doorbell.tps_ratio latency.commit_to_post_ms.p50
         latency.commit_to_post_ms.p99 latency.load_ms.p50 latency.load_ms.p99 latency.to_bare delivery.events_per_s
         delivery.ten_partners delivery.backlog_100k delivery.to_bare_posts delivery.cpu_us inbound.received_per_s
         inbound.applied_per_s held_snapshot.latency_ratio routing.cost_ratio_1m_subscriptions routing.events_per_s
         codes.input_ratio codes.sort_ratio codes.bytes memory.bridge_mb partners.hostile_p99_ratio""".split()]
checks = []


def check(claim, name):
    checks.append((claim, name))


def same(seen, expected, name):
    check(seen == expected, f"{name}: {seen!r}")


declared = [figure.name for group in GROUPS.values() for figure in group]
same([name for name in NAMES if name not in declared], [], "every name is declared")
same(len(declared), len(set(declared)), "and once")
for group in GROUPS:
    source = (BENCH / f"{group}.py").read_text(encoding="utf-8") if (BENCH / f"{group}.py").exists() else ""
    check("\ndef measure(node):" in source, f"group {group} can be measured")
    compile(source, group, "exec")
    # names made in loops are spelled with braces: what stands before them is looked for
    missing = [figure.name for figure in GROUPS[group] if f'"{figure.name}"' not in source
               and not any(f'"{figure.name[:cut]}{{' in source for cut in range(4, len(figure.name)))
               and f'"{figure.name.rpartition(".")[0]}"' not in source]
    same(missing, [], f"and yields what it declares, group {group}")

same(groups_named([]), list(GROUPS), "without words all groups are measured")
same(groups_named(["latency"]), ["latency"], "a group by its name")
same(groups_named(["memory.bridge_mb", "capture"]), ["throughput", "cost", "bulk", "delivery"], "groups by their figures, in their order")
for wrong in ("nonsense", "lat", ""):
    try:
        groups_named([wrong])
        check(False, f"{wrong!r} is no group")
    except ValueError as error:
        check("latency" in str(error), f"{wrong!r} is no group, and the error names them")

same(set(share_of_time([group], 7) for group in GROUPS), {7.0}, "the last group has all the time that is left")
check(0 < share_of_time(list(GROUPS), 160) < 80, "the first one less than half of it")
same(percentile([3, 1, 2], 50), 2, "the median of three")
same(percentile([1, 2], 50), 1, "half of two do not pass the first")
same(percentile(range(1, 101), 99), 99, "p99 of a hundred")
same(percentile(range(1, 11), 99), 10, "p99 of ten is the largest")
same(percentile([7], 99), 7, "of one it is that one")
same([written(value) for value in (0, -1e-13, 0.12345, 1, 9.876, 99.5, 1234.5, 45000, 0.00012345)],
     ["0", "0", "0.123", "1.00", "9.88", "99.5", "1234", "45000", "0.000123"], "three digits that count")
same(written(float("inf")), "inf", "what has no end")
same(spread([1.0]), "one round", "of one round there is no spread")
same(spread([0.5, 0.25, 0.75]), "median of 3, 0.250 to 0.750", "of several there is")

same(median_line("capture.tps_ratio.c32.durable", [0.5, 0.25, 0.75], "why"),
     "capture.tps_ratio.c32.durable\t0.500\tratio\tmedian of 3, 0.250 to 0.750; why; to reach: ≥ 0.85", "a line has four fields")
same(line("peer.pgq.tps_ratio.c1.durable", None, "not installed", True), "peer.pgq.tps_ratio.c1.durable\t-\tratio\tnot installed; quick",
     "what could not be measured says why")
same(line("codes.bytes", 2, "").count("\t"), 3, "an empty note is a field too")
lines = ["make: entering", "# 2026-11-26: 2 cores", line("codes.bytes", 2, "of a|b"), line("capture.wal_bytes", 603, "x"), "nonsense\t1\tms\tx"]
made = table(lines)
check(made.startswith("2026-11-26: 2 cores.\n\n| figure"), "a table begins with the machine")
check("| `codes.bytes` | 2.00 bytes | ≤ 2 | of a\\|b |\n" in made, "has a row for each figure, the target in a column of its own")
check("nonsense" not in made and "make:" not in made, "and nothing else that was printed")
check("Not measured: " in made and "`memory.bridge_mb`" in made, "and says what is missing")
check("Not measured" not in table([line(name, 1, "") for name in FIGURES]), "where something is")
whole = subprocess.run([BENCH / "table"], input="\n".join(lines), capture_output=True, text=True, check=False)
same(whole.stdout, made, "test/bench/table prints it")

print(f"1..{len(checks)}")
for number, (claim, name) in enumerate(checks, 1):
    print(f"{'ok' if claim else 'not ok'} {number} - {name}")
sys.exit(not all(claim for claim, _ in checks))
