"""What both desks of the ESS read of casesync's casework schema."""

from page import badge, day, facts, many, section, words

PLAN = """
SELECT p.id, p.version, p.person_id, p.start_date AS start, p.end_date AS "end", p.client_agreed_on, p.reason, p.status::text AS status,
	(SELECT string_agg(g.description, '; ' ORDER BY g.id) FROM casework.goal g WHERE g.plan_id = p.id AND g.plan_version = p.version) AS goal,
	ARRAY(SELECT a.organisation FROM casework.plan_approval a WHERE a.plan_id = p.id AND a.plan_version = p.version) AS approved
  FROM casework.plan p WHERE p.person_id = %s ORDER BY p.stage IS NULL, p.version DESC LIMIT 1"""
ACTIONS_OF = """
SELECT a.id, a.kind, a.organisation, a.due_date AS due, a.hours_per_week AS hours, a.status::text AS status, a.reason, a.row_version,
	(SELECT max(d.delivered_on) FROM casework.delivery d WHERE d.plan_id = a.plan_id AND d.action_id = a.id) AS delivered_on
  FROM casework.action a WHERE a.plan_id = %s AND a.plan_version = %s ORDER BY a.organisation DESC, a.id"""
# Who did it: a worker here, herself through the portal, or the partner, who told it.
MOVES = """
SELECT t.id, t.at, CASE WHEN t.channel IS NOT NULL THEN 'Through the portal' WHEN t.told_by IS NOT NULL THEN 'Social protection'
		ELSE coalesce(w.name, t.login) END AS who,
	CASE WHEN t.channel IS NOT NULL THEN 'own' WHEN t.told_by IS NOT NULL THEN 'sp' ELSE 'ess' END AS look,
	t.verb, t.what, t.row_id, t.columns, t.status_before, t.status_after
  FROM casework.trail t LEFT JOIN casework.worker w ON w.id = t.worker_id
 WHERE t.person_id = %s ORDER BY t.id DESC LIMIT 12"""


VERBS = {"insert": "added", "update": "changed", "delete": "removed", "decide": "decided"}


def phrase(row):
    """A row of the trail as a sentence; it says which columns, and not what stands in them."""
    if row["what"] == "plan_approval":
        return "approved the plan" if row["verb"] == "insert" else "took the plan's approval back"
    said = f"{VERBS[row['verb']]} {words(row['what'])} {row['row_id'] or ''}".strip()
    if row["status_after"] not in (None, row["status_before"]):
        return f"{said}: {words(row['status_after'])}"
    return said + (f": {words(', '.join(row['columns']))}" if row["columns"] else "")


def plan_of(ask, person):
    """The plan of a person and its actions; (None, []) without one."""
    head = (ask(PLAN, person) or [None])[0]
    return head, ask(ACTIONS_OF, head["id"], head["version"]) if head else []


def about(person, *more):
    return section("person", person["name"], facts(
        ("National number", person["numbers"]), ("Phone", person["phone"] or "—"), ("E-mail", person["email"] or "—"),
        *((("Died", day(person["death_date"])),) if person["death_date"] else ()),
        *((("Referral for “" + person["service"] + "”", many([badge(person["referral_status"]), " ", person["referral_reason"] or ""])),)
          if person["service"] else ())), *more)
