"""HTML by small functions. Text that is not Html is escaped where it is put in, so nothing is forgotten."""

import hashlib
import html


class Html(str):
    """Text that is HTML already."""


EMPTY = {"input", "link", "meta", "br"}


def text(value):
    if isinstance(value, Html):
        return value
    return Html(html.escape("" if value is None else str(value)))


def tag(name, /, *inside, **attributes):
    """An element; class_ is class, data_key is data-key, True is an attribute without a value, None is none."""
    words = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(f" {key}")
        elif value is not None and value is not False:
            words.append(f' {key}="{text(str(value))}"')
    head = f"<{name}{''.join(words)}>"
    if name in EMPTY:
        return Html(head)
    return Html(head + "".join(text(part) for part in inside if part is not None) + f"</{name}>")


def many(parts):
    return Html("".join(text(part) for part in parts if part is not None))


def day(value):
    """A date as people write it; a time of today as a time."""
    if value is None:
        return "—"
    if hasattr(value, "hour"):
        value = value.astimezone()
        return tag("time", value.strftime("%-d %b, %H:%M:%S"), datetime=value.isoformat())
    return tag("time", value.strftime("%-d %b %Y"), datetime=value.isoformat())


def words(name):
    """in_progress is written "in progress"."""
    return (name or "—").replace("_", " ")


def badge(status):
    return tag("span", words(status), class_=f"badge is-{(status or 'none').replace(' ', '_')}")


def table(heads, rows, keys=None, empty="Nothing yet."):
    """On a narrow screen each row is a card: every cell knows its heading."""
    rows = list(rows)
    if not rows:
        return tag("p", empty, class_="empty")
    keys = keys or [None] * len(rows)
    return tag("table",
               tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
               tag("tbody", *(tag("tr", *(tag("td", tag("div", cell), data_label=head)
                                          for head, cell in zip(heads, row)), data_key=key)
                              for key, row in zip(keys, rows))))


def facts(*pairs):
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def section(key, title, *inside, slim=False):
    """A part of the page that is renewed by itself when its stamp has changed; slim: there is little to see."""
    body = tag("h2", title) + many(inside)
    stamp = hashlib.sha256(body.encode()).hexdigest()[:16]
    return key, stamp, tag("section", Html(body), id=key, data_stamp=stamp, class_="card slim" if slim else "card")


class Field:
    """One labelled field of a form."""

    def __init__(self, name, label, kind="text", value="", options=None, required=True, **more):
        self.name, self.label, self.kind, self.value = name, label, kind, value
        self.options, self.required, self.more = options, required, more

    def show(self, place, kept):
        value = kept.get(self.name, self.value)
        value = "" if value is None else str(value)
        ident = f"{place}-{self.name}"
        if self.options is not None:
            box = tag("select", *(tag("option", shown, value=code, selected=str(code) == value)
                                  for code, shown in self.options), id=ident, name=self.name)
        elif self.kind == "password":
            box = tag("input", id=ident, name=self.name, type="password", maxlength=200, required=True, **self.more)
        else:
            box = tag("input", id=ident, name=self.name, type=self.kind, value=value, maxlength=500,
                      required=self.required, **self.more)
        return tag("p", tag("label", self.label, for_=ident), box, class_="field")


# What a form brings back of the state that was seen: it is the same form in another one.
SEEN = ("row", "updates")


class View:
    """What all forms of one page have in common: whose page it is, the token against forged forms, and what was
    typed into the form that was refused."""

    def __init__(self, base, token, case=None, kept=None):
        self.base, self.token, self.case, self.kept = base, token, case, kept or {}

    def form(self, action, button, /, *fields, look="", **hidden):
        place = "-".join([action, *(str(value) for name, value in hidden.items() if name not in SEEN)])
        kept = self.kept if self.kept.get("place") == place else {}
        if self.case is not None:
            hidden["case"] = self.case
        return tag("form",
                   *(tag("input", type="hidden", name=name, value=value)
                     for name, value in {"token": self.token, "place": place, **hidden}.items()),
                   *(field.show(place, kept) for field in fields),
                   tag("p", tag("button", button, type="submit", class_=look or None), class_="go"),
                   method="post", action=f"{self.base}do/{action}", class_="fields" if fields else "single")

    def fold(self, key, title, form):
        """A form behind a word; open when it was refused."""
        is_open = bool(self.kept) and f'value="{self.kept.get("place")}"' in form
        return tag("details", tag("summary", title), form, id=key, open=is_open)


def notice(news):
    """What was done, or what the database said against it: message, detail and hint."""
    if not news:
        return Html("")
    if "done" in news:
        return tag("p", news["done"], class_="notice done", role="status")
    return tag("div", tag("p", tag("strong", news["message"])),
               tag("p", news["detail"]) if news.get("detail") else None,
               tag("p", "Hint: ", tag("code", news["hint"])) if news.get("hint") else None,
               class_="notice refused", role="alert")


def document(title, look, *inside, live=None, back=None):
    return "<!DOCTYPE html>\n" + tag(
        "html",
        tag("head", tag("meta", charset="utf-8"), tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", title), tag("link", rel="stylesheet", href="/desk.css"), tag("link", rel="icon", href="/favicon.svg"),
            tag("script", src="/desk.js", defer=True) if live else None),
        tag("body", *inside, class_=look, data_live=live, data_back=back), lang="en")
