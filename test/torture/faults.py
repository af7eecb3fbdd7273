"""What goes wrong in a history, and how all of it is put right at its end. Knows the world; judges nothing."""

import contextlib
import heapq
import itertools
import os
import random
import signal
import threading
import time

from plan import CONDITIONS, FIELDS, PARTNERS, WORDS
from system import DemoError, until
from world import Lost, Refused, Session

# What waits: changes, subjects to be looked at and items; quarantine; dead letters. The last column is the router's turn.
WAITING = """
SELECT (SELECT count(*) FROM casesync_internal.notification WHERE state = 'due')
	+ (SELECT count(*) FROM casesync_internal.outgoing WHERE state = 'due')
	+ (SELECT count(*) FROM casesync_internal.missed) + (SELECT count(*) FROM casesync_internal.look_again_entry)
	+ (SELECT count(*) FROM casesync_internal.look_again_note)
	+ (SELECT count(*) FROM casesync_internal.compacted WHERE is_waiting)
	+ (SELECT count(*) FROM casesync_internal.backfill WHERE state = 'running')
	+ (casesync_internal.unrouted_since() IS NOT NULL)::integer,
	(SELECT count(*) FROM casesync_internal.quarantine_entry), (SELECT count(*) FROM casesync.dead_letter),
	(SELECT coalesce(max(id), 0) FROM casesync_internal.routing_state)"""


