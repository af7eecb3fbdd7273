#!/usr/bin/python3
"""Does the judge of random histories (test/torture/judge.py) see what it is there to see? A small history in
which all is well, and the same with one fault each."""
import copy
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True
TORTURE = pathlib.Path(__file__).resolve().parents[2] / "torture"
sys.path.insert(0, str(TORTURE))
from judge import judge  # noqa: E402

START = 1_800_000_000.0
STREAM = "5bd7ce1c-0000-4000-8000-000000000000"
ALL, SOME = ["additional_attributes.pv", "additional_attributes.area"], ["additional_attributes.pv"]


def stamp(second):
    whole = int(second)
    return f"2027-01-15T08:{whole // 60:02}:{whole % 60:02}.{round((second - whole) * 1000):03}Z"


def moment(n, second, person, area="North", v=None, consent=True, ops=(("person", "U"),), stays=()):
    state = {"person": None if area is None else {"area": area, "word": "act", "v": v or n}, "consent": consent, "stays": list(stays)}
    return {"n": n, "person": person, "at": START + second, "state": state, "ops": [list(op) for op in ops]}


def item(reference, seq, person, code="code-all", event="enrolment_status_change", letter="N", **attributes):
    kind = {"N": "NATIONAL_ID", "U": "UIN"}[letter]
    return {"event": {"reference_id": reference, "data": {
        "reg_event_type": event, "reg_record_type": "Member", "reg_records": {
            "@type": "Member", "additional_attributes": [{name: value} for name, value in attributes.items()],
            "member_identifier": [{"@type": "Identifier", "identifier_type": kind, "identifier_value": f"{letter}{person}"}]}}},
        "meta": {key: value for key, value in (("code", code), ("seq", seq), ("prev_seq", seq - 1 or None)) if value is not None}}


def request(order, second, partner, *items, behaviour="ack", kept=True):
    body = {"header": {"action": "notify", "receiver_id": partner, "message_ts": stamp(second),
                       "meta": {"stream": STREAM, "items": [i["meta"] for i in items]}},
            "message": {"notify_event": [i["event"] for i in items]}}
    return {"order": order, "at": START + second + 0.01, "partner": partner, "behaviour": behaviour, "kept": kept, "body": json.dumps(body)}


def subscription(code, partner, event="enrolment_status_change", area=None):
    return {"code": code, "partner": partner, "registry": "person", "event": event, "area": area, "begun": 0, "done": START - 5, "ended": None}


def version(partner, fields, condition="true", begun=-10.0):
    return {"partner": partner, "number": 1, "fields": fields, "condition": condition, "begun": START + begun, "done": START + begun + 0.1, "order": 0}


def well():
    """Person 1 changes twice, person 2 leaves and comes back to consent, person 3 is deleted."""
    return {
        "moments": [moment(1, 0, 1), moment(2, 0, 2), moment(3, 0, 3), moment(4, 10, 1, area="South"),
                    moment(5, 11, 2, v=2, consent=False, ops=[("consent", "U")]), moment(6, 12, 3, area=None, ops=[("person", "D")]),
                    moment(7, 20, 2, v=2, consent=True, ops=[("consent", "U")])],
        "versions": [version("all", ALL), version("some", SOME, "consent")],
        "subscriptions": [subscription("code-all", "all"), subscription("code-some", "some"), subscription("code-north", "all", area="North")],
        "requests": [
            request(1, 1, "all", item("a1", 1, 1, pv="1", area="North"), item("a2", 2, 2, pv="2", area="North"), item("a3", 3, 3, pv="3", area="North")),
            request(2, 1, "all", *(item(f"n{p}", p, p, code="code-north", pv=str(p), area="North") for p in (1, 2, 3))),
            request(3, 1.2, "some", *(item(f"s{p}", p, p, code="code-some", letter="U", pv=str(p)) for p in (1, 2, 3)), behaviour="s500", kept=False),
            request(4, 1.4, "some", *(item(f"s{p}", p, p, code="code-some", letter="U", pv=str(p)) for p in (1, 2, 3))),
            request(5, 10.2, "all", item("a4", 4, 1, pv="4", area="South")),
            request(6, 10.2, "all", item("n4", 4, 1, code="code-north", pv="4", area="South")),
            request(7, 10.3, "some", item("s4", 4, 1, code="code-some", letter="U", pv="4")),
            request(8, 11.1, "some", item("s5", 5, 2, code="code-some", letter="U", removed="true")),
            request(9, 12.1, "some", item("s6", 6, 3, code="code-some", letter="U", removed="true")),
            request(12, 20.1, "some", item("s7", 7, 2, code="code-some", letter="U", pv="2"))],
        "stops": [{"partner": "all", "scope": "partner", "called": START + 13, "first": 10, "last": 11}],
        "gaps": [], "waiting": None, "health": [], "log": [], "bridges": []}


