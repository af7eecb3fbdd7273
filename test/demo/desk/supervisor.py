"""The desk of the ESS's supervisor: sees to it that plans are followed, approves, decides; as the role chief."""

from casework_view import phrase, plan_of
from database import changed
from page import Field, badge, day, many, section, table, tag, words
from plan_view import ESS, plan, side

PATH, LOOK = "supervisor", "chief"
SYSTEM, TITLE = "Employment support", "Supervisor"
ABOUT = "Approves plans and decides what is to be reviewed; sees planned beside delivered."
LOGIN = "chief"

PEOPLE = "SELECT p.id, concat_ws(' ', p.given_name, p.surname) AS name FROM casework.person p"
DUE = """
SELECT d.kind, d.person_id, d.since, d.is_late, d.detail, d.review_id, v.updates, v.due_by, v.event_type, v.why,
	(SELECT string_agg(DISTINCT w.name, ', ') FROM casework.review_worker x JOIN casework.worker w ON w.id = x.worker_id
	  WHERE x.review_id = d.review_id AND x.part = 'changed') AS workers
  FROM casework.review_due d LEFT JOIN casework.review v ON v.id = d.review_id
 WHERE coalesce(d.supervisor_id, casework.acting_worker()) = casework.acting_worker() ORDER BY d.since, d.review_id"""
IN_IT = """
SELECT t.id, t.at, t.verb, t.what, t.row_id, t.columns, t.status_before, t.status_after
  FROM casework.trail t WHERE t.review_id = %s ORDER BY t.id DESC LIMIT 6"""
WAITING = """
SELECT p.person_id FROM casework.plan p WHERE p.status = 'proposed' AND NOT EXISTS (SELECT FROM casework.plan_approval a
	WHERE a.plan_id = p.id AND a.plan_version = p.version AND a.organisation = %s) ORDER BY p.proposed_at"""
PROGRESS = """
SELECT person_id, plan_id, action_id, kind, organisation, due_date, last_delivered, outcome FROM casework.plan_progress
 WHERE plan_status = 'active' ORDER BY plan_id, organisation DESC, action_id"""
ADHERENCE = """
SELECT a.scope, coalesce(a.plan_id, w.name, o.name) AS name, a.percent, a.due, a.on_time, a.late, a.missed, a.overdue, a.not_due
  FROM casework.adherence a LEFT JOIN casework.worker w ON w.id = a.worker_id LEFT JOIN casework.office o ON o.id = a.office_id
 ORDER BY array_position('{office,worker,plan}', a.scope), 2"""
INBOX = """
SELECT id, partner, event_type, reason, received_at FROM casesync.inbox WHERE state = 'review' ORDER BY id LIMIT 20"""
DECISIONS = (("approved", "approve"), ("returned", "return it"), ("escalated", "escalate it"))


def page(ask, view, _case):
    names = {row["id"]: row["name"] for row in ask(PEOPLE)}
    return "What waits", None, [reviews(ask, view, names), approvals(ask, view, names), inbox(ask, view),
                                progress(ask, names), adherence(ask)]


WHAT = {"plan_change": "the plan", "referral": "a referral", "enrolment_status_change": "the person's record"}
WHY = {"activation": "A plan was put into force: ", "closure": "A plan or a case was closed: ", "death": "A death: "}


def said(row):
    """A review in plain words; of anything else the schema's own."""
    if row["review_id"] is None:
        return row["detail"]
    count = "1 change" if row["updates"] == 1 else f"{row['updates']} changes"
    return f"{WHY.get(row['why'], '')}{count} of {WHAT.get(row['event_type'], words(row['event_type']))}"


def reviews(ask, view, names):
    rows = ask(DUE)
    articles = []
    for n, row in enumerate(rows):
        changes = ask(IN_IT, row["review_id"]) if row["review_id"] else []
        articles.append(tag(
            "article", tag("h3", names.get(row["person_id"], "—"), " ", badge("late" if row["is_late"] else row["kind"])),
            tag("p", said(row), many([" by ", tag("strong", row["workers"])]) if row["workers"] else None,
                many([", to be decided by ", day(row["due_by"].date())]) if row["due_by"] else None),
            tag("ol", *(tag("li", phrase(change), " ", day(change["at"]), data_key=f"change-{change['id']}") for change in changes), class_="moves")
            if changes else None,
            view.form("decide", "Decide", Field("decision", "Decision", options=DECISIONS),
                      Field("reason", "Why, unless you approve", required=False), review=row["review_id"], updates=row["updates"])
            if row["review_id"] else None, data_key=f"due-{row['review_id'] or n}"))
    return section("due", "Waits for your decision", *articles or [tag("p", "Nothing waits.", class_="empty")], slim=not rows)


def approvals(ask, view, names):
    articles = []
    for row in ask(WAITING, ESS):
        head, actions = plan_of(ask, row["person_id"])
        articles.append(tag("article", tag("h3", names.get(row["person_id"], "—")), plan(head, actions),
                            view.form("approve", "Approve for employment support", plan=head["id"], version=head["version"]),
                            data_key=f"plan-{head['id']}"))
    return section("approvals", "Plans to approve", *articles or [tag("p", "None.", class_="empty")], slim=not articles)


def inbox(ask, view):
    rows = ask(INBOX)
    return section("inbox", "Told by partners, for a person to decide", table(
        ["News", "From", "Why it waits", "Came", "Decision"],
        [[words(row["event_type"]), side(row["partner"]), row["reason"], day(row["received_at"]), many([
            view.form("take", "Take it in", Field("note", "Seen", required=False), item=row["id"]),
            view.form("leave", "Leave it", Field("reason", "Why"), look="quiet", item=row["id"])])] for row in rows],
        [f"inbox-{row['id']}" for row in rows], empty="None."), slim=not rows)


def progress(ask, names):
    rows = ask(PROGRESS)
    return section("progress", "Planned beside delivered", table(
        ["Person", "Action", "Whose", "Due", "Delivered", "Outcome"],
        [[names.get(row["person_id"], "—"), row["kind"], side(row["organisation"]), day(row["due_date"]), day(row["last_delivered"]),
          badge(row["outcome"])] for row in rows], [f"progress-{row['plan_id']}-{row['action_id']}" for row in rows],
        empty="No plan is in force."), slim=not rows)


def adherence(ask):
    rows = ask(ADHERENCE)
    return section("adherence", "How far plans are followed", table(
        ["Of", "", "On time", "Due", "Late", "Missed", "Overdue", "Not due yet"],
        [[row["name"], row["scope"], "—" if row["percent"] is None else f"{row['percent']} %", row["due"], row["late"], row["missed"],
          row["overdue"], row["not_due"]] for row in rows], [f"adherence-{row['scope']}-{row['name']}" for row in rows],
        empty="No figures yet."), slim=not rows)


def decide(ask, form):
    return ask("SELECT casework.decide(%s::bigint, %s, %s, %s::integer) AS said", form["review"], form["decision"], form["reason"] or None,
               form["updates"])[0]["said"]


def approve(ask, form):
    changed(ask("INSERT INTO casework.plan_approval (plan_id, plan_version) VALUES (%s, %s)", form["plan"], form["version"]), "Approving it")
    return "Employment support has approved the plan."


def take(ask, form):
    return ask("SELECT casesync.accept(%s::bigint, %s) AS said", form["item"], form["note"] or None)[0]["said"]


def leave(ask, form):
    return ask("SELECT casesync.reject(%s::bigint, %s) AS said", form["item"], form["reason"])[0]["said"]


ACTIONS = {act.__name__: act for act in (decide, approve, take, leave)}
