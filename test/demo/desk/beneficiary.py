"""The beneficiary's desk: the own record and no other. No statement here says whose: the database knows it, by the
token of the transaction (doc/casework.md, "The beneficiary's own update")."""

from casework_view import ACTIONS_OF
from database import changed
from page import Field, badge, day, facts, many, section, table, tag, words
from plan_view import plan

PATH, LOOK = "me", "own"
SYSTEM, TITLE = "Employment support", "My case"
ABOUT = "A beneficiary sees her own record, changes what is hers, and sees who was told about her."

PERSON = "SELECT id, concat_ws(' ', given_name, surname) AS name, phone, email, row_version FROM casework.person"
NUMBERS = "SELECT string_agg(value, ', ') AS numbers FROM casework.my_identifiers()"
REFERRALS = """
SELECT r.id, o.name AS by, r.service, r.status::text AS status, r.reason FROM casework.referral r
  JOIN casework.organisation o ON o.id = r.referred_by ORDER BY r.referred_on DESC, r.id"""
PLANS = """
SELECT p.id, p.version, p.start_date AS start, p.end_date AS "end", p.client_agreed_on, p.reason, p.status::text AS status,
	(SELECT string_agg(g.description, '; ' ORDER BY g.id) FROM casework.goal g WHERE g.plan_id = p.id AND g.plan_version = p.version) AS goal
  FROM casework.plan p ORDER BY p.version DESC LIMIT 1"""
DISCLOSURES = """
SELECT d.partner, d.event_type, d.legal_basis, max(d.at) AS at, count(DISTINCT d.at) AS times, array_agg(DISTINCT f) AS fields
  FROM casework.my_disclosures() d LEFT JOIN LATERAL unnest(d.fields) f ON true
 GROUP BY d.partner, d.event_type, d.legal_basis ORDER BY max(d.at) DESC, d.event_type"""
FIELDS = {"demographic_info.name": "name", "additional_attributes.plan": "plan", "additional_attributes.referral": "referral"}


def page(ask, view, _case):
    person = ask(PERSON)[0]
    return person["name"], None, [record(ask, view, person), referrals(ask), my_plan(ask), disclosures(ask)]


def record(ask, view, person):
    return section("record", person["name"], facts(
        ("National number", ask(NUMBERS)[0]["numbers"]), ("Phone", person["phone"] or "—"), ("E-mail", person["email"] or "—")),
        view.form("contacts", "Save", Field("phone", "My phone", "tel", person["phone"], required=False, autocomplete="tel"),
                  Field("email", "My e-mail", "email", person["email"], required=False, autocomplete="email"), row=person["row_version"]))


def referrals(ask):
    rows = ask(REFERRALS)
    return section("referral", "Where I was referred", table(
        ["For", "By", "State"], [[row["service"], row["by"], many([badge(row["status"]), " ", row["reason"] or ""])] for row in rows],
        [f"referral-{row['id']}" for row in rows]))


def my_plan(ask):
    heads = ask(PLANS)
    if not heads:
        return section("plan", "My plan", tag("p", "There is no plan yet.", class_="empty"), slim=True)
    head = dict(heads[0], approved=None, client="You")
    rows = ask(ACTIONS_OF.replace(", a.row_version", ""), head["id"], head["version"])
    return section("plan", "My plan", plan(head, rows))


def disclosures(ask):
    rows = ask(DISCLOSURES)
    return section("told", "Who was told about me", table(
        ["Who", "What", "Of it", "By what right", "Times", "Last"],
        [[row["partner"], words(row["event_type"]), ", ".join(FIELDS.get(f, words(f)) for f in row["fields"] if f),
          row["legal_basis"], row["times"], day(row["at"])] for row in rows],
        [f"told-{row['partner']}-{row['event_type']}" for row in rows], empty="Nobody was told anything."))


def contacts(ask, form):
    changed(ask("UPDATE casework.person SET phone = %s, email = %s, row_version = %s", form["phone"] or None, form["email"] or None, form["row"]),
            "This change")
    return "It is changed, and your counsellor sees that you did it."


ACTIONS = {"contacts": contacts}
