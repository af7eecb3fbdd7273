"""The plan of a history: every transaction of every writer and every fault, made of the seed alone and
before anything begins. What is random later is only how the parts meet in time."""

import random

PARTNERS = ("all", "some", "brief")
EVENTS = ("enrolment", "enrolment_status_change")
AREAS = ("North", "South", "East", "West")
WORDS = ("act", "sus", "exi", "ina")
SCHEMES = 4

FIELDS = {
    "all": (("additional_attributes.pv", "additional_attributes.area", "additional_attributes.enrolment_status",
             "programme_identifier.programme_name", "programme_identifier.programme_identifier"),),
    "some": (("additional_attributes.pv", "programme_identifier.programme_name"),
             ("additional_attributes.pv", "additional_attributes.area", "programme_identifier.programme_name")),
    "brief": (("additional_attributes.area",),),
}
REGISTRIES = {"all": ("person", "works"), "some": ("person", "works"), "brief": ("person",)}
# Conditions as the agreement has them; the judge knows them by these texts (judge.CONDITIONS).
CONDITIONS = {"all": ("true",), "some": ("consent", "consent AND area <> 'West'"), "brief": ("consent",)}
IDENTIFIERS = {"all": "NATIONAL_ID", "some": "UIN", "brief": "UIN"}
ON_LEAVE = {"all": "silent", "some": "identifier_only", "brief": "silent"}

# name -> how often; what each does is a method of faults.Faults
FAULTS = {"mood": 12, "down": 4, "kill_bridge": 5, "end_bridge": 1, "freeze_bridge": 3, "end_sessions": 4, "cancel": 2, "kill_backend": 1,
          "restart": 1, "version": 6, "stop": 5, "ghost": 2, "subscribe": 3, "unsubscribe": 2, "move": 2, "lose_word": 2, "tidy": 2,
          "gap": 1, "fill": 1, "prune": 1, "view": 1, "rehearse": 1, "old_snapshot": 1, "backlog": 3,
          "backfill": 2}
MOODS = ("flaky", "flaky", "forgetful", "sick", "slow", "silent", "refusing", "moved")


class Transaction:
    """Statements, the people whom they may change, and how it ends."""

    def __init__(self, statements, people, end, hold, pause):
        self.statements, self.people, self.end, self.hold, self.pause = statements, people, end, hold, pause


