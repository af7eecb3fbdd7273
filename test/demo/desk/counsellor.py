"""The desk of the ESS's counsellor: on casesync's casework schema, whose rules answer, as the role counsellor."""

from casework_view import MOVES, about, phrase, plan_of
from database import Refused, changed
from page import Field, day, section, tag
from plan_view import ESS, moves, people, plan

PATH, LOOK = "ess", "ess"
SYSTEM, TITLE = "Employment support", "Counsellor"
ABOUT = "Answers referrals and writes employment support's part, on casesync's casework schema."
LOGIN = "counsellor"

CASES = """
SELECT p.id, concat_ws(' ', p.given_name, p.surname) AS name, coalesce('plan ' || (SELECT x.status::text FROM casework.plan x
		WHERE x.person_id = p.id ORDER BY x.stage IS NULL, x.version DESC LIMIT 1), 'referral ' || r.status::text, 'no plan') AS state
  FROM casework.person p LEFT JOIN LATERAL (SELECT * FROM casework.referral f WHERE f.person_id = p.id
	ORDER BY f.referred_on DESC, f.id LIMIT 1) r ON true ORDER BY p.id"""
PERSON = """
SELECT p.id, concat_ws(' ', p.given_name, p.surname) AS name, p.phone, p.email, p.death_date,
	(SELECT string_agg(i.value, ', ') FROM casework.identifier i WHERE i.person_id = p.id) AS numbers,
	r.id AS referral, r.service, r.status::text AS referral_status, r.reason AS referral_reason, r.row_version
  FROM casework.person p LEFT JOIN LATERAL (SELECT * FROM casework.referral f WHERE f.person_id = p.id
	ORDER BY f.referred_on DESC, f.id LIMIT 1) r ON true WHERE p.id = %s"""
NEWS = """
SELECT at, array_to_string(columns, ', ') AS columns, decision FROM casework.beneficiary_news
 WHERE person_id = %s AND worker_id = casework.acting_worker() ORDER BY at DESC LIMIT 5"""
KINDS = [(kind, kind) for kind in ("training", "job search", "public works", "counselling", "placement")]
WHO = [("joint", "both"), ("client", "the client"), ("worker", "the office"), ("provider", "a provider")]
STATES = [(state, state.replace("_", " ")) for state in ("in_progress", "done", "missed", "cancelled", "planned")]


def page(ask, view, case):
    rows = ask(CASES)
    case = view.case = case or (str(rows[0]["id"]) if rows else None)
    if case is None or case not in {str(row["id"]) for row in rows}:
        raise Refused("There is no such case")
    person = ask(PERSON, case)[0]
    head, actions = plan_of(ask, case)
    return person["name"], people(rows, view.base, case), [
        about(person, own_news(ask, case)), joint_plan(view, head, actions), steps_of(view, person, head),
        section("moves", "What happened", moves([dict(row, what=phrase(row)) for row in ask(MOVES, case)]))]


def own_news(ask, case):
    rows = ask(NEWS, case)
    return tag("ul", *(tag("li", tag("strong", "Through the portal"), f" changed: {row['columns']} ", day(row["at"]),
                           data_key=f"own-{row['at'].timestamp()}") for row in rows), class_="own") if rows else None


def joint_plan(view, head, actions):
    if head is None:
        return section("plan", "Joint plan", tag("p", "Social protection leads this case, and has proposed no plan yet.", class_="empty"), slim=True)
    is_open = head["status"] == "proposed"

    def more(action):
        if action["organisation"] != ESS or head["status"] not in ("proposed", "active"):
            return None
        fields = ([Field("due", "Due", "date", action["due"]),
                   Field("hours", "Hours a week", "number", action["hours"], required=False, min=1, max=60)]
                  if is_open else [Field("state", "State", value=action["status"], options=STATES),
                                   Field("evidence", "Evidence of what was given", required=False),
                                   Field("reason", "Why, if missed or cancelled", value=action["reason"], required=False)])
        return view.fold(f"fold-{action['id']}", "Change", view.form(
            "change_action" if is_open else "set_state", "Save", *fields, plan=head["id"], version=head["version"], action=action["id"],
            row=action["row_version"]))

    return section("plan", "Joint plan", plan(head, actions, more))


