"""What is wrong with a history: what the partners got, held against what was so. A pure function of a
transcript (see read() for where each part comes from); knows of casesync only what it promises to partners.

	moments       a person's whole state at each commit, in the order in which they became visible
	versions      of each agreement: fields, condition, and when it began to count (begun: at the
	              earliest, done: surely)
	subscriptions code, partner, registry, event, area (its filter), done, ended, and when backfills were asked for
	requests      what arrived, by first byte: order, at, partner, behaviour, kept, body
	stops         of sharing: nothing may arrive between the orders first and last
	frozen        when a bridge stood still, from and to
	gaps          when changes were not captured
	waiting, health, log, bridges   what the node says at the end
"""

import collections
import datetime
import json
import re

# Between the decision at the door and the time in the message's header, and between a commit's own time and
# the moment at which others see it, some time passes. Nothing that is not allowed may leave later than that.
DOOR_SECONDS = 2.0
# A bridge that stood still for less goes on with what it has taken, if the server has heard of it since (fence.c).
STANDSTILL_SECONDS = 5.0
CODES = {"act": "1", "sus": "4", "exi": "3", "ina": "5"}
CONDITIONS = {
    "true": lambda state: True,
    "consent": lambda state: state["consent"],
    "consent AND area <> 'West'": lambda state: state["consent"] and state["person"]["area"] != "West",
}
IDENTIFIERS = {"all": ("NATIONAL_ID", "N"), "some": ("UIN", "U"), "brief": ("UIN", "U")}
TELLS_LEAVING = ("some",)
ON_INSERT, ON_UPDATE = "enrolment", "enrolment_status_change"
REFUSED = ("err", "s400")
ALWAYS = {"@type", "member_identifier", "member"}
PROMISED = {"additional_attributes", "programme_identifier", *ALWAYS}

Finding = collections.namedtuple("Finding", "kind text")


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def short(value):
    return json.dumps(value, sort_keys=True, default=str)


# --- what was so -------------------------------------------------------------------------------------
class Moment:
    """A person's state from one commit to the next one."""

    def __init__(self, row):
        self.n, self.person, self.at, self.state = row["n"], row["person"], row["at"], row["state"]
        self.until = float("inf")
        self.events = {"person": set(), "works": set()}
        for table in {table for table, _ in row["ops"]}:
            ops = {op for other, op in row["ops"] if other == table}
            told = set()
            if "I" in ops and "D" not in ops:
                told.add(ON_INSERT if table in ("person", "stay") else ON_UPDATE)
            if "U" in ops or "D" in ops:
                told.add(ON_UPDATE)
            for registry in ("person", "works") if table in ("person", "consent") else ("works",):
                self.events[registry] |= told

    def facts(self, registry, fields):
        """What a partner with these fields is to see of it; None: nothing, the view has no such row."""
        person, stays = self.state["person"], self.state["stays"]
        if person is None or (registry == "works" and not stays):
            return None
        facts = {}
        if "additional_attributes.pv" in fields:
            facts["pv"] = str(person["v"])
        if "additional_attributes.area" in fields:
            facts["area"] = person["area"]
        if "additional_attributes.enrolment_status" in fields and registry == "person":
            facts["status"] = CODES[person["word"]]
        if registry == "works":
            facts["stays"] = [[title if "programme_identifier.programme_name" in fields else None,
                               f"E{v}" if "programme_identifier.programme_identifier" in fields else None] for title, v, _ in stays]
        return facts

    def is_allowed(self, registry, version):
        return self.facts(registry, ()) is not None and CONDITIONS[version["condition"]](self.state)