def items_of(t, number):
    return json.loads(t["requests"][number]["body"])


def change(number, edit):
    """A history in which something of one request is another."""
    def make(t):
        body = items_of(t, number)
        edit(body, t["requests"][number])
        t["requests"][number]["body"] = json.dumps(body)
    return make


def attribute(number, place, name, value):
    def edit(body, _):
        record = body["message"]["notify_event"][place]["data"]["reg_records"]
        record["additional_attributes"] = [pair for pair in record["additional_attributes"] if name not in pair] + [{name: value}]
    return change(number, edit)


def set_meta(number, place, **values):
    return change(number, lambda body, _: body["header"]["meta"]["items"][place].update(values))


def reference(number, place, value):
    return change(number, lambda body, _: body["message"]["notify_event"][place].update(reference_id=value))


def add(*requests):
    return lambda t: t["requests"].extend(copy.deepcopy(requests))


def without(*numbers):
    return lambda t: t.update(requests=[r for n, r in enumerate(t["requests"]) if n not in numbers])


def both(*edits):
    def make(t):
        for edit in edits:
            edit(t)
    return make


def stood_still(seconds):
    """A bridge takes a message, consent is withdrawn, it stands still, and then sends it."""
    sent = 2.7 + seconds
    return both(lambda t: t["moments"][4].update(at=START + 2.5), lambda t: t.update(frozen=[(START + 2.6, START + 2.6 + seconds)]),
                change(3, lambda body, r: (body["header"].update(message_ts=stamp(sent)), r.update(at=START + sent + 0.01))))


