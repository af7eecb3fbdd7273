"""The partners of a history: one thread serves the addresses of all, reads what comes as soon as it is
there, and answers as it is told to. Writes down each request with its place in the order of arrival.
Knows HTTP and how partners fail; judges nothing."""

import heapq
import itertools
import json
import random
import selectors
import socket
import struct
import threading
import time
import uuid

# How a partner behaves while it has a mood: what it does with a message, and how often.
MOODS = {
    "well": {"ack": 1},
    "flaky": {"ack": 6, "s500": 1, "s503": 1, "s408": 1, "s429": 1, "s401": 1, "kept_close": 2, "kept_reset": 1, "kept_500": 1,
              "kept_garbage": 1, "kept_half": 1, "reset": 1, "close": 1},
    "forgetful": {"ack": 1, "kept_close": 2, "kept_reset": 2, "kept_500": 2, "kept_silent": 1},
    "sick": {"s500": 3, "s503": 1, "ack": 1},
    "slow": {"slow": 5, "ack": 1, "silent": 1},
    "silent": {"silent": 1},
    "refusing": {"ack": 4, "err": 2, "s400": 1},
    "moved": {"ack": 2, "s302": 1},
}
STATUS = {"s400": 400, "s401": 401, "s408": 408, "s429": 429, "s500": 500, "s503": 503, "s302": 302}
REFUSALS = ("err", "s400")         # for good: such an item becomes a dead letter
SLOW_SECONDS = (0.02, 0.6)


def is_kept(behaviour):
    """Whether a partner that behaves so has stored the message, whatever it has answered."""
    return behaviour in ("ack", "slow") or behaviour.startswith("kept_")