# --- what arrived -------------------------------------------------------------------------------------
class Item:
    """One notification as it arrived once."""

    def __init__(self, request, message_ts, stream, event, meta):
        self.partner, self.order, self.at = request["partner"], request["order"], request["at"]
        self.behaviour, self.kept, self.sent = request["behaviour"], request["kept"], message_ts
        self.stream, self.code, self.seq, self.prev = stream, meta.get("code"), meta.get("seq"), meta.get("prev_seq")
        self.reference = event["reference_id"]
        data = event["data"]
        self.event = data["reg_event_type"].split(":")[-1]
        self.registry = {"Member": "person", "Beneficiary": "works"}[data["reg_record_type"]]
        record = data["reg_records"]
        self.names = set(record)
        self.identifiers = (record if self.registry == "person" else record.get("member", {})).get("member_identifier", [])
        attributes = {name: value for pair in record.get("additional_attributes", []) for name, value in pair.items()}
        self.is_removal = attributes.pop("removed", None) == "true"
        self.facts = {{"enrolment_status": "status"}.get(name, name): value for name, value in attributes.items()}
        if self.registry == "works" and not self.is_removal:
            self.facts["stays"] = [[p.get("programme_name"), p.get("programme_identifier")] for p in record.get("programme_identifier", [])]
        self.person = None
        self.same = self.candidates = ()    # the moments that look like it; those of them in which it was allowed
        self.moment = None          # of those that it may show: the one that it shows

    def __str__(self):
        return (f"{self.partner} {self.registry} {self.person} ref {self.reference[:8]} code {(self.code or '?')[:8]} seq {self.seq} "
                f"{self.event} sent {self.sent:.3f} arrived {self.at:.3f} (order {self.order}, {self.behaviour}): "
                f"{'removed' if self.is_removal else short(self.facts)}" + (f", moment {self.moment.n}" if self.moment else ""))