class Faults:
    def __init__(self, world):
        self.world, self.town, self.plan = world, world.town, world.plan
        self.heals = []             # (after how many transactions, number, function)
        self.numbers = itertools.count()
        self.threads = []
        self.officer = None         # the thread that stops and resumes sharing
        self.unresumed = []         # what could not be resumed then: the server was away
        self.admin = threading.Lock()
        self.stopped = set()
        self.frozen = set()
        self.lost_words = set()
        self.short = set()          # partners with a small backlog

    # --- in the order of the plan ---------------------------------------------------------------------
    def run(self):
        for at, name, arguments in self.plan.faults:
            self.heal_until(at)
            self.world.wait_done(at)
            self.world.note("fault", name=name, after=at)
            try:
                getattr(self, name)(**arguments)
            except (DemoError, Lost, Refused, OSError) as error:
                self.world.note("fault failed", name=name, error=str(error)[:300])
        self.heal_until(float("inf"))

    def heal_until(self, count):
        while self.heals and self.heals[0][0] <= count:
            after, _, function = heapq.heappop(self.heals)
            self.world.wait_done(after)
            function()

    def until(self, count, function):
        heapq.heappush(self.heals, (count, next(self.numbers), function))

    def beside(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    # --- partners ---------------------------------------------------------------------------------------
    def mood(self, partner, mood, until, **_):
        self.world.partners.set_mood(partner, mood)
        self.world.note("mood", partner=partner, mood=mood)
        self.until(until, lambda: self.well(partner))

    def well(self, partner):
        self.world.partners.set_mood(partner, "well")
        self.world.note("mood", partner=partner, mood="well")
        self.lift_lanes(partner)

    def lift_lanes(self, partner):
        """A lane that has stopped by itself is let go on by somebody, where sharing is not stopped."""
        with self.admin:
            if not self.stopped & {partner, ""} and self.town.ask(
                    f"SELECT 1 FROM casesync.lane_status WHERE partner = '{partner}' AND is_stopped"):
                try:
                    self.town.ask(f"SELECT casesync.resume_sharing('{partner}')")
                except DemoError as error:
                    self.world.note("lift failed", partner=partner, error=str(error))

    def down(self, partner, until, **_):
        self.world.partners.set_down(partner, True)
        self.world.note("down", partner=partner)
        self.until(until, lambda: self.up(partner))

    def up(self, partner):
        self.world.partners.set_down(partner, False)
        self.world.note("up", partner=partner)

    def move(self, partner, choice, **_):
        """To another address; the messages go there from now on. The one before is dead at once, or has been for a moment."""
        number = int(choice * 2)
        if choice < 0.5:
            self.world.partners.set_port(partner, number)
        url = self.world.url(partner, number)
        token = f", token_url => '{url}/token'" if partner == "brief" else ""
        self.town.ask(f"SELECT casesync.set_partner('{partner}', '{url}'{token})")
        self.world.partners.set_port(partner, number)
        self.world.note("moved", partner=partner, number=number)

    # --- bridges and sessions -----------------------------------------------------------------------------
    def kill_bridge(self, bridge, until, choice, **_):
        self.town.end_bridge(bridge, signal.SIGKILL)
        self.frozen.discard(bridge)
        self.world.note("bridge killed", number=bridge)
        if choice < 0.6:
            self.launch(bridge)
        else:
            self.until(until, lambda: self.launch(bridge))

    def launch(self, bridge):
        if self.town.bridges[bridge].poll() is not None:
            self.town.launch_bridge(bridge)
            self.world.note("bridge launched", number=bridge)

    def end_bridge(self, bridge, **_):
        if bridge not in self.frozen and self.town.bridges[bridge].poll() is None:
            self.town.end_bridge(bridge, signal.SIGTERM)
            self.launch(bridge)

    def freeze_bridge(self, bridge, until, **_):
        if self.town.signal_bridge(bridge, signal.SIGSTOP):
            self.frozen.add(bridge)
            self.world.note("bridge frozen", number=bridge)
            self.until(until, lambda: self.thaw(bridge))

    def thaw(self, bridge):
        if bridge in self.frozen and self.town.signal_bridge(bridge, signal.SIGCONT):
            self.world.note("bridge thawed", number=bridge)
        self.frozen.discard(bridge)

    def end_sessions(self, choice, **_):
        whose = ("casesync-bridge%", "casesync-bridge delivery", "casesync-bridge router", "casesync-bridge control")[int(choice * 4)]
        self.town.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '{whose}'")
        self.world.note("sessions ended", whose=whose)

    def cancel(self, **_):
        for _ in range(5):
            self.town.ask("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'casesync_bridge'")

    # --- the server -----------------------------------------------------------------------------------------
    def kill_backend(self, choice, **_):
        pids = self.town.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid")
        if pids:
            os.kill(int(pids[int(choice * len(pids))][0]), signal.SIGKILL)
            self.world.note("backend killed")
            self.town.bring_up()

    def restart(self, choice, **_):
        self.town.server("stop", "-m", "immediate" if choice < 0.7 else "fast")
        self.world.note("server stopped")
        self.town.server("start")
        self.town.bring_up()

    # --- administration -----------------------------------------------------------------------------------------
    def version(self, partner, choice, **_):
        r = random.Random(choice)
        with self.admin:
            self.world.new_version(partner, r.choice(FIELDS[partner]), r.choice(CONDITIONS[partner]))

    def subscribe(self, partner, event, area, choice, **_):
        registry = "person" if choice < 0.6 or partner == "brief" else "works"
        self.world.subscribe(partner, registry, event, area=area if partner == "all" and choice < 0.4 else None)

    def unsubscribe(self, choice, **_):
        passing = [s for s in self.world.subscriptions[len(PARTNERS) * 4:] if s["ended"] is None]
        if passing:
            self.world.unsubscribe(passing[int(choice * len(passing))])

    def stop(self, partner, scope, until, **_):
        if self.officer is None or not self.officer.is_alive():
            self.officer = self.beside(self.stop_and_resume, partner, scope, until)

    def stop_and_resume(self, partner, scope, until):
        who = "" if scope == "everybody" else partner
        target = {"partner": f"partner => '{partner}'", "agreement": f"agreement => 'AGR-{partner}'", "everybody": "partner => NULL"}[scope]
        with self.admin:
            self.stopped.add(who)
        entry = {"partner": who, "scope": scope, "called": time.time(), "first": None, "last": None}
        try:
            session = Session(self.town, "officer")
            try:
                session.run(f"SELECT count(*) FROM casesync.stop_sharing('trial', {target}, wait => '1 min')")
                if not any("under way" in warning for warning in session.warnings):
                    entry["first"] = self.world.partners.mark()
            finally:
                session.close()
        except (Lost, Refused) as error:
            entry["error"] = str(error)
        entry["returned"] = time.time()
        self.world.note("stopped", **entry)
        self.world.wait_done(max(until, self.world.done + 3))
        self.resume(entry, partner, scope)

    def resume(self, entry, partner, scope):
        target = {"partner": f"'{partner}'", "agreement": f"agreement => 'AGR-{partner}'", "everybody": ""}[scope]
        with self.admin:
            entry["last"] = self.world.partners.mark()
            self.world.stops.append(entry)
            try:
                self.town.ask(f"SELECT casesync.resume_sharing({target})")
            except DemoError as error:
                self.world.note("resume failed", error=str(error))
                self.unresumed.append(target)
            self.stopped.discard(entry["partner"])
        self.world.note("resumed", **entry)

    def ghost(self, partner, bridge, until, **_):
        """A bridge that sleeps while its sessions end and sharing stops, and then wakes."""
        if self.officer is not None and self.officer.is_alive():
            return
        for number in self.town.bridges:
            self.freeze_bridge(number, until)
        self.town.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'casesync-bridge%'")
        self.officer = self.beside(self.stop_and_resume, partner, "partner", until + 10)
        stops = len(self.world.stops)
        self.until(until, lambda: [self.thaw(number) for number in list(self.frozen)])
        self.world.note("ghost", partner=partner, stops=stops)

    def lose_word(self, choice, until, **_):
        """The town forgets what one of its words means: who has it cannot be told of."""
        word = WORDS[1 + int(choice * 3)]
        self.lost_words.add(word)
        self.town.ask(f"SELECT casesync.unmap_code('town', '{word}', NULL::casesync.enrolment_status)")
        self.world.note("word lost", word=word)
        self.until(until, lambda: self.find_word(word))

    def find_word(self, word):
        code = {"sus": "Suspended", "exi": "Exited", "ina": "Inactive"}[word]
        self.town.ask(f"SELECT casesync.map_code('town', '{word}', '{code}'::casesync.enrolment_status)")
        self.lost_words.discard(word)
        self.world.note("word found", word=word)

    def tidy(self, **_):
        self.town.ask("SELECT * FROM casesync_internal.tidy(1)")

    def gap(self, choice, **_):
        self.beside(self.gap_and_fill, "town.person" if choice < 0.5 else "town.stay")

    def gap_and_fill(self, table):
        self.world.gaps.append({"called": time.time(), "filled": None})
        try:
            number = self.town.ask(f"SET lock_timeout = '5s'; SELECT casesync.stop_capture('trial', '{table}')")[0][0]
            self.world.note("gap begun", gap=number, table=table)
        except (DemoError, IndexError) as error:
            self.world.note("gap failed", error=str(error))

    def fill_gaps(self):
        for number, state in self.town.ask("SELECT gap, state FROM casesync.gaps WHERE state <> 'filled'"):
            try:
                if state == "open":
                    self.town.ask(f"SELECT count(*) FROM casesync.start_capture({number})")
                self.town.ask(f"SELECT casesync.fill_gap({number})")
                for gap in self.world.gaps:
                    gap["filled"] = time.time()
                self.world.note("gap filled", gap=number)
            except DemoError as error:
                self.world.note("fill failed", gap=number, error=str(error))

    def fill(self, **_):
        self.beside(self.fill_gaps)

    def prune(self, **_):
        self.town.ask("SELECT * FROM casesync.prune('2 s')")

    def backlog(self, partner, choice, until, **_):
        """A partner is away, and little may wait for it: what is beyond that is compacted, at once."""
        self.short.add(partner)
        self.down(partner, until)
        self.town.ask(f"SELECT casesync.set_quota('{partner}', backlog => {1 + int(choice * 12)})")
        self.world.note("short backlog", partner=partner)
        self.beside(self.keep_short)
        self.until(until, lambda: self.lengthen(partner))

    def keep_short(self):
        """What the bridge does once a while, often."""
        while self.short and not self.world.ending.is_set():
            with contextlib.suppress(DemoError):
                self.town.ask("SELECT casesync_internal.prune_step()")
            self.world.ending.wait(0.3)

    def lengthen(self, partner):
        self.short.discard(partner)
        self.town.ask(f"SELECT casesync.set_quota('{partner}', backlog => 200000)")

    def backfill(self, choice, **_):
        standing = [s for s in self.world.subscriptions if s["ended"] is None]
        self.world.backfill(standing[int(choice * len(standing))])

    def view(self, **_):
        self.town.ask("DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW shared.person AS ' || pg_get_viewdef('shared.person'::regclass); END $$")

    def rehearse(self, partner, choice, **_):
        with self.admin:
            fields = random.Random(choice).choice(FIELDS[partner])
            self.town.ask(f"SELECT casesync.set_agreement('AGR-{partner}', '{partner}', fields => '{{{','.join(fields)}}}')")
            self.town.ask(f"SELECT casesync.rehearse('AGR-{partner}', now() + interval '5 s')")

    def old_snapshot(self, until, **_):
        """A report that runs long: what is deleted meanwhile cannot be cleaned up."""
        session = Session(self.town, "report")
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM town.person")
        self.until(until, session.close)

    # --- the end of all trouble -----------------------------------------------------------------------------------
    def heal(self):
        self.short.clear()
        for thread in self.threads:
            thread.join(90)
        for name in PARTNERS:
            self.world.partners.set_down(name, False)
            self.world.partners.set_mood(name, "well")
        for number in list(self.frozen):
            self.thaw(number)
        self.town.bring_up()
        for target in self.unresumed:
            with contextlib.suppress(DemoError):    # committed, and the answer was lost
                self.town.ask(f"SELECT casesync.resume_sharing({target})")
        for number in self.town.bridges:
            self.launch(number)
        for word in list(self.lost_words):
            self.find_word(word)
        self.fill_gaps()

    def settle(self, seconds):
        """Until nothing waits any more; what still does when nothing has moved for so long, or None."""
        seen, last, deadline = None, [], 0

        def is_quiet():
            nonlocal seen, last, deadline
            *last, turn = [int(n) for n in self.town.ask(WAITING)[0]]
            self.town.ask("SELECT casesync_internal.prune_step()")
            if last[1]:
                self.town.ask("SELECT casesync.retry_quarantine()")
            if last[2]:
                dead = [row[0] for row in self.town.ask("SELECT reference_id FROM casesync.dead_letter")]
                self.world.retried.update(dead)
                self.town.ask("SELECT casesync.retry(reference_id) FROM casesync.dead_letter")
            for name in PARTNERS:
                self.lift_lanes(name)
            if seen != (last, turn, self.world.partners.received):
                seen, deadline = (last, turn, self.world.partners.received), time.monotonic() + seconds
            return not any(last) or time.monotonic() > deadline
        for _ in range(3):
            until("nothing to wait or to move", is_quiet, 3600)
            self.world.partners.mark()
        return last if any(last) else None