class Plan:
    def __init__(self, seed, seconds, people=120, writers=4, bridges=None):
        r = random.Random(f"{seed}/plan")
        self.seed, self.seconds, self.people = seed, seconds, people
        self.bridges = bridges or r.choice((1, 2))
        self.settings = {"poll_interval": r.choice(("500ms", "2s")), "routing_chunk": r.choice((3, 7, 50, 1000, 1000))}
        # Paused between transactions, so that the node is at work while there is still something to come.
        pause = 0.12
        count = max(10, int(seconds / (pause + 0.06)))
        self.writers = [self.transactions(random.Random(f"{seed}/writer/{n}"), count, pause) for n in range(writers)]
        self.faults = self.make_faults(random.Random(f"{seed}/faults"), count * writers)

    # --- what writers do --------------------------------------------------------------------------
    def transactions(self, r, count, pause):
        return [self.transaction(r, pause) for _ in range(count)]

    def transaction(self, r, pause):
        kind = r.random()
        if kind < 0.03:
            people = list(range(1, self.people + 1))
            statements = [f"UPDATE town.scheme SET title = 'T' || nextval('town.number') WHERE id = {r.randint(1, SCHEMES)}"]
        elif kind < 0.07:
            rest = r.randint(0, 14)
            people = [one for one in range(1, self.people + 1) if one % 15 == rest]
            statements = [f"UPDATE town.person p SET word = '{r.choice(WORDS)}', v = nextval('town.number') FROM (SELECT id FROM town.person "
                          f"WHERE id % 15 = {rest} ORDER BY id FOR UPDATE) o WHERE o.id = p.id"]
        elif kind < 0.12:
            people = sorted(r.sample(range(1, self.people + 1), 8))
            statements = []
            for one in people:
                statements += [f"UPDATE town.person SET area = '{r.choice(AREAS)}', v = nextval('town.number') WHERE id = {one}",
                               f"INSERT INTO town.consent VALUES ({one}, true) ON CONFLICT (person_id) DO UPDATE SET given = NOT consent.given"]
        else:
            people = sorted({r.randint(1, 8) if r.random() < 0.35 else r.randint(1, self.people) for _ in range(r.choice((1, 1, 1, 2, 3)))})
            statements = []
            for one in people:
                statements += self.about(r, one)
        if r.random() < 0.15:
            statements.insert(0, "SET LOCAL synchronous_commit = off")
        end = r.choices(("commit", "rollback", "prepare", "prepare_rollback"), (80, 8, 9, 3))[0]
        hold = r.uniform(0.1, 1.2) if r.random() < 0.05 else 0
        return Transaction(statements, people, end, hold, r.expovariate(1 / pause))

    def about(self, r, one):
        """Changes to one person, table by table in one order: writers must not deadlock with each other."""
        area, word, scheme = r.choice(AREAS), r.choice(WORDS), r.randint(1, SCHEMES)
        number = "nextval('town.number')"
        kind = r.random()
        if kind < 0.10:
            return [f"DELETE FROM town.person WHERE id = {one}", f"DELETE FROM town.stay WHERE person_id = {one}"]
        if kind < 0.15:
            return [f"DELETE FROM town.person WHERE id = {one}",
                    f"INSERT INTO town.person (id, area, word, v) VALUES ({one}, '{area}', '{word}', {number}) ON CONFLICT DO NOTHING"]
        tables = []
        if r.random() < 0.6:
            tables.append(r.choice((
                f"UPDATE town.person SET area = '{area}', word = '{word}', v = {number} WHERE id = {one}",
                f"UPDATE town.person SET area = '{area}', v = {number} WHERE id = {one}",
                f"UPDATE town.person SET seen = seen + 1 WHERE id = {one}",
                f"INSERT INTO town.person (id, area, word, v) VALUES ({one}, '{area}', '{word}', {number}) "
                f"ON CONFLICT (id) DO UPDATE SET area = excluded.area, v = excluded.v")))
        if r.random() < 0.35:
            tables.append(r.choice((
                f"INSERT INTO town.consent VALUES ({one}, true) ON CONFLICT (person_id) DO UPDATE SET given = true",
                f"INSERT INTO town.consent VALUES ({one}, false) ON CONFLICT (person_id) DO UPDATE SET given = false",
                f"UPDATE town.consent SET given = NOT given WHERE person_id = {one}",
                f"DELETE FROM town.consent WHERE person_id = {one}")))
        if r.random() < 0.5 or not tables:
            opened = (f"INSERT INTO town.stay (person_id, scheme_id, word, v) SELECT {one}, {scheme}, '{word}', {number} "
                      f"WHERE EXISTS (SELECT FROM town.person WHERE id = {one}) ON CONFLICT DO NOTHING")
            closed = f"UPDATE town.stay SET ended = now() WHERE person_id = {one} AND scheme_id = {scheme} AND ended IS NULL"
            tables += r.choice((
                [closed, opened], [closed, opened], [opened], [closed],
                [f"UPDATE town.stay SET word = '{word}', v = {number} WHERE person_id = {one} AND scheme_id = {scheme} AND ended IS NULL"],
                [f"DELETE FROM town.stay WHERE person_id = {one} AND scheme_id = {scheme} AND ended IS NULL"]))
        if r.random() < 0.15:
            tables = ["SAVEPOINT s", *tables, r.choice(("ROLLBACK TO s", "RELEASE s"))]
        return tables

    # --- what goes wrong --------------------------------------------------------------------------
    def make_faults(self, r, total):
        """(after how many transactions, name, arguments), in order. A fault that lasts says until which transaction."""
        faults = []
        at = r.randint(5, 15)
        while at < total - 15:
            name = r.choices(list(FAULTS), list(FAULTS.values()))[0]
            until = min(total, at + r.choice((4, 10, 20, 40, 80)))
            faults.append((at, name, {"partner": r.choice(PARTNERS), "bridge": r.randint(1, self.bridges), "until": until,
                                      "mood": r.choice(MOODS), "scope": r.choice(("partner", "partner", "agreement", "everybody")),
                                      "choice": r.random(), "area": r.choice(AREAS), "event": r.choice(EVENTS)}))
            at += r.randint(2, 22)
        return faults