def steps_of(view, person, head):
    """What the counsellor can do next."""
    forms = []
    if person["referral_status"] == "received":
        forms += [view.form("accept", "Accept the referral", referral=person["referral"], row=person["row_version"]),
                  view.fold("fold-reject", "Reject it", view.form("reject", "Reject the referral", Field("reason", "Why"), look="quiet",
                                                                  referral=person["referral"], row=person["row_version"]))]
    if head and head["status"] == "proposed":
        forms.append(view.fold("fold-add", "Add an action of employment support", view.form(
            "add_action", "Add", Field("kind", "What", options=KINDS), Field("responsible", "Who does it", options=WHO),
            Field("due", "Due", "date"), Field("hours", "Hours a week", "number", required=False, min=1, max=60),
            plan=head["id"], version=head["version"])))
        forms.append(view.form("approve", "Approve for employment support", look="quiet", plan=head["id"], version=head["version"]))
    return section("next", "What next", tag("div", *forms, class_="forms") if forms else tag(
        "p", "State your actions in the plan above." if head and head["status"] == "active" else "Nothing for now.", class_="empty"), slim=not forms)


# --- changes: the rules are the schema's ----------------------------------------------------------
def accept(ask, form):
    changed(ask("UPDATE casework.referral SET status = 'accepted', row_version = %s WHERE id = %s", form["row"], form["referral"]), "Accepting it")
    ask("""UPDATE casework.case_party c SET worker_id = w.id, supervisor_id = w.supervisor_id FROM casework.worker w
            WHERE w.id = casework.acting_worker() AND c.organisation = %s AND c.worker_id IS NULL
              AND c.person_id = (SELECT r.person_id FROM casework.referral r WHERE r.id = %s)""", ESS, form["referral"])
    return "The referral is accepted: social protection hears it, and the case is yours."


def reject(ask, form):
    changed(ask("UPDATE casework.referral SET status = 'rejected', reason = %s, row_version = %s WHERE id = %s",
                form["reason"], form["row"], form["referral"]), "Rejecting it")
    return "The referral is rejected: social protection hears why."


def add_action(ask, form):
    ask("""INSERT INTO casework.action (id, plan_id, plan_version, goal_id, organisation, responsible, kind, due_date, hours_per_week, worker_id)
           SELECT 'ES-' || (SELECT count(*) + 1 FROM casework.action a WHERE a.plan_id = p.id AND a.plan_version = p.version AND a.organisation = %s),
	           p.id, p.version, (SELECT min(g.id) FROM casework.goal g WHERE g.plan_id = p.id AND g.plan_version = p.version), %s,
	           %s::casesync.plan_responsible, %s, %s::date, %s::numeric, casework.acting_worker()
             FROM casework.plan p WHERE p.id = %s AND p.version = %s""",
        ESS, ESS, form["responsible"], form["kind"], form["due"] or None, form["hours"] or None, form["plan"], form["version"])
    return f"“{form['kind']}” is in the plan."


def change_action(ask, form):
    changed(ask("""UPDATE casework.action SET due_date = %s, hours_per_week = %s::numeric, row_version = %s
                    WHERE plan_id = %s AND plan_version = %s AND id = %s""",
                form["due"] or None, form["hours"] or None, form["row"], form["plan"], form["version"], form["action"]), "This change")
    return "It is changed; what was approved is to be approved anew."


def set_state(ask, form):
    if form["evidence"]:
        ask("INSERT INTO casework.delivery (plan_id, plan_version, action_id, evidence) VALUES (%s, %s, %s, %s)",
            form["plan"], form["version"], form["action"], form["evidence"])
    changed(ask("""UPDATE casework.action SET status = %s, reason = %s, row_version = %s
                    WHERE plan_id = %s AND plan_version = %s AND id = %s""",
                form["state"], form["reason"] or None, form["row"], form["plan"], form["version"], form["action"]), "This change")
    return f"Action {form['action']} is now {form['state'].replace('_', ' ')}."


def approve(ask, form):
    ask("INSERT INTO casework.plan_approval (plan_id, plan_version) VALUES (%s, %s)", form["plan"], form["version"])
    return "Employment support has approved the plan."


ACTIONS = {act.__name__: act for act in (accept, reject, add_action, change_action, set_state, approve)}
