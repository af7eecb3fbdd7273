"""What goes wrong, one thing in each case, and what must hold afterwards."""

import re
import signal
import time

from system import until
from world import cancel_wait

PROMISED_SECONDS = 10


class Report:
    """TAP: what holds and what does not."""

    def __init__(self):
        self.number = self.failed = 0

    def case(self, name):
        print(f"# --- {name}", flush=True)

    def ok(self, holds, text, why=""):
        self.number += 1
        self.failed += not holds
        print(f"{'ok' if holds else 'not ok'} {self.number} - {text}", flush=True)
        if not holds and why:
            print(f"#   {why}", flush=True)
        return holds

    def empty(self, wrong, text):
        """Nothing of this kind was found; the first of what was."""
        wrong = [wrong] if isinstance(wrong, str) and wrong else list(wrong)
        return self.ok(not wrong, text, f"{len(wrong)}: " + "; ".join(map(str, wrong[:5])))

    def figure(self, text, seconds, promised=None):
        note = "" if promised is None else f" (at most {promised} s are promised)"
        print(f"# {text}: {seconds:.1f} s{note}", flush=True)

    def end(self):
        print(f"1..{self.number}")
        if self.number == 0 or self.failed:
            print(f"# {self.failed} of {self.number} did not hold; logs are in build/check/cluster")
        return self.number == 0 or self.failed > 0


def changes_pass(world, number=50):
    """That many more changes are acknowledged."""
    since = time.time()
    until(f"{number} changes to be acknowledged", lambda: len(world.acknowledged(since)) >= number, 120)


def new_leader(report, world, old, after):
    leader = world.ensemble.wait_leader(old)
    promoted = until("the promotion to be in the log", lambda: leader.promoted_at(after), 30)
    report.figure(f"from the fault to the promotion of {leader.name}, which is patroni's", promoted - after)
    return leader, promoted


def takes_over(report, world, since, text, peer=None, promised=PROMISED_SECONDS):
    """Something that was committed since then is told; how long that took."""
    first, news = until("news at the partner", lambda: world.first_told(since, peer), 180)
    report.figure(text, first.at - since, promised)
    report.figure("  and to the first one of a change that was made afterwards", news.at - since)
    report.ok(True, "the partner is told of what was committed afterwards")


def judge(report, world, stream, may_lose=False):
    """Nobody writes any more: what the cluster kept, and what the partner knows."""
    world.end_writing()
    report.empty(world.agrees(), "the partner knows of each person what the table has")
    same = "SELECT md5(string_agg(h::text, ',' ORDER BY h)) FROM (SELECT p FROM person p UNION ALL SELECT h FROM history h) h"
    until("all three servers to have the same", lambda: len({server.says(same) for server in world.ensemble.servers}) == 1, 120)
    report.ok(True, "all three servers have the same rows")
    history = world.history()
    if not may_lose:
        report.empty({(p, v) for _, p, v in world.acknowledged()} - history, "every acknowledged commit was kept")
        report.empty({(t.person, t.value) for t in world.partner.items() if t.value >= 0} - history,
                     "the partner was told of nothing that the cluster did not keep")
    report.ok(world.stream() == stream, "the stream is the one expected")
    report.empty(world.wrong_numbers(stream), "its numbers are in order and without holes")
    until("health to find nothing critical", lambda: world.problems() == "", 60)
    report.ok(True, "health finds nothing critical")


