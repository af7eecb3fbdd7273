"""The desk of the SP's case manager: on the SP's own tables, in its own words (sp_case.sql), as its role agent."""

from database import Refused, changed
from page import Field, badge, day, facts, many, section, table, tag, words
from plan_view import ESS, SP, people, plan

PATH, LOOK = "sp", "sp"
SYSTEM, TITLE = "Social protection", "Case manager"
ABOUT = "Writes the plan and leads the case, on the ministry's own tables, in its own words."
LOGIN = "agent"

CASES = """
SELECT p.id, p.prenom || ' ' || p.nom AS name, CASE WHEN l.id IS NULL THEN 'referral ' ||
	casesync.to_code('sp', o.etat, NULL::casesync.referral_status)
	ELSE 'plan ' || casesync.to_code('sp', l.etat, NULL::casesync.plan_status) END AS state
  FROM social.orientation o JOIN social.personne p ON p.id = o.personne_id
  LEFT JOIN social.plan l ON l.personne_id = p.id ORDER BY p.id"""
PERSON = """
SELECT p.id, p.prenom || ' ' || p.nom AS name, p.numero_national, p.date_naissance, p.date_deces, m.quartier,
	o.id AS referral, o.service, casesync.to_code('sp', o.etat, NULL::casesync.referral_status)::text AS answer, o.etat,
	o.repondu_le, o.repondre_avant, o.motif, (SELECT count(*) FROM social.personne x WHERE x.menage_id = m.id) AS people
  FROM social.personne p JOIN social.orientation o ON o.personne_id = p.id JOIN social.menage m ON m.id = p.menage_id
 WHERE p.id = %s"""
PLAN = """
SELECT l.id, l.objectif AS goal, l.debut AS start, l.fin AS "end", l.accord_client AS client_agreed_on, l.motif AS reason,
	casesync.to_code('sp', l.etat, NULL::casesync.plan_status)::text AS status,
	ARRAY(SELECT organisme FROM social.accord WHERE plan_id = l.id) AS approved
  FROM social.plan l WHERE l.personne_id = %s"""
ACTIONS_OF = """
SELECT id, nature AS kind, organisme AS organisation, echeance AS due, heures AS hours, etat AS own_word, fait_le AS delivered_on,
	motif AS reason, casesync.to_code('sp', etat, NULL::casesync.plan_action_status)::text AS status
  FROM social.action WHERE plan_id = %s ORDER BY organisme DESC, id"""
SHARED = """
SELECT partner, told_as, told_at, told_by, state, since, heard_as, heard_at, heard_state
  FROM casesync.shared_status('dossier', %s)"""
WORDS = (("EN COURS", "in progress"), ("FAITE", "done"), ("MANQUEE", "missed"), ("ANNULEE", "cancelled"), ("PREVUE", "planned"))


def page(ask, view, case):
    rows = ask(CASES)
    case = view.case = case or (str(rows[0]["id"]) if rows else None)
    if case is None or not case.isdigit() or case not in {str(row["id"]) for row in rows}:
        raise Refused("There is no such case")
    person = ask(PERSON, case)[0]
    head = (ask(PLAN, case) or [None])[0]
    return person["name"], people(rows, view.base, case), [
        about(person), joint_plan(ask, view, head), steps_of(view, person, head), shared(ask, view, case, head)]


def about(person):
    return section("person", person["name"], facts(
        ("National number", person["numero_national"]), ("Born", day(person["date_naissance"])), ("District", person["quartier"]),
        ("Household", f"{person['people']} people"),
        (f"Referral for “{person['service']}”", many([badge(person["answer"]), " ", person["motif"] or ""])),
        ("Answered", day(person["repondu_le"])) if person["repondu_le"] else ("Answer by", day(person["repondre_avant"].date())),
        *((("Died", day(person["date_deces"])),) if person["date_deces"] else ())))