AGAIN = item("a4", 4, 1, pv="4", area="South")
BACKFILLED = request(13, 12, "all", item("a5", 5, 1, pv="4", area="South"))
FAULTS = [
    # only what was so and was agreed
    ("never so at any moment", "a value that nobody ever had", attribute(4, 0, "pv", "99")),
    ("never so at any moment", "parts of two states in one record", attribute(4, 0, "area", "North")),
    ("fields of another version", "a field that is not agreed any more", both(
        lambda t: t["versions"].append(version("all", SOME, begun=5)), attribute(4, 0, "pv", "4"))),
    ("field not agreed", "a part of the record that nobody agreed to", change(4, lambda body, _: body["message"]["notify_event"][0]["data"]
                                                                          ["reg_records"].update(birth_date="2000-01-01"))),
    ("hidden content left", "a field that was never agreed", attribute(4, 0, "secret", "HIDDEN-1")),
    ("told before it was committed", "a state that is committed only afterwards", lambda t: t["moments"][3].update(at=START + 10.5)),
    ("not allowed in the state that it shows", "a torn read: the record of one state, the consent of another",
     lambda t: t["moments"][1]["state"].update(consent=False)),
    ("sent when it was no longer allowed", "sent long after consent was withdrawn",
     add(request(13, 18, "some", item("s8", 8, 2, code="code-some", letter="U", pv="2"), ), request(14, 20.2, "some", item(
         "s9", 9, 2, code="code-some", letter="U", pv="2")))),
    ("sent when it was no longer allowed", "sent by a bridge that stood still for longer than it may", stood_still(7.2)),
    ("removed, but was never gone", "a removal of somebody who is there", attribute(6, 0, "removed", "true")),
    ("removal not agreed", "a removal where leaving is silent", add(request(13, 13, "all", item("a5", 5, 3, removed="true")))),
    ("identifier not agreed", "an identifier of another type", change(4, lambda body, _: body["message"]["notify_event"][0]["data"]["reg_records"]
                                                                      ["member_identifier"][0].update(identifier_type="UIN"))),
    ("whom it is about cannot be read", "a record without an identifier", change(4, lambda body, _: body["message"]["notify_event"][0]["data"]
                                                                           ["reg_records"].update(member_identifier=[]))),
    ("numbers missing", "an item without its number", change(0, lambda body, _: body["header"]["meta"]["items"].pop())),
    ("not what was subscribed to", "an event type that the subscription does not want", change(
        4, lambda body, _: body["message"]["notify_event"][0]["data"].update(reg_event_type="enrolment"))),
    ("wrong receiver", "a message for another partner", change(4, lambda body, _: body["header"].update(receiver_id="some"))),
    # the last state
    ("last state not told", "the last change of a person is never told", without(4)),
    ("last state not told", "the last change arrives only where it is not kept", change(4, lambda _, r: r.update(kept=False, behaviour="s500"))),
    ("leaving not told", "nobody says that consent ended and the person is gone", without(8)),
    ("a subscription did not get its last state", "what one subscription was told the other was not", both(
        lambda t: t["subscriptions"].append(subscription("code-two", "all")),
        add(request(13, 1, "all", item("t1", 1, 1, code="code-two", pv="1", area="North"))))),
    ("leaving a filter not told", "nobody says that somebody has left the filter", without(5)),
    # references
    ("one reference, two subjects", "a reference is used for another person", both(reference(4, 0, "a3"), set_meta(4, 0, seq=3, prev_seq=2))),
    ("one reference, an older content later", "a reference comes again with an older state",
     add(request(13, 12, "all", item("a4", 4, 1, pv="1", area="North")))),
    ("a state went back", "an older state under a new number", add(request(13, 12, "all", item("a5", 5, 1, pv="1", area="North")))),
    ("an older state came after a newer one", "what one subscription was told is older than what another was told before",
     add(request(13, 12, "all", item("n5", 5, 1, code="code-north", pv="1", area="North")))),
    ("the same content under a second reference", "a state comes again under a new reference",
     add(BACKFILLED)),
    ("the same content under a second reference", "a backfill tells a state twice", both(
        add(BACKFILLED, request(14, 13, "all", item("a6", 6, 1, pv="4", area="South"))),
        lambda t: t["subscriptions"][0].update(backfills=[START + 11]))),
    ("the same content under a second reference", "a state comes again, and only then the backfill", both(
        add(BACKFILLED), lambda t: t["subscriptions"][0].update(backfills=[START + 14]))),
    ("the same content under a second reference", "a removal comes again under a new reference",
     add(request(13, 13, "some", item("s8", 8, 3, code="code-some", letter="U", removed="true")))),
    # numbers
    ("one number, two references", "a number is given twice", both(set_meta(4, 0, seq=3, prev_seq=2))),
    ("one reference, two numbers", "a repetition has another number", add(request(13, 12, "all", item("a4", 5, 1, pv="4", area="South")))),
    ("prev_seq is no number before", "prev_seq is the item's own number", set_meta(4, 0, prev_seq=4)),
    ("number left open", "a number that is never kept", both(set_meta(4, 0, seq=5, prev_seq=4))),
    ("number out of order", "a lower number comes after a higher one", both(
        set_meta(6, 0, seq=5, prev_seq=4), set_meta(7, 0, seq=4, prev_seq=3))),
    # stops and ends
    ("after stop_sharing() had returned", "a message between the stop and its end", change(4, lambda _, r: r.update(order=10.5))),
    ("sent after the subscription had ended", "a message long after the end of its subscription",
     lambda t: t["subscriptions"][0].update(ended=START + 5)),
    # the node
    ("something waits for ever", "an item that is never sent", lambda t: t.update(waiting=[1, 0, 0])),
    ("health is not empty", "health says something at the end", lambda t: t.update(health=[["critical", "x", "y"]])),
    ("in the server's log", "a deadlock", lambda t: t.update(log=["2027 [1] casesync-bridge router: ERROR:  deadlock detected"])),
    ("in the server's log", "an error in a session of the bridge",
     lambda t: t.update(log=["2027 [1] casesync-bridge router: ERROR:  canceling statement due to statement timeout"])),
    ("the bridge", "a bridge that ended by itself", lambda t: t.update(bridges=["bridge 1 ended by itself: -11"])),
]
ALLOWED = [
    ("taken before consent was withdrawn, by a bridge that stood still since", stood_still(2.2)),
    ("nothing went wrong", lambda t: None),
    ("a repetition with the same reference", add(request(13, 12, "all", AGAIN))),
    ("a backfill tells once more what is known", both(
        add(BACKFILLED), lambda t: t["subscriptions"][0].update(backfills=[START + 11]))),
    ("a newer content under the reference of a try that was not kept", both(
        lambda t: t["moments"].append(moment(8, 30, 1, area="East")), change(4, lambda _, r: r.update(kept=False, behaviour="s500")),
        add(request(13, 30.1, "all", item("a4", 4, 1, pv="8", area="East")), request(14, 30.1, "some", item(
            "s8", 8, 1, code="code-some", letter="U", pv="8"))))),
    ("a number that was passed over, and is told at last", both(
        lambda t: t["moments"].append(moment(8, 30, 1, area="East")), set_meta(4, 0, seq=5, prev_seq=3),
        add(request(13, 30.1, "all", item("a5", 4, 1, pv="8", area="East")), request(14, 30.1, "some", item(
            "s8", 8, 1, code="code-some", letter="U", pv="8"))))),
    ("what was another in between, and came back before anybody looked", both(
        lambda t: t["moments"].extend([moment(8, 30, 1, area="East", v=8), moment(9, 30.05, 1, area="South", v=4, ops=[("person", "I")]),
                                       moment(10, 40, 1, area="South", v=10, ops=[("person", "I")])]),
        lambda t: t["subscriptions"].append(subscription("code-new", "all", event="enrolment")),
        lambda t: t["subscriptions"].append(subscription("code-new-some", "some", event="enrolment")),
        add(request(13, 40.1, "all", item("e1", 1, 1, code="code-new", event="enrolment", pv="10", area="South")),
            request(14, 40.1, "some", item("e2", 1, 1, code="code-new-some", event="enrolment", letter="U", pv="10"))))),
    ("a number that was passed over for ever", set_meta(4, 0, seq=5, prev_seq=3)),
    ("sent a moment after consent was withdrawn", add(
        request(7.5, 11.05, "some", item("s4", 4, 1, code="code-some", letter="U", pv="4")))),
    ("what was given up is told besides, and retried", both(add(BACKFILLED), lambda t: t.update(retried=["a4"]))),
    ("the stop was not awaited", both(lambda t: t["stops"][0].update(first=None), change(4, lambda _, r: r.update(order=10.5)))),
    ("sessions that were ended", lambda t: t.update(log=["[1] casesync-bridge http: FATAL:  terminating connection due to administrator command"])),
]


def main():
    number = failed = 0

    def say(is_ok, name, why=""):
        nonlocal number, failed
        number += 1
        failed += not is_ok
        print(f"{'ok' if is_ok else 'not ok'} {number} - {name}" + (f"\n# {why}" if not is_ok else ""))

    for name, edit in ALLOWED:
        history = well()
        edit(history)
        found = judge(history)
        say(not found, f"not blamed: {name}", "; ".join(f"{f.kind}: {f.text}" for f in found))
    for kind, name, edit in FAULTS:
        history = well()
        edit(history)
        found = {finding.kind for finding in judge(history)}
        say(kind in found, f"found: {name}", f"wanted {kind}, found {found or 'nothing'}")
    kinds = set(re.findall(r'(?:self\.blame\(|^ +\()"([a-z][^"]+)",', (TORTURE / "judge.py").read_text("utf-8"), re.M))
    say(kinds == {kind for kind, *_ in FAULTS}, "each kind of finding is tried here", str(kinds ^ {kind for kind, *_ in FAULTS}))
    print(f"1..{number}")
    return failed != 0


sys.exit(main())