def rejoins(report, world, server, is_synchronous=True):
    leader = world.ensemble.wait_whole(is_synchronous)
    position = leader.psql("SELECT pg_current_wal_lsn()")
    until("it to have caught up", lambda: server.says(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t", 120)
    followers = leader.psql("SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'").split()
    report.ok(server.name in followers, f"{server.name} has rejoined, and follows {leader.name}", f"streaming are {followers}")


def cut(report, world, network):
    """The leader's server is cut off from all others, and comes back."""
    stream, leader = world.stream(), world.ensemble.wait_whole()
    world.begin_writing()
    changes_pass(world)
    fault = time.time()
    network.cut_off(leader.machine)
    _, promoted = new_leader(report, world, leader, fault)
    takes_over(report, world, promoted, "from the promotion to the first notification")
    until("the old leader to give up", lambda: leader.says("SELECT pg_is_in_recovery()") != "f", 90)
    report.ok(True, "the old leader takes no more writes")
    network.heal(leader.machine)
    changes_pass(world)
    rejoins(report, world, leader)
    judge(report, world, stream)


def kill(report, world, network):
    """The primary's postmaster and its patroni die."""
    del network
    stream, leader = world.stream(), world.ensemble.wait_whole()
    world.begin_writing()
    changes_pass(world)
    fault = time.time()
    leader.kill()
    _, promoted = new_leader(report, world, leader, fault)
    takes_over(report, world, promoted, "from the promotion to the first notification")
    changes_pass(world)
    world.ensemble.rejoin(leader)
    rejoins(report, world, leader)
    judge(report, world, stream)


def stop(report, world, network):
    """The bridge that routes is stopped, with all its sessions open, and wakes up later."""
    del network
    stream = world.stream()
    world.ensemble.wait_whole()
    world.begin_writing()
    router, other = world.router()
    changes_pass(world)
    fault = time.time()
    router.signal(signal.SIGSTOP)
    takes_over(report, world, fault, f"from when {router.name} was stopped to the first notification by {other.name}", other.peer)
    report.ok(other.readiness().get("routes"), "the other bridge routes")
    changes_pass(world)
    router.signal(signal.SIGCONT)
    until("the stopped one to be ready again", router.is_ready, 60)
    changes_pass(world)
    judge(report, world, stream)


def island(report, world, network):
    """
    The leader is cut off together with a bridge. There somebody gives up waiting for the standby, so that his change is
    committed for that server, and nowhere else. The other bridge cannot know what was told over there, and waits half a
    minute for it; then it begins anew.
    """
    stream, leader = world.stream(), world.ensemble.wait_whole()
    world.begin_writing()
    changes_pass(world)
    router, other = world.router()
    fault = time.time()
    network.cut_off(leader.machine, router.machine)
    said = cancel_wait(leader, "BEGIN; UPDATE person SET v = 1000000 WHERE id = 1; INSERT INTO history VALUES (1, 1000000); COMMIT", "impatient")
    report.ok("canceling wait for synchronous replication" in said, "somebody gives up waiting for the standby", said)
    report.ok(leader.psql("SELECT v FROM person WHERE id = 1") == "1000000", "for the old leader his change is committed")
    _, promoted = new_leader(report, world, leader, fault)
    takes_over(report, world, promoted, f"from the promotion to the first notification by {other.name}, which waits for the other", other.peer,
               promised=30 + PROMISED_SECONDS)
    network.heal(leader.machine, router.machine)
    until("the bridge that was cut off to be ready", router.is_ready, 120)
    rejoins(report, world, leader)
    now = world.stream()
    report.ok(now != stream, "it is another stream: nobody could say what the other bridge had told")
    reasons = world.ensemble.psql("SELECT string_agg(detail->>'reason', '; ') FROM casesync.audit WHERE what = 'new_stream'")
    report.ok("has not come back" in reasons, "the audit says so", reasons)
    judge(report, world, now)


def lost(report, world, network):
    """Without synchronous_mode: a standby takes over that has not got all, and partners know more than it."""
    ensemble = world.ensemble
    ensemble.agree(synchronous_mode=False)
    until("the server to wait for no standby", lambda: ensemble.psql("SHOW synchronous_standby_names") == "", 60)
    world.start_bridges(wait_for_standby="")
    leader = ensemble.wait_whole(is_synchronous=False)
    stream = world.stream()
    position = leader.psql("SELECT pg_current_wal_lsn()")
    for standby in ensemble.others(leader):
        until("the standby to have what was before", lambda s=standby: s.psql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t")
    machines = [server.machine for server in ensemble.others(leader)]
    network.say_nothing(leader.machine, *machines)
    leader.psql("UPDATE person SET v = v + 2000000 WHERE id = 2; DELETE FROM person WHERE id = 3; INSERT INTO person VALUES (9001, 1)")
    told = world.agrees(60)
    report.empty(told, "the partner is told of what only the primary has")
    for bridge in world.bridges:
        bridge.signal(signal.SIGSTOP)
    fault = time.time()
    leader.kill()
    new, promoted = new_leader(report, world, leader, fault)
    report.ok(new.psql("SELECT count(*) FROM person WHERE id = 9001 OR v > 2000000") == "0", "the new primary has lost it")
    said = new.psql("SELECT string_agg(problem, '; ') FROM casesync.health")
    report.ok("may be lost here" in said, "health says so before a bridge has compared", said)
    woken = time.time()
    for bridge in world.bridges:
        bridge.signal(signal.SIGCONT)
    world.begin_writing()
    takes_over(report, world, max(promoted, woken), "from when the bridges were let go on to the first notification")
    changes_pass(world)
    network.say_nothing(leader.machine, *machines, is_over=True)
    ensemble.rejoin(leader)
    rejoins(report, world, leader, is_synchronous=False)
    now = world.stream()
    report.ok(now != stream, "it is another stream")
    reasons = ensemble.psql("SELECT string_agg(detail->>'reason', '; ') FROM casesync.audit WHERE what = 'new_stream'")
    report.ok(re.search("does not know of", reasons), "the audit says why", reasons)
    judge(report, world, now, may_lose=True)
    report.ok(9001 not in world.partner_knows(), "who never was there is withdrawn at the partner")
    report.ok(world.partner_knows().get(3) is not None, "who was deleted in vain is there again")


CASES = {"cut": cut, "kill": kill, "stop": stop, "island": island, "lost": lost}