class Judge:
    def __init__(self, transcript):
        self.transcript = transcript
        self.findings = []
        self.versions = collections.defaultdict(list)
        for version in sorted(transcript["versions"], key=lambda v: v["begun"]):
            self.versions[version["partner"]].append(version)
        self.subscriptions = {s["code"]: s for s in transcript["subscriptions"]}
        # Given up before, also for a failure that was its own: the partner had not got them, and was told by others.
        self.retried = set(transcript.get("retried", ()))
        self.moments = collections.defaultdict(list)
        for row in sorted(transcript["moments"], key=lambda row: row["n"]):
            moment = Moment(row)
            if self.moments[moment.person]:
                self.moments[moment.person][-1].until = moment.at
            self.moments[moment.person].append(moment)
        self.items = []

    def blame(self, kind, text):
        self.findings.append(Finding(kind, text))

    def judge(self):
        self.read()
        for item in self.items:
            self.agreed(item)
        self.references()
        self.place()
        self.went_back()
        self.doubles()
        self.numbers()
        self.after_stop()
        self.after_end()
        self.last_states()
        self.last_of_each()
        self.node()
        return self.findings

    # --- reading ------------------------------------------------------------------------------------
    def read(self):
        for request in sorted(self.transcript["requests"], key=lambda r: r["order"]):
            if "HIDDEN-" in request["body"]:
                self.blame("hidden content left", f"order {request['order']} to {request['partner']}")
            envelope = json.loads(request["body"])
            header, message = envelope["header"], envelope["message"]
            if header["receiver_id"] != request["partner"]:
                self.blame("wrong receiver", f"order {request['order']}: for {header['receiver_id']}, came to {request['partner']}")
            if header["action"] != "notify":
                continue
            request["is_notify"] = True
            meta = header["meta"]
            if len(meta["items"]) != len(message["notify_event"]):
                self.blame("numbers missing", f"order {request['order']}: {len(meta['items'])} for {len(message['notify_event'])} items")
            for event, its in zip(message["notify_event"], meta["items"]):
                item = Item(request, seconds(header["message_ts"]), meta["stream"], event, its)
                if self.whom(item):
                    self.items.append(item)

    def whom(self, item):
        kind, letter = IDENTIFIERS[item.partner]
        found = [(i.get("identifier_type"), i.get("identifier_value")) for i in item.identifiers]
        people = {value[1:] for _, value in found if value}
        if any(name != kind or not value.startswith(letter) for name, value in found) or len(found) > 1:
            self.blame("identifier not agreed", f"{item}: {found}")
        if len(people) != 1:
            self.blame("whom it is about cannot be read", str(item))
            return False
        item.person = int(people.pop())
        subscription = self.subscriptions.get(item.code)
        if subscription is None or (subscription["partner"], subscription["registry"], subscription["event"]) != (
                item.partner, item.registry, item.event):
            self.blame("not what was subscribed to", f"{item}: {subscription}")
            return False
        return True

    # --- (a) only what was agreed, was so, and was so at one moment -------------------------------------
    def versions_between(self, partner, begin, end):
        versions = self.versions[partner]
        ends = [version["done"] for version in versions[1:]] + [float("inf")]
        return [v for v, over in zip(versions, ends) if v["begun"] <= end and begin <= over]

    def versions_at(self, partner, when):
        """Those that may have counted at the door shortly before a message was built."""
        return self.versions_between(partner, self.door_before(when), when)

    def door_before(self, when):
        """The earliest moment at which the door may have been asked about a message that was built then."""
        began = when - DOOR_SECONDS - STANDSTILL_SECONDS
        stood = sum(max(0, min(to, when) - max(since, began)) for since, to in self.transcript.get("frozen", ()))
        return when - DOOR_SECONDS - min(stood, STANDSTILL_SECONDS)

    def agreed(self, item):
        moments = [m for m in self.moments[item.person] if m.at <= item.at]
        versions = self.versions_at(item.partner, item.sent)
        if item.names - PROMISED:
            self.blame("field not agreed", f"{item}: {sorted(item.names - PROMISED)}")
        if item.is_removal:
            item.same = item.candidates = self.removals(item, moments, versions)
            return
        same = [(m, v) for m in moments for v in versions
                if any(m.facts(item.registry, fields) == item.facts for fields in self.cuts(item.partner, v))]
        allowed = [(m, v) for m, v in same if m.is_allowed(item.registry, v)]
        item.same = list(dict.fromkeys(m for m, _ in same))
        item.candidates = list(dict.fromkeys(m for m, _ in allowed)) or item.same
        if not same:
            self.never_so(item, moments)
        elif not allowed:
            self.blame("not allowed in the state that it shows", f"{item}; in moment {same[0][0].n}: {short(same[0][0].state)}")
        elif not any(m.is_allowed(item.registry, v) for m in moments for v in versions
                     if m.at <= item.sent and self.door_before(item.sent) <= m.until):
            self.blame("sent when it was no longer allowed", f"{item}; {self.around(item)}")

    def cuts(self, partner, version):
        """What was tried under an older version, and says nothing that this one does not let pass, is tried again as it is."""
        return [version["fields"]] + [v["fields"] for v in self.versions[partner]
                                      if v["number"] < version["number"] and set(v["fields"]) < set(version["fields"])]

    def never_so(self, item, moments):
        fields = [v["fields"] for v in self.versions[item.partner]]
        others = [m for m in self.moments[item.person] for f in fields if m.facts(item.registry, f) == item.facts]
        if any(m in moments for m in others):
            self.blame("fields of another version", f"{item}; moment {others[0].n}")
        elif others:
            self.blame("told before it was committed", f"{item}; moment {others[0].n} at {others[0].at:.3f}")
        else:
            self.blame("never so at any moment", f"{item}; {self.around(item)}")

    def removals(self, item, moments, versions):
        """The moments in which the person was gone or not allowed: one of them must be told."""
        found = [m for m in moments if any(not m.is_allowed(item.registry, v) for v in versions)]
        if item.partner not in TELLS_LEAVING:
            self.blame("removal not agreed", str(item))
        if not found:
            self.blame("removed, but was never gone", f"{item}; {self.around(item)}")
        return found

    def around(self, item):
        near = [m for m in self.moments[item.person] if m.at <= item.at][-3:]
        return "moments before: " + "; ".join(f"{m.n} at {m.at:.3f} {short(m.state)}" for m in near)

    # --- (c) references: one says one thing, or something newer of the same person ------------------------
    def references(self):
        first = {}
        for item in self.items:
            known = first.setdefault(item.reference, item)
            if (known.person, known.code) != (item.person, item.code):
                self.blame("one reference, two subjects", f"{known}; {item}")
            elif (known.is_removal, known.facts) != (item.is_removal, item.facts) and (
                    not item.candidates or not known.candidates or item.candidates[-1].n < known.candidates[0].n):
                self.blame("one reference, an older content later", f"{known}; {item}")
            if known.stream == item.stream and known.seq != item.seq:
                self.blame("one reference, two numbers", f"{known}; {item}")

    @staticmethod
    def what(item):
        return item.reference, item.is_removal, short(item.facts)

    def firsts(self, items):
        """Without repetitions: the first of each reference and content."""
        seen = set()
        for item in items:
            if self.what(item) not in seen:
                seen.add(self.what(item))
                yield item

    def place(self):
        """Of the moments that each item may show the one that it shows: not before that of the item that came before it."""
        last, placed = {}, {}
        for item in self.firsts(i for i in self.items if i.kept):
            key = (item.partner, item.registry, item.person)
            before = last.get(key)
            later = [m for m in item.candidates if before is None or m.n >= before.moment.n]
            if item.candidates:
                item.moment = later[0] if later else item.candidates[-1]
                placed[self.what(item)] = item.moment
            if later:
                last[key] = item
        for item in self.items:
            item.moment = placed.get(self.what(item))

    def went_back(self):
        """No state is older than the one that came before: in a subscription, and in all of a partner's."""
        kept = [i for i in self.firsts(i for i in self.items if i.kept) if i.same]
        for kind, items, key in (
                ("a state went back", kept, lambda i: (i.code, i.person)),
                ("an older state came after a newer one", kept, lambda i: (i.partner, i.registry, i.person))):
            series = collections.defaultdict(list)
            for item in items:
                series[key(item)].append(item)
            for one in series.values():
                pair = self.older([(item, item.same) for item in one])
                if pair:
                    self.blame(kind, f"{pair[0]}; then {pair[1]}")
                    continue
                pair = self.older([(item, item.candidates) for item in one])
                if pair:
                    self.blame("not allowed in the state that it shows", f"{pair[0]}; for it came before {pair[1]}")

    @staticmethod
    def older(series):
        """The first item that cannot be as new as the one before it, with that one."""
        oldest, before = 0, None
        for item, moments in series:
            later = [m.n for m in moments if m.n >= oldest]
            if not later:
                return before, item
            oldest, before = later[0], item
        return None

    def doubles(self):
        """The same content comes again only when something else was so in between."""
        last, highest, said, again = {}, collections.Counter(), collections.defaultdict(set), collections.Counter()
        for item in self.firsts(self.items):
            key = (item.code, item.person)
            before = last.get(key)
            last[key] = item
            said[item.reference].add(self.what(item))
            # What was tried with other content is told at last under its own number; whoever has kept it so would take
            # it for a repetition, and is told by another besides.
            is_old = len(said[item.reference]) > 1 or item.seq < highest[item.code, item.stream] or (
                before is not None and len(said[before.reference]) > 1)
            highest[item.code, item.stream] = max(item.seq, highest[item.code, item.stream])
            if (is_old or before is None or before.reference == item.reference or (before.is_removal, before.facts) != (item.is_removal, item.facts)
                    or not before.candidates or before.behaviour in REFUSED or before.reference in self.retried):
                continue
            fields = self.versions_at(item.partner, item.sent)[-1]["fields"]
            between = [m for m in self.moments[item.person] if m.n > before.candidates[0].n and m.at <= item.at]
            versions = self.versions_between(item.partner, before.sent - DOOR_SECONDS, item.sent)
            is_other = any(m.facts(item.registry, fields) != item.facts or not all(m.is_allowed(item.registry, v) for v in versions)
                           for m in between) or len({tuple(v["fields"]) for v in versions}) > 1
            if not is_other or item.is_removal and not any(
                    m.is_allowed(item.registry, v) for m in between for v in versions):
                # A backfill tells what is known, once.
                again[key] += 1
                if again[key] <= sum(at < item.sent for at in self.subscriptions[item.code].get("backfills", ())):
                    continue
                self.blame("the same content under a second reference", f"{before}; then {item}")

    # --- (d) numbers -----------------------------------------------------------------------------------------
    def numbers(self):
        """Each item names the number that comes before its own; those in between are not told, or come later."""
        owner, seen, last = {}, collections.defaultdict(dict), collections.defaultdict(dict)
        refused = {item.reference for item in self.items if item.behaviour in REFUSED}
        for item in self.items:
            place = (item.code, item.stream)
            known = owner.setdefault((*place, item.seq), item)
            if known.reference != item.reference:
                self.blame("one number, two references", f"{known}; {item}")
            if item.prev is not None and not 0 < item.prev < item.seq:
                self.blame("prev_seq is no number before", f"{item}: {item.prev}")
            seen[place].setdefault(item.seq, item)
            last[place][item.seq] = item
        # What it has refused for good it has seen.
        kept = {(item.code, item.stream, item.seq) for item in self.items if item.kept or item.reference in refused}
        for place, found in seen.items():
            if self.subscriptions[place[0]]["ended"] is None:
                self.followed(place, found, last[place], kept)
        self.in_order(refused)

    def in_order(self, refused):
        """No item comes after one that names it as the one before."""
        seen, named = collections.defaultdict(set), collections.defaultdict(dict)
        for item in self.items:
            place = (item.code, item.stream)
            if item.seq not in seen[place] and item.seq in named[place] and item.reference not in refused:
                self.blame("number out of order", f"{item}; after {named[place][item.seq]}")
            seen[place].add(item.seq)
            named[place].setdefault(item.prev, item)

    def followed(self, place, found, last, kept):
        """What an item names as the one before has come: as it was told last."""
        missing = sorted({item.prev for item in last.values() if item.prev is not None and (*place, item.seq) in kept
                          and (*place, item.prev) not in kept and not self.is_for_good(found.get(item.prev))})
        if missing:
            before = found.get(missing[0])
            self.blame("number left open", f"{self.subscriptions[place[0]]['partner']} code {place[0][:8]}: {missing[:10]} of {max(found)}, "
                       f"{len(missing)} in all; " + (f"the first was tried: {before}" if before else "the first never arrived"))

    def is_for_good(self, item):
        """Whether a number that the partner has seen, but not kept, is of somebody whom it may not know of now: there is nothing to tell."""
        return item is not None and not self.moments[item.person][-1].is_allowed(item.registry, self.versions[item.partner][-1])

    # --- (e) nothing after the stop ------------------------------------------------------------------------------
    def after_stop(self):
        for stop in self.transcript["stops"]:
            if stop["first"] is None:
                continue
            last = min([stop["last"]] + [v["order"] for v in self.transcript["versions"] if stop["scope"] == "agreement"
                                         and v["partner"] == stop["partner"] and v["begun"] > stop["called"]])
            for request in self.transcript["requests"]:
                if request.get("is_notify") and stop["first"] < request["order"] < last and stop["partner"] in ("", request["partner"]):
                    header = json.loads(request["body"])["header"]
                    self.blame("after stop_sharing() had returned", f"order {request['order']} at {request['at']:.3f} to {request['partner']}, built "
                               f"{header['message_ts']}; stop: {short(stop)}")

    def after_end(self):
        for item in self.items:
            ended = self.subscriptions[item.code]["ended"]
            if ended is not None and item.sent > ended + DOOR_SECONDS:
                self.blame("sent after the subscription had ended", f"{item}; ended {ended:.3f}")

    # --- (b) the last state -----------------------------------------------------------------------------------------
    def last_kept(self, key):
        last = {}
        for item in self.firsts(i for i in self.items if i.kept):
            last[key(item)] = item
        return last

    def is_last(self, item, version):
        """Whether it says what the person is like now; by the fields of the version that it was cut by."""
        now = self.moments[item.person][-1]
        return not item.is_removal and any(now.facts(item.registry, v["fields"]) == item.facts
                                           for v in [version, *self.versions_at(item.partner, item.sent)])

    def last_states(self):
        """Whoever may know of a person knows the last state, by one of its subscriptions to everybody."""
        standing = {s["code"] for s in self.subscriptions.values() if s["area"] is None and s["ended"] is None}
        last = collections.defaultdict(list)
        for item in self.last_kept(lambda i: (i.code, i.person)).values():
            if item.code in standing:
                last[item.partner, item.registry, item.person].append(item)
        for partner, registry in {(s["partner"], s["registry"]) for s in self.subscriptions.values()}:
            version = self.versions[partner][-1]
            for person, moments in self.moments.items():
                items = last[partner, registry, person]
                newest = max(items, key=lambda i: i.order, default=None)
                if moments[-1].is_allowed(registry, version):
                    # A version that lets more people pass looks at nobody: they are told of when they change.
                    is_due = any(m.events[registry] for m in self.since_allowed(partner, registry, moments))
                    if is_due and not any(self.is_last(item, version) for item in items):
                        self.blame("last state not told", f"{partner} {registry} {person}: last told {newest}; {self.end_of(person)}")
                elif partner in TELLS_LEAVING and newest is not None and not newest.is_removal:
                    self.leaving(newest, moments, version)

    def leaving(self, newest, moments, version):
        # A version that narrows the condition looks at nobody: only who has changed since is told as gone.
        if any(m.at > version["done"] and m.events[newest.registry] for m in moments
               if newest.moment is None or m.n > newest.moment.n):
            self.blame("leaving not told", f"{newest}; {self.end_of(newest.person)}")

    def end_of(self, person):
        return "moments: " + "; ".join(f"{m.n} at {m.at:.3f} {short(m.state)}" for m in self.moments[person][-3:])

    def last_of_each(self):
        """A subscription gets the state after the last event of its own type that changed what may be said, though others were told of it too."""
        last = self.last_kept(lambda i: (i.code, i.person))
        self.last_of_partner = self.last_kept(lambda i: (i.partner, i.registry, i.person))
        for code, s in self.subscriptions.items():
            if s["ended"] is not None:
                continue
            version = self.versions[s["partner"]][-1]
            for person, moments in self.moments.items():
                if moments[-1].is_allowed(s["registry"], version):
                    self.last_of(s, last.get((code, person)), person, moments, version)

    def last_of(self, s, item, person, moments, version):
        # What is not allowed in between ends what came before: later it is told by the events that come then.
        since = self.since_allowed(s["partner"], s["registry"], moments)
        wanted = [m for before, m in zip([None, *since], since) if s["event"] in m.events[s["registry"]] and m.at > s["done"]
                  and not self.in_gap(m) and (before is None or self.says_another(s, before, m))]
        area = s["area"]
        if area is not None:
            if moments[-1].state["person"]["area"] != area:
                self.leaving_filter(s, item, person, moments, version)
                return
            outside = [m.n for m in since if m.state["person"]["area"] != area]
            wanted = [m for m in wanted if m.n > max(outside, default=0)]
        if not wanted:
            return
        if self.was_known(s, person, wanted[-1], version):
            return
        if item is None or not item.is_removal and item.candidates and item.candidates[-1].n < wanted[-1].n \
                and not self.is_last(item, version) and not self.came_back(item, since, wanted[-1]):
            self.blame("a subscription did not get its last state", f"{s['partner']} {s['registry']} {person} code {s['code'][:8]} {s['event']}: "
                       f"moment {wanted[-1].n}; last told {item}; {self.end_of(person)}")

    def came_back(self, item, since, moment):
        """Whether it was again, after this moment, what it was last told as: seen in one look, or behind a stop, that is no news."""
        return any(m.n > moment.n and m.facts(item.registry, v["fields"]) == item.facts
                   for m in since for v in self.versions_at(item.partner, item.sent))

    def was_known(self, s, person, moment, version):
        """Whether the partner may have known what it is now, by another subscription, before it became so once more: that is no news to it."""
        newest = self.last_of_partner.get((s["partner"], s["registry"], person))
        return newest is not None and self.is_last(newest, version) and any(m.n < moment.n for m in newest.same)

    def says_another(self, s, before, m):
        """What is not agreed may change without anybody being told."""
        return any(before.facts(s["registry"], v["fields"]) != m.facts(s["registry"], v["fields"])
                   for v in self.versions_between(s["partner"], m.at - DOOR_SECONDS, m.until))

    def since_allowed(self, partner, registry, moments):
        """The last of these moments, in which the person was allowed by each version that counted."""
        since = []
        for m in reversed(moments):
            if not all(m.is_allowed(registry, v) for v in self.versions_between(partner, m.at - DOOR_SECONDS, m.until)):
                break
            since.insert(0, m)
        return since

    def leaving_filter(self, s, item, person, moments, version):
        """Who was last told as inside, and is outside since an event of this type, must be told so; unless gone in between."""
        if item is None or item.moment is None or item.is_removal or item.facts.get("area") != s["area"]:
            return
        since = [m for m in moments if m.n >= item.moment.n]
        is_told = all(m.is_allowed(s["registry"], version) for m in since) and any(
            s["event"] in m.events[s["registry"]] and m.state["person"]["area"] != s["area"] and not self.in_gap(m) for m in since)
        if is_told:
            self.blame("leaving a filter not told", f"code {s['code'][:8]} {s['event']}: {item}; {self.end_of(person)}")

    def in_gap(self, moment):
        return any(gap["called"] - DOOR_SECONDS <= moment.at and (gap["filled"] is None or moment.at <= gap["filled"] + DOOR_SECONDS)
                   for gap in self.transcript["gaps"])

    # --- (f) what the node says -----------------------------------------------------------------------------------------
    EXPECTED = re.compile(r"terminating connection|canceling statement due to user request|the database system is|connection to client lost|"
                          r"terminating walreceiver|could not receive data from client|was terminated by signal|crash of another server process")

    def node(self):
        if self.transcript["waiting"]:
            self.blame("something waits for ever", f"to do, quarantine, dead letters: {self.transcript['waiting']}")
        for row in self.transcript["health"]:
            self.blame("health is not empty", " | ".join(row))
        for line in self.transcript["log"]:
            is_ours = "casesync-bridge" in line
            if "deadlock detected" in line or "PANIC" in line or is_ours and re.search(r"ERROR|FATAL", line) and not self.EXPECTED.search(line):
                self.blame("in the server's log", line.strip())
        for line in self.transcript["bridges"]:
            self.blame("the bridge", line)


def judge(transcript):
    return Judge(transcript).judge()
