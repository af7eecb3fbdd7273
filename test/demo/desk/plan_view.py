"""How a joint plan looks, the same at every desk, whichever tables it lies in."""

from page import badge, day, facts, many, table, tag, words

SP = "sp.social.gov.xx"
ESS = "ess.labour.gov.xx"
NAMES = {SP: "Social protection", ESS: "Employment support"}
STEPS = ("draft", "proposed", "agreed", "active", "completed")


def side(organisation):
    """Whose it is, in that system's colour."""
    return tag("span", NAMES.get(organisation, organisation), class_="side " + ("sp" if organisation == SP else "ess"))


def steps(status):
    """Where a plan is on its way."""
    if status not in STEPS:
        return tag("p", "The plan is ", badge(status), ".")
    at = STEPS.index(status)
    return tag("ol", *(tag("li", step, class_="past" if n < at else "now" if n == at else None,
                           aria_current="step" if n == at else None) for n, step in enumerate(STEPS)), class_="steps")


def approvals(approved, client_agreed_on, client="The client"):
    """approved: the organisations that have approved; None: who reads it is not told."""
    def mark(key, who, is_given, what):
        return tag("li", tag("span", "✓" if is_given else "…", class_="mark", aria_hidden="true"), tag("strong", who), " ", what,
                   class_="given" if is_given else None, data_key=f"approval-{key}")

    have = "have" if client == "You" else "has"
    return tag("ul", *(mark(organisation, NAMES[organisation], organisation in approved,
                            "has approved" if organisation in approved else "has not approved yet")
                       for organisation in (SP, ESS) if approved is not None),
               mark("client", client, client_agreed_on,
                    many(["agreed on ", day(client_agreed_on)]) if client_agreed_on else f"{have} not agreed yet"), class_="approvals")


def action_cells(action):
    """What every desk shows of an action: status is the standard's word, own_word that of the system, if another."""
    what = [tag("strong", action["kind"])]
    if action.get("hours"):
        what.append(tag("small", f"{action['hours']:g} hours a week"))
    state = [badge(action["status"])]
    if action.get("own_word"):
        state.append(tag("small", action["own_word"], class_="own-word", title="this system's own word"))
    if action.get("delivered_on"):
        state.append(tag("small", "given ", day(action["delivered_on"])))
    if action.get("reason"):
        state.append(tag("small", action["reason"]))
    return [many(what), side(action["organisation"]), day(action["due"]), many(state)]


def plan(head, actions, more=None):
    """head: id, version, goal, start, end, status, approved, client_agreed_on; more(action): what can be done with it."""
    heads = ["Action", "Whose", "Due", "State"] + ([""] if more else [])
    rows = [action_cells(a) + ([more(a)] if more else []) for a in actions]
    return many([
        tag("p", head["goal"], class_="goal"),
        steps(head["status"]),
        facts(("Plan", head["id"]), ("From", day(head["start"])), ("To", day(head["end"])),
              *((("Why it ended", head["reason"]),) if head.get("reason") else ())),
        approvals(head["approved"], head["client_agreed_on"], head.get("client", "The client"))
        if head["status"] in ("draft", "proposed", "agreed", "active") else None,
        table(heads, rows, [f"action-{a['id']}" for a in actions], empty="No action yet.")])


def people(rows, base, case):
    """The list of cases beside the page."""
    return tag("nav", tag("h2", "Cases"), tag("ul", *(
        tag("li", tag("a", tag("strong", row["name"]), tag("small", words(row["state"])), href=f"{base}case/{row['id']}",
                      aria_current="page" if str(row["id"]) == case else None)) for row in rows)), aria_label="Cases", class_="people")


def moves(rows):
    """What happened of late: when, who, what."""
    return tag("ol", *(tag("li", tag("span", row["who"], class_=f"by {row['look']}"), " ", row["what"], " ", day(row["at"]),
                           data_key=f"move-{row['id']}") for row in rows), class_="moves") if rows else tag("p", "Nothing yet.", class_="empty")
