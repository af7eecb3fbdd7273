"""From the commit of a change to the end of the POST that tells of it, for changes that come one at a time."""

import statistics

from figures import line, median_line, percentile, spread, written
from sharing import open_sharing
from system import printed

STEADY, LOAD = 50, 1000
NEWS = "UPDATE person SET note = note + 1 WHERE id = $1"
BARE_NEWS = "UPDATE noted SET note = note + 1 WHERE id = $1"
# The same table with what most would write themselves; bare_poster.c sends what stands in noted_log.
NOTED = """
CREATE TABLE noted (LIKE person INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO noted TABLE person;
CREATE TABLE noted_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subject integer NOT NULL, row jsonb NOT NULL);
CREATE FUNCTION noted_capture() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted_log (subject, row) VALUES (NEW.id, to_jsonb(NEW));
    PERFORM pg_notify('noted', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER capture AFTER UPDATE ON noted FOR EACH ROW EXECUTE FUNCTION noted_capture();
VACUUM ANALYZE noted;
"""


def write_at(node, statement, count, rate, sessions):
    """Changes the first so many subjects at this rate; when the commit of each was known."""
    said = printed([node.tools["paced_writer"], node.conninfo(), statement, "0", str(count), str(rate), str(sessions)])
    return {int(subject): float(at) for subject, at in map(str.split, said.splitlines())}


def latencies(node, receiver, statement, count, rate, sessions=1, deadline=60):
    """Milliseconds of each change, and how many never came; those count as long as was waited."""
    receiver.order("reset")
    committed = write_at(node, statement, count, rate, sessions)
    receiver.wait_for_events(count, deadline)
    received = receiver.times()
    lost = [subject for subject in committed if subject not in received]
    return [(received[subject] - at) * 1000 if subject in received else deadline * 1000.0 for subject, at in committed.items()], len(lost)


def measure(node):
    rounds, steady_seconds, load_seconds = (1, 2, 2) if node.quick else (3, 20, 8)
    receiver = open_sharing(node, "latency", 20_000)
    node.do(NOTED)
    steady, bare = [], []
    lost = 0
    for _ in range(rounds):
        seen, missing = latencies(node, receiver, NEWS, STEADY * steady_seconds, STEADY)
        steady.append(seen)
        lost += missing
        node.settle()
        node.do("TRUNCATE noted_log;")      # it begins with all that is there
        poster = node.start_helper("bare_poster", node.conninfo(), f"{receiver.url}/bare")
        bare.append(latencies(node, receiver, BARE_NEWS, STEADY * steady_seconds, STEADY)[0])
        node.end_helper(poster)
    yield from percentiles(node, "latency.commit_to_post_ms", steady, f"{STEADY} changes a second for {steady_seconds} s", lost)
    ratios = [statistics.median(ours) / statistics.median(theirs) for ours, theirs in zip(steady, bare)]
    yield median_line("latency.to_bare", ratios, "p50 against a C program that listens, selects and POSTs: "
                      f"{written(percentile(sum(bare, []), 50))} ms (p99 {written(percentile(sum(bare, []), 99))})", node.quick)
    yield from load(node, receiver, rounds, load_seconds)


def load(node, receiver, rounds, seconds):
    """After a calm while: plans and statistics of then must do now."""
    runs, lost = [], 0
    for _ in range(rounds):
        seen, missing = latencies(node, receiver, NEWS, LOAD * seconds, LOAD, sessions=4, deadline=30 if node.quick else 120)
        runs.append(seen)
        lost += missing
        node.settle()
    yield from percentiles(node, "latency.load_ms", runs, f"{LOAD} changes a second for {seconds} s, by 4 sessions", lost)


def percentiles(node, name, runs, note, lost):
    told = f"{note}; {lost} of {sum(map(len, runs))} never came" if lost else f"{note}; all came"
    for percent in (50, 99):
        values = [percentile(run, percent) for run in runs]
        yield line(f"{name}.p{percent}", statistics.median(values), f"{spread(values)}; {told}", node.quick)
