"""The desk's web server: who is logged in, what a request may be, and how answers look. Knows no case work: a page
is what the desks' modules make of it. Listens on 127.0.0.1 only."""

import collections
import hashlib
import hmac
import http.cookies
import http.server
import json
import pathlib
import secrets
import socketserver
import sys
import threading
import time
import urllib.parse

import psycopg

from database import Gone, Refused, said
from page import View, document, notice, tag

FOLDER = pathlib.Path(__file__).resolve().parent
FILES = {"/desk.css": "text/css", "/desk.js": "text/javascript", "/favicon.svg": "image/svg+xml"}
BODY_LIMIT = 16 * 1024
FIELD_LIMIT = 30
SESSIONS = 20               # at one desk; each worker's is a connection to the database
IDLE_SECONDS = 30 * 60
WRONG_LOGINS = 10           # in a minute, at one desk
AT_ONCE = 24                # requests
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
                               "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}


class Answer(Exception):
    """Ends a request: with a page, or with a way to another one."""

    def __init__(self, status, body="", kind="text/html; charset=utf-8", **headers):
        super().__init__(status)
        self.status, self.body, self.kind, self.headers = status, body, kind, headers


def refuse(status, why):
    return Answer(status, document(why, "door", tag("main", tag("h1", why), tag("p", tag("a", "To the desks", href="/")))))


def go(place, **headers):
    return Answer(303, "", Location=place, **headers)


class Session:
    """One person at one desk, whose requests come one after the other."""

    def __init__(self, account):
        self.account = account
        self.lock = threading.Lock()
        self.last = time.monotonic()
        self.news = None        # what the next page says
        self.kept = None        # what was typed into the form that was refused