def acknowledgement(status, code=None):
    message = {"ack_status": status, "correlation_id": str(uuid.uuid4()),
               "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    if code:
        message["error"] = {"code": code, "message": "as told"}
    return json.dumps({"message": message}).encode()


def http(status, body, more=""):
    return f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


class Partner:
    def __init__(self, name, seed):
        self.name, self.mood = name, "well"
        self.random = random.Random(f"{seed}/partner/{name}")
        self.ports = []             # both of its addresses
        self.place = 0              # which of them it is at
        self.is_down = False
        self.listeners = []
        self.tokens = 0

    def behaviour(self):
        weights = MOODS[self.mood]
        return self.random.choices(list(weights), list(weights.values()))[0]


class Connection:
    def __init__(self, channel, partner, port):
        self.channel, self.partner, self.port = channel, partner, port
        self.buffer = bytearray()
        self.began = None           # order and time of the first byte of the request that is coming in
        self.is_over = False


class Partners(threading.Thread):
    """All calls but run() may come from any thread; they are done between two looks at the sockets."""

    def __init__(self, names, seed, file):
        super().__init__(daemon=True)
        self.partners = {name: Partner(name, seed) for name in names}
        self.file = open(file, "w", encoding="utf-8")
        self.selector = selectors.DefaultSelector()
        self.orders = itertools.count(1)
        self.connections = set()
        self.timers = []
        self.numbers = itertools.count()
        self.calls = []
        self.lock = threading.Lock()
        self.bell, self.bell_out = socket.socketpair()
        self.bell.setblocking(False)
        self.selector.register(self.bell, selectors.EVENT_READ, None)
        self.received = 0
        self.is_ending = False
        for partner in self.partners.values():
            for _ in range(2):
                self.listen(partner, 0)
            self.be_at(partner, 0)

    # --- called from outside --------------------------------------------------------------------
    def call(self, function, *arguments):
        """Has the thread do it and waits for what it gives."""
        done, answer = threading.Event(), []

        def work():
            answer.append(function(*arguments))
            done.set()
        with self.lock:
            self.calls.append(work)
        self.bell_out.send(b"x")
        if not done.wait(60):
            raise RuntimeError("the partners' thread does not answer")
        return answer[0]

    def set_mood(self, name, mood):
        self.call(self.change_mood, self.partners[name], mood)

    def set_port(self, name, place):
        """The partner is at this one of its addresses from now on; at the other nobody listens."""
        self.call(self.be_at, self.partners[name], place)

    def set_down(self, name, is_down):
        self.call(self.take_down if is_down else self.bring_up, self.partners[name])

    def mark(self):
        """Everything that had arrived before the call has a lower number, all that comes later a higher one."""
        return self.call(self.read_all)

    def end(self):
        self.is_ending = True
        self.bell_out.send(b"x")
        self.join(10)
        self.file.close()

    # --- the addresses --------------------------------------------------------------------------
    def listen(self, partner, port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        listener.setblocking(False)
        number = listener.getsockname()[1]
        if number not in partner.ports:
            partner.ports.append(number)
        partner.listeners.append(listener)
        self.selector.register(listener, selectors.EVENT_READ, (partner, number))

    def be_at(self, partner, place):
        partner.place = place
        is_down = partner.is_down
        self.take_down(partner)
        if not is_down:
            self.bring_up(partner)

    def take_down(self, partner):
        partner.is_down = True
        for listener in partner.listeners:
            self.selector.unregister(listener)
            listener.close()
        partner.listeners = []
        for connection in [c for c in self.connections if c.partner is partner]:
            self.reset(connection)

    def bring_up(self, partner):
        partner.is_down = False
        if not partner.listeners:
            self.listen(partner, partner.ports[partner.place])

    def change_mood(self, partner, mood):
        partner.mood = mood
        if mood == "well":          # who was kept waiting is let go
            for connection in [c for c in self.connections if c.partner is partner and c.is_over]:
                self.close(connection)

    # --- the loop ---------------------------------------------------------------------------------
    def run(self):
        while not self.is_ending:
            wait = max(0, self.timers[0][0] - time.monotonic()) if self.timers else None
            self.look(wait)
            while self.timers and self.timers[0][0] <= time.monotonic():
                heapq.heappop(self.timers)[2]()
            with self.lock:
                calls, self.calls = self.calls, []
            for work in calls:
                work()

    def look(self, wait):
        events = self.selector.select(wait)
        for key, _ in events:
            if key.data is None:
                self.bell.recv(4096)
            elif isinstance(key.data, Connection):
                self.read(key.data)
            else:
                self.accept(key.fileobj, *key.data)
        return [key for key, _ in events if key.data is not None]

    def read_all(self):
        while self.look(0):
            pass
        return next(self.orders)

    def accept(self, listener, partner, port):
        try:
            channel, _ = listener.accept()
        except OSError:
            return
        channel.setblocking(False)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(channel, partner, port)
        self.connections.add(connection)
        self.selector.register(channel, selectors.EVENT_READ, connection)

    def close(self, connection):
        if connection in self.connections:
            self.connections.discard(connection)
            self.selector.unregister(connection.channel)
            connection.channel.close()

    def reset(self, connection):
        connection.channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(connection)

    def read(self, connection):
        if connection not in self.connections:
            return
        try:
            chunk = connection.channel.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.close(connection)
            return
        if connection.is_over:
            return
        if connection.began is None:
            connection.began = (next(self.orders), time.time())
        connection.buffer += chunk
        head, separator, rest = bytes(connection.buffer).partition(b"\r\n\r\n")
        if not separator:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        began, connection.began = connection.began, None
        connection.buffer = bytearray(rest[length:])
        self.request(connection, lines[0].split(" ")[1], rest[:length], began)

    # --- what comes and what is answered -----------------------------------------------------------
    def send(self, connection, data):
        try:
            connection.channel.sendall(data)        # answers are small: they fit the socket's buffer
        except OSError:
            self.close(connection)

    def later(self, seconds, work):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.numbers), work))

    def request(self, connection, path, body, began):
        partner = connection.partner
        if path.endswith("/token"):
            partner.tokens += 1
            answer = http(200, json.dumps({"access_token": f"t{partner.tokens}", "token_type": "Bearer",
                                           "expires_in": partner.random.choice((2, 3600))}).encode())
            self.later(partner.random.choice((0, 0, 0.3)), lambda: self.send(connection, answer))
            return
        behaviour = partner.behaviour()
        entry = {"order": began[0], "at": began[1], "partner": partner.name, "port": connection.port, "path": path, "behaviour": behaviour,
                 "kept": is_kept(behaviour), "body": body.decode("utf-8", "replace")}
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        self.received += 1
        self.answer(connection, behaviour)

    def answer(self, connection, behaviour):
        if behaviour == "ack":
            self.send(connection, http(200, acknowledgement("ACK")))
        elif behaviour == "slow":
            self.later(connection.partner.random.uniform(*SLOW_SECONDS),
                       lambda: self.send(connection, http(200, acknowledgement("ACK"))))
        elif behaviour == "err":
            self.send(connection, http(200, acknowledgement("ERR", "rjct.reg_records.invalid")))
        elif behaviour in STATUS:
            more = {"s302": "Location: http://127.0.0.1:1/elsewhere\r\n", "s429": "Retry-After: 1\r\n"}.get(behaviour, "")
            self.send(connection, http(STATUS[behaviour], b"{}", more))
        elif behaviour == "kept_500":
            self.send(connection, http(500, b"oops"))
        elif behaviour == "kept_garbage":
            self.send(connection, http(200, b"\x00\xff<html>{\"message\":"))
        elif behaviour in ("kept_close", "close"):
            self.close(connection)
        elif behaviour in ("kept_reset", "reset"):
            self.reset(connection)
        elif behaviour == "kept_half":
            self.send(connection, http(200, acknowledgement("ACK"))[:-20])
            self.close(connection)
        elif behaviour in ("silent", "kept_silent"):
            connection.is_over = True       # until the bridge gives up, or the partner is well again
        else:
            raise ValueError(behaviour)
