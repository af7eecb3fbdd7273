"""Somebody who visits a web page: reads what stands there, fills labelled fields, presses buttons. Once by plain HTTP
(Reader) and once in a headless Chromium (Browser), so that one story can be told with both. A form is found by what
its button says, and by the data-key of what it stands in."""

import base64
import html.parser
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.parse

from system import DemoError as VisitError, until


def plain(text):
    return " ".join(text.split())


# --- by plain HTTP ------------------------------------------------------------------------------
class Node:
    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent, self.parts = name, dict(attributes), parent, []

    def walk(self):
        yield self
        for part in self.parts:
            if isinstance(part, Node):
                yield from part.walk()

    def find(self, *names):
        return [node for node in self.walk() if node.name in names]

    def text(self):
        return plain(" ".join(part.text() if isinstance(part, Node) else part for part in self.parts))

    def is_in(self, key):
        node = self
        while node is not None:
            if node.attributes.get("data-key") == key:
                return True
            node = node.parent
        return False


class Tree(html.parser.HTMLParser):
    """A page as nodes."""
    EMPTY = {"input", "meta", "link", "br"}

    def __init__(self, source):
        super().__init__()
        self.root = self.at = Node("", (), None)
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        node = Node(tag, attrs, self.at)
        self.at.parts.append(node)
        if tag not in self.EMPTY:
            self.at = node

    def handle_endtag(self, tag):
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.parts.append(data)