def joint_plan(ask, view, head):
    if head is None:
        return section("plan", "Joint plan", tag("p", "There is none yet.", class_="empty"), slim=True)
    is_open = head["status"] in ("draft", "proposed")

    def more(action):
        if action["organisation"] != SP or not (is_open or head["status"] == "active"):
            return None
        fields = ([Field("due", "Due", "date", action["due"]),
                   Field("hours", "Hours a week", "number", action["hours"], required=False, min=1, max=60)]
                  if is_open else [Field("state", "State", value=action["own_word"], options=WORDS),
                                   Field("given", "Given on", "date", action["delivered_on"], required=False),
                                   Field("reason", "Why, if missed or cancelled", value=action["reason"], required=False)])
        return view.fold(f"fold-{action['id']}", "Change", view.form(
            "change_action" if is_open else "set_state", "Save", *fields, plan=head["id"], action=action["id"]))

    actions = ask(ACTIONS_OF, head["id"])
    return section("plan", "Joint plan", plan(head, actions, more))


def steps_of(view, person, head):
    """What the case manager can do next with the plan."""
    forms = []
    if head is None and not person["date_deces"]:
        forms.append(view.form("begin", "Begin a plan", Field("goal", "Goal"), Field("end", "To be reached by", "date")))
    status = head["status"] if head else None
    if status in ("draft", "proposed"):
        forms.append(view.fold("fold-add", "Add an action of social protection", view.form(
            "add_action", "Add", Field("kind", "What"), Field("due", "Due", "date"),
            Field("hours", "Hours a week", "number", required=False, min=1, max=60), plan=head["id"])))
    if status == "draft":
        forms.append(view.form("propose", "Propose it to employment support", plan=head["id"]))
    if status == "proposed":
        if not head["client_agreed_on"]:
            forms.append(view.form("client_agrees", "The client has agreed", look="quiet", plan=head["id"]))
        if SP not in head["approved"]:
            forms.append(view.form("approve", "Approve for social protection", plan=head["id"]))
        forms.append(view.form("activate", "Put it into force", look=None if {SP, ESS} <= set(head["approved"]) else "quiet", plan=head["id"]))
    if status == "active":
        forms.append(view.form("complete", "It is completed", look="quiet", plan=head["id"]))
        forms.append(view.fold("fold-end", "End it before", view.form("end", "End the plan", Field("reason", "Why"), look="quiet", plan=head["id"])))
    if not person["date_deces"]:
        forms.append(view.fold("fold-death", "Report a death", view.form(
            "report_death", "Report the death", Field("died", "Day of death", "date"), look="quiet")))
    return section("next", "What next", tag("div", *forms, class_="forms") if forms else tag("p", "Nothing more.", class_="empty"), slim=not forms)


def shared(ask, view, case, head):
    """What the partner knows, without what was said; and telling it at once."""
    rows = ask(SHARED, case)
    told = table(["", "News", "When", "State"], [
        cells for row in rows for cells in (
            ["We told them", words(row["told_as"]), day(row["told_at"]), badge(row["state"])],
            ["They told us", words(row["heard_as"]), day(row["heard_at"]), badge(row["heard_state"])])],
        [f"{way}-{row['partner']}" for row in rows for way in ("told", "heard")])
    return section("shared", "Employment support knows", told, view.fold("fold-push", "Tell them at once", view.form(
        "push", "Tell them", Field("note", "Note, which they read", required=False), news="plan_change" if head else "referral")))


# --- changes: plain SQL on the ministry's own tables ---------------------------------------------
def begin(ask, form):
    ask("INSERT INTO social.plan (id, personne_id, objectif, fin) VALUES ('PL-' || %s::integer, %s, %s, %s)",
        form["case"], form["case"], form["goal"], form["end"])
    return "The plan is begun. Nobody outside sees it before it is proposed."