class Sessions:
    """Who is logged in at a desk. The oldest go when there are too many."""

    def __init__(self):
        self.lock = threading.Lock()
        self.by_name = collections.OrderedDict()
        self.wrong = collections.deque(maxlen=WRONG_LOGINS)

    def get(self, name, is_live=False):
        """A page that looks by itself is nobody at work."""
        with self.lock:
            session = self.by_name.get(name)
            if session and time.monotonic() - session.last > IDLE_SECONDS:
                self.by_name.pop(name).account.close()
                return None
            if session and not is_live:
                session.last = time.monotonic()
            return session

    def add(self, account):
        name = secrets.token_urlsafe(32)
        with self.lock:
            self.by_name[name] = Session(account)
            while len(self.by_name) > SESSIONS:
                self.by_name.popitem(last=False)[1].account.close()
        return name

    def end(self, name):
        with self.lock:
            session = self.by_name.pop(name, None)
        if session:
            session.account.close()

    def is_guessing(self):
        with self.lock:
            return len(self.wrong) == WRONG_LOGINS and time.monotonic() - self.wrong[0] < 60

    def note_wrong(self):
        with self.lock:
            self.wrong.append(time.monotonic())


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), Request)
        self.desks, self.sessions = {}, {}
        self.key = secrets.token_bytes(32)
        self.places = threading.BoundedSemaphore(AT_ONCE)

    def open(self, desks):
        """Serves these desks from now on, in a thread of its own."""
        self.desks = {desk.PATH: desk for desk in desks}
        self.sessions = {desk.PATH: Sessions() for desk in desks}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, client_address):
        if not self.places.acquire(timeout=1):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request, client_address):
        """A browser that goes away is no error of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def token(self, cookie):
        """What a form must bring back: it can be told from the cookie by us only."""
        return hmac.new(self.key, cookie.encode(), hashlib.sha256).hexdigest()


class Request(http.server.BaseHTTPRequestHandler):
    timeout = 10
    server_version = "desk"
    sys_version = ""

    def log_message(self, format, *args):   # pylint: disable=redefined-builtin
        """Nothing: addresses of pages name people."""

    def do_GET(self):
        self.answer(self.get)

    def do_POST(self):
        self.answer(self.post)

    def answer(self, work):
        try:
            self.check_place()
            work()
        except Answer as answer:
            self.send(answer)
        except psycopg.Error as error:
            self.send(Answer(503, document("The database", "door", tag("main", notice(said(error)),
                                                                        tag("p", tag("a", "Again", href=self.path))))))
        except Exception as error:
            if not isinstance(error, OSError):      # the browser has gone
                self.send(refuse(500, "Something went wrong here"))
            raise

    def send(self, answer):
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        self.send_response(answer.status)
        for name, value in {**HEADERS, **answer.headers, "Content-Type": answer.kind, "Content-Length": len(body)}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def check_place(self):
        """A page of another name may point at this address: the name must be ours."""
        port = self.server.server_port
        ours = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
        if self.headers.get("Host") not in ours:
            raise refuse(421, "This is not the host that was asked for")
        origin = self.headers.get("Origin")
        if origin is not None and origin not in [f"http://{name}" for name in ours]:
            raise refuse(403, "A request from another site")

    # --- what is asked for --------------------------------------------------------------------
    def url(self):
        try:
            return urllib.parse.urlsplit(self.path)
        except ValueError:
            raise refuse(400, "This is no address") from None

    def parts(self):
        """(desk, what comes after it, the query)"""
        url = self.url()
        _, name, rest = (url.path + "/").split("/", 2)
        desk = self.server.desks.get(name)
        if desk is None or not url.path.startswith(f"/{name}/"):
            raise go(f"/{name}/") if desk else refuse(404, "There is no such page")
        try:
            return desk, rest.rstrip("/"), dict(urllib.parse.parse_qsl(url.query, max_num_fields=FIELD_LIMIT))
        except ValueError:
            raise refuse(400, "This is no address") from None

    def cookie(self, desk):
        jar = http.cookies.SimpleCookie()
        try:
            jar.load(self.headers.get("Cookie", ""))
        except http.cookies.CookieError:
            return ""
        return jar[f"desk_{desk.PATH}"].value if f"desk_{desk.PATH}" in jar else ""

    @staticmethod
    def set_cookie(desk, value, more=""):
        return f"desk_{desk.PATH}={value}; Path=/{desk.PATH}/; HttpOnly; SameSite=Strict{more}"

    def get(self):
        path = self.url().path
        if path in FILES:
            raise Answer(200, (FOLDER / path[1:]).read_bytes(), FILES[path])
        if path == "/":
            raise Answer(200, self.doors())
        desk, rest, query = self.parts()
        cookie = self.cookie(desk)
        is_live = rest.split("/")[-1] == "live"
        session = self.server.sessions[desk.PATH].get(cookie, is_live)
        if session is None:
            if is_live:
                raise Answer(401)
            raise go(f"/{desk.PATH}/") if rest else self.login_page(desk)
        with session.lock:
            try:
                raise self.show(desk, session, rest, query, self.server.token(cookie))
            except Gone:
                self.server.sessions[desk.PATH].end(cookie)
                raise go(f"/{desk.PATH}/") from None

    def show(self, desk, session, rest, query, token):
        """The page of a desk, or those of its sections that have changed since the reader's stamps."""
        case = rest.removesuffix("live").strip("/").removeprefix("case/") or None
        is_live = rest.split("/")[-1] == "live"
        kept, news = (None, None) if is_live else (session.kept, session.news)
        view = View(f"/{desk.PATH}/", token, case, kept)
        try:
            with session.account.work() as ask:
                title, aside, sections = desk.page(ask, view, case)
        except Refused as error:
            return refuse(404, str(error))
        if is_live:
            return Answer(200, json.dumps({key: body for key, stamp, body in sections if query.get(key) != stamp}),
                          "application/json")
        session.kept = session.news = None
        live = f"/{desk.PATH}/" + (f"case/{case}/" if case else "") + "live"
        return Answer(200, document(
            f"{title} – {desk.TITLE}", f"desk {desk.LOOK}", self.top(desk, session, view), notice(news),
            tag("main", aside, tag("div", *(body for _, _, body in sections), class_="sections"), class_="with-aside" if aside else None),
            live=live))

    @staticmethod
    def top(desk, session, view):
        return tag("header",
                   tag("a", tag("span", desk.SYSTEM, class_="system"), tag("span", desk.TITLE, class_="part"), href=f"/{desk.PATH}/",
                       class_="name"),
                   tag("span", tag("span", "live", class_="live", title="What others change appears by itself"),
                       tag("span", session.account.name, class_="who"), view.form("logout", "Log out", look="quiet"), class_="self"))

    def doors(self):
        return document("The desks", "door", tag(
            "main", tag("h1", "One case, two systems"),
            tag("p", "Two ministries, each with a system and a database of its own, follow the same people. "
                     "What one of them does, the other one sees a moment later. All people here are invented.", class_="lead"),
            tag("ul", *(tag("li", tag("a", tag("strong", desk.TITLE), tag("span", desk.SYSTEM), tag("small", desk.ABOUT),
                                      href=f"/{path}/", class_=desk.LOOK)) for path, desk in self.server.desks.items()), class_="doors")))

    # --- logging in ---------------------------------------------------------------------------
    def login_page(self, desk, status=200, news=None):
        """Its cookie is of nobody yet, and proves that the form is ours."""
        cookie = secrets.token_urlsafe(32)
        view = View(f"/{desk.PATH}/", self.server.token(cookie))
        return Answer(status, document(
            f"Log in – {desk.TITLE}", f"door {desk.LOOK}", tag(
                "main", tag("p", desk.SYSTEM, class_="system"), tag("h1", desk.TITLE), notice(news),
                view.form("login", "Log in", *desk.login_fields()), tag("p", tag("a", "The other desks", href="/")))),
            **{"Set-Cookie": self.set_cookie(desk, cookie)})

    def fields(self):
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not (length.isascii() and length.isdecimal()):
            raise refuse(411, "How long the request is must be said")
        if len(length) > 9 or int(length) > BODY_LIMIT:
            raise refuse(413, "This is too much at once")
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            raise refuse(415, "This is not what a form sends")
        body = self.rfile.read(int(length))
        try:
            return dict(urllib.parse.parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELD_LIMIT,
                                               errors="strict", strict_parsing=True))
        except ValueError:
            raise refuse(400, "This is not what a form sends") from None

    def post(self):
        desk, rest, _ = self.parts()
        form = self.fields()
        cookie = self.cookie(desk)
        if not cookie or not hmac.compare_digest(form.pop("token", "").encode(), self.server.token(cookie).encode()):
            raise refuse(403, "This form is not of this page")
        if rest == "do/login":
            raise self.login(desk, form)
        sessions = self.server.sessions[desk.PATH]
        session = sessions.get(cookie)
        if session is None:
            raise go(f"/{desk.PATH}/")
        if rest == "do/logout":
            sessions.end(cookie)
            raise go("/", **{"Set-Cookie": self.set_cookie(desk, "", "; Max-Age=0")})
        with session.lock:
            try:
                raise self.act(desk, session, rest.removeprefix("do/"), form)
            except Gone:
                sessions.end(cookie)
                raise go(f"/{desk.PATH}/") from None

    def login(self, desk, form):
        sessions = self.server.sessions[desk.PATH]
        if sessions.is_guessing():
            return self.login_page(desk, 429, {"message": "Too many wrong logins", "detail": "Wait a minute."})
        account = desk.enter(form.get("name", ""), form.get("password", ""))
        if account is None:
            sessions.note_wrong()
            return self.login_page(desk, 401, {"message": "Name and password do not belong together"})
        sessions.end(self.cookie(desk))
        return go(f"/{desk.PATH}/", **{"Set-Cookie": self.set_cookie(desk, sessions.add(account))})

    @staticmethod
    def act(desk, session, action, form):
        """One change, in one transaction. What is refused is shown with what was typed."""
        case = form.get("case")
        if action not in desk.ACTIONS:
            return refuse(404, "There is no such page")
        try:
            with session.account.work() as ask:
                session.news = {"done": desk.ACTIONS[action](ask, form)}
        except Refused as error:
            session.news, session.kept = error.news, form
        except (psycopg.DatabaseError, ValueError) as error:
            session.news = said(error) if isinstance(error, psycopg.Error) else {"message": str(error)}
            session.kept = form
        except KeyError as error:
            return refuse(400, f"The form lacks {error}")
        place = f"/{desk.PATH}/" + (f"case/{urllib.parse.quote(case, safe='')}" if case else "")
        return go(place)