def request(address, method="GET", body=None, **headers):
    """(status, headers, text): one request as it stands, no redirect followed."""
    url = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    try:
        connection.request(method, url.path + ("?" + url.query if url.query else ""), body,
                           {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read().decode()
    finally:
        connection.close()


class Reader:
    """By plain HTTP, without JavaScript: to see news is to load the page again."""

    def __init__(self, address):
        self.address, self.place, self.cookies, self.status, self.source = address, address, {}, None, ""

    def load(self, place, method="GET", body=None, **headers):
        for _ in range(5):
            self.place = urllib.parse.urljoin(self.place, place)
            if self.cookies:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            self.status, answered, self.source = request(self.place, method, body, **headers)
            for cookie in answered.get_all("Set-Cookie") or []:
                name, value = cookie.split(";")[0].split("=", 1)
                self.cookies[name] = value
            if self.status not in (302, 303):
                return
            place, method, body, headers = answered["Location"], "GET", None, {}
        raise VisitError("sent from page to page")

    def open(self, path):
        self.load(urllib.parse.urljoin(self.address, path))

    def root(self):
        return Tree(self.source).root

    def text(self, section=None):
        nodes = [node for node in self.root().walk() if node.name == "body" or section and node.attributes.get("id") == section]
        nodes = [node for node in nodes if not section or node.attributes.get("id") == section]
        return nodes[0].text() if nodes else ""

    def form(self, button, key):
        forms = [form for form in self.root().find("form") if (key is None or form.is_in(key))
                 and any(node.text() == button for node in form.find("button"))]
        if not forms:
            raise VisitError(f"no form with the button “{button}” in {key} on {self.place}: {self.text()}")
        return forms[0]

    @staticmethod
    def values(form):
        """What the browser would send of a form as it stands."""
        found = {node.attributes["name"]: node.attributes.get("value", "") for node in form.find("input") if "name" in node.attributes}
        for box in form.find("select"):
            options = box.find("option")
            chosen = [option for option in options if "selected" in option.attributes] or options
            found[box.attributes["name"]] = chosen[0].attributes["value"]
        return found

    def submit(self, button, fields=None, key=None):
        form = self.form(button, key)
        values = self.values(form)
        names = {node.text(): node.attributes["for"] for node in form.find("label")}
        boxes = {node.attributes.get("id"): node for node in form.find("input", "select")}
        for label, value in (fields or {}).items():
            if label not in names:
                raise VisitError(f"no field “{label}”, only {', '.join(names)}")
            box = boxes[names[label]]
            if box.name == "select":
                value = next(option.attributes["value"] for option in box.find("option") if option.text() == value)
            values[box.attributes["name"]] = value
        self.load(form.attributes["action"], "POST", urllib.parse.urlencode(values), **{
            "Content-Type": "application/x-www-form-urlencoded"})

    def sees(self, text, section=None, deadline=60):
        def look():
            if self.status == 200:
                self.load(self.place)
            return text in self.text(section)
        if text in self.text(section):
            return
        until(f"“{text}” at {self.place}", look, deadline)

    def close(self):
        pass


# --- in a browser -------------------------------------------------------------------------------
FIND_FORM = """
const [button, key] = arguments;
return [...document.forms].find(form => (key === null || form.closest(`[data-key="${key}"]`))
	&& [...form.querySelectorAll("button")].some(each => each.textContent === button)) || null;"""
SHOW = """
const fold = arguments[0].closest("details");
if (fold && !fold.open) { fold.querySelector("summary").click(); }
arguments[0].scrollIntoView({block: "center"});"""
FIND_FIELD = """
const label = [...arguments[0].querySelectorAll("label")].find(each => each.textContent === arguments[1]);
return label ? label.control : null;"""
FIND_BUTTON = "return [...arguments[0].querySelectorAll('button')].find(each => each.textContent === arguments[1]);"
CHOOSE = "arguments[0].value = [...arguments[0].options].find(each => each.textContent === arguments[1]).value;"
SET_DATE = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}));"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Chromium:
    """One headless browser by its driver, in the W3C's protocol; each visitor has a tab."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="chromium.")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.session = None
        for line in self.driver.stdout:
            port = re.search(r"started successfully on port (\d+)", line)
            if port:
                break
        else:
            raise VisitError("chromedriver did not start")
        self.base = f"http://127.0.0.1:{port[1]}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-GB",
                     f"--user-data-dir={self.folder}", "--window-size=1280,900", "--force-color-profile=srgb", "--hide-scrollbars",
                     "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"]
        self.session = self.call("", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}})["sessionId"]
        self.tab = None

    def call(self, path, body=None, method=None):
        place = f"{self.base}/{self.session}{path}" if self.session else self.base
        status, _, text = request(place, method or ("GET" if body is None else "POST"), None if body is None else json.dumps(body),
                                  **{"Content-Type": "application/json"})
        value = json.loads(text)["value"]
        if status != 200:
            raise VisitError(value["message"].splitlines()[0])
        return value

    def run(self, script, *arguments):
        return self.call("/execute/sync", {"script": script, "args": list(arguments)})

    def close(self):
        try:
            self.call("", method="DELETE")
        except (OSError, VisitError):
            pass
        self.driver.terminate()
        self.driver.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Browser:
    """A tab. To see news is to wait: the page is not loaded again."""

    def __init__(self, chromium, address):
        self.chromium, self.address = chromium, address
        self.tab = chromium.call("/window/new", {"type": "tab"})["handle"]

    def run(self, script, *arguments):
        if self.chromium.tab != self.tab:
            self.chromium.call("/window", {"handle": self.tab})
            self.chromium.tab = self.tab
        return self.chromium.run(script, *arguments)

    def open(self, path):
        self.run("")
        self.chromium.call("/url", {"url": urllib.parse.urljoin(self.address, path)})
        self.mark()

    def mark(self):
        self.run("window.isTheSamePage = true;")

    def is_the_same_page(self):
        """Whether nothing has loaded the page again since the visitor last did something."""
        return self.run("return window.isTheSamePage === true;")

    def text(self, section=None):
        """Also what is folded away."""
        return plain(self.run("""
            const walk = node => node.nodeType === 3 ? node.data : [...node.childNodes].map(walk).join(" ");
            const place = arguments[0] ? document.getElementById(arguments[0]) : document.body;
            return place ? walk(place) : "";""", section))

    def submit(self, button, fields=None, key=None):
        form = self.run(FIND_FORM, button, key)
        if form is None:
            raise VisitError(f"no form with the button “{button}” in {key}: {self.text()}")
        self.run(SHOW, form)
        for label, value in (fields or {}).items():
            box = self.run(FIND_FIELD, form, label)
            if box is None:
                raise VisitError(f"no field “{label}”")
            kind = self.run("return arguments[0].type", box)
            place = f"/element/{box[ELEMENT]}"
            if kind == "date":
                self.run(SET_DATE, box, value)
            elif kind.startswith("select"):
                self.run(CHOOSE, box, value)
            else:
                self.chromium.call(f"{place}/clear", {})
                if value:
                    self.chromium.call(f"{place}/value", {"text": value})
        pressed = self.run(FIND_BUTTON, form, button)
        self.run("window.isTheSamePage = false;")
        self.chromium.call(f"/element/{pressed[ELEMENT]}/click", {})
        until("the answer to a form", lambda: self.run("return window.isTheSamePage === undefined && document.readyState === 'complete';"), 60)
        self.mark()

    def sees(self, text, section=None, deadline=60):
        until(f"“{text}” at {self.tab}", lambda: text in self.text(section), deadline)
        if not self.is_the_same_page():
            raise VisitError("the page was loaded again")

    def picture(self, file, width=1280, height=900):
        """The page as PNG; without a height all of it."""
        self.run("")
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height or 900, deviceScaleFactor=1, mobile=False)
        data = self.cdp("Page.captureScreenshot", captureBeyondViewport=height is None)["data"]
        pathlib.Path(file).write_bytes(base64.b64decode(data))
        self.cdp("Emulation.clearDeviceMetricsOverride")

    def side_by_side(self, file, left, right, width, height):
        """Two pictures as one."""
        pictures = ["data:image/png;base64," + base64.b64encode(pathlib.Path(each).read_bytes()).decode() for each in (left, right)]
        self.chromium.call("/url", {"url": "about:blank"})
        self.run("""
            document.body.style.cssText = "margin: 0; display: flex; gap: 16px; background: #8892a0";
            return Promise.all(arguments[0].map(source => {
                const image = new Image();
                document.body.append(image);
                return new Promise(done => { image.onload = () => done(true); image.src = source; });
            }));""", pictures)
        self.picture(file, 2 * width + 16, height)

    def cdp(self, command, **parameters):
        return self.chromium.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def close(self):
        self.run("")
        self.chromium.call("/window", method="DELETE")