def add_action(ask, form):
    changed(ask("""
        INSERT INTO social.action (plan_id, id, organisme, nature, echeance, heures)
        SELECT l.id, 'SP-' || (SELECT count(*) + 1 FROM social.action a WHERE a.plan_id = l.id AND a.organisme = %s), %s, %s, %s, %s::integer
          FROM social.plan l WHERE l.id = %s AND l.etat IN ('BROUILLON', 'PROPOSE')""",
                SP, SP, form["kind"], form["due"], form["hours"] or None, form["plan"]), "Adding an action")
    ask("DELETE FROM social.accord WHERE plan_id = %s", form["plan"])
    return f"“{form['kind']}” is in the plan."


def change_action(ask, form):
    changed(ask("""
        UPDATE social.action a SET echeance = %s, heures = %s::integer FROM social.plan l
         WHERE l.id = a.plan_id AND l.etat IN ('BROUILLON', 'PROPOSE') AND a.plan_id = %s AND a.id = %s AND a.organisme = %s""",
                form["due"], form["hours"] or None, form["plan"], form["action"], SP), "This change")
    ask("DELETE FROM social.accord WHERE plan_id = %s", form["plan"])
    return "It is changed; what was approved is to be approved anew."


def set_state(ask, form):
    changed(ask("""
        UPDATE social.action a SET etat = %s, fait_le = CASE WHEN %s = 'FAITE' THEN coalesce(%s::date, current_date) END, motif = %s
          FROM social.plan l WHERE l.id = a.plan_id AND l.etat = 'EN VIGUEUR' AND a.plan_id = %s AND a.id = %s AND a.organisme = %s""",
                form["state"], form["state"], form["given"] or None, form["reason"] or None, form["plan"], form["action"], SP), "This change")
    return f"Action {form['action']} is now {dict(WORDS).get(form['state'], form['state'])}."


def propose(ask, form):
    changed(ask("UPDATE social.plan SET etat = 'PROPOSE' WHERE id = %s AND etat = 'BROUILLON'", form["plan"]), "Proposing it")
    return "The plan is proposed: employment support sees it now."


def client_agrees(ask, form):
    changed(ask("UPDATE social.plan SET accord_client = current_date WHERE id = %s AND etat = 'PROPOSE'", form["plan"]), "Agreeing to it")
    return "The client's agreement is noted."


def approve(ask, form):
    changed(ask("INSERT INTO social.accord SELECT id, %s FROM social.plan WHERE id = %s AND etat = 'PROPOSE' ON CONFLICT DO NOTHING",
                SP, form["plan"]), "Approving it")
    return "Social protection has approved the plan."


def activate(ask, form):
    changed(ask("""
        UPDATE social.plan l SET etat = 'EN VIGUEUR' WHERE id = %s AND etat = 'PROPOSE' AND accord_client IS NOT NULL
           AND 2 = (SELECT count(*) FROM social.accord WHERE plan_id = l.id)""", form["plan"]),
            "Putting it into force before both organisations have approved it and the client has agreed")
    return "The plan is in force."


def complete(ask, form):
    changed(ask("""
        UPDATE social.plan l SET etat = 'ACHEVE' WHERE id = %s AND etat = 'EN VIGUEUR'
           AND NOT EXISTS (SELECT FROM social.action WHERE plan_id = l.id AND etat IN ('PREVUE', 'EN COURS'))""", form["plan"]),
            "Completing it while an action is open")
    return "The plan is completed."


def end(ask, form):
    changed(ask("UPDATE social.plan SET etat = 'ABANDONNE', motif = %s WHERE id = %s AND etat = 'EN VIGUEUR'",
                form["reason"], form["plan"]), "Ending it")
    return "The plan is ended."


def report_death(ask, form):
    changed(ask("UPDATE social.personne SET date_deces = %s WHERE id = %s AND date_deces IS NULL", form["died"], form["case"]), "Reporting it")
    return "The death is noted: what went on has ended, and employment support's supervisor has it to decide."


def push(ask, form):
    ask("SELECT casesync.push(%s, 'dossier', %s, %s, %s)", ESS, form["case"], form["news"], form["note"] or None)
    return "Employment support is told at once."


ACTIONS = {act.__name__: act for act in (begin, add_action, change_action, set_state, propose, client_agrees, approve, activate,
                                         complete, end, report_death, push)}
