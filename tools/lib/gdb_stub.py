"""gdb's remote protocol, for a History: threads are harts.

Breakpoints and watchpoints are addresses that the machine watches; nothing in
its memory changes for them. What gdb writes is an event of the history.
"""

import re
import select
import struct

import history
import own_machine as own

INTERRUPT = b"\x03"
MODE = 65 + 4096
FEATURES = ("PacketSize=4000;qXfer:features:read+;QStartNoAckMode+;swbreak+;"
            "hwbreak+;ReverseStep+;ReverseContinue+;vContSupported+")
X = ("zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 "
     "s7 s8 s9 s10 s11 t3 t4 t5 t6").split()
F = ("ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 "
     "fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11").split()
CSRS = {"fflags": 1, "frm": 2, "fcsr": 3, "sstatus": 0x100, "sie": 0x104,
        "stvec": 0x105, "scounteren": 0x106, "senvcfg": 0x10a,
        "sscratch": 0x140, "sepc": 0x141, "scause": 0x142, "stval": 0x143,
        "sip": 0x144, "stimecmp": 0x14d, "satp": 0x180, "cycle": 0xc00,
        "time": 0xc01, "instret": 0xc02}
# Of gdb's packets Z0 to Z4: what is watched, and what it is called when hit.
KINDS = {0: (own.FETCH, "swbreak"), 1: (own.FETCH, "hwbreak"),
         2: (own.STORE, "watch"), 3: (own.LOAD, "rwatch"),
         4: (own.LOAD | own.STORE, "awatch")}
MOST_WATCHES = 31       # of the machine's, one is for steps
HELP = """\
monitor time        which instruction is the next, and of how many
monitor goto N      to before instruction N; +N and -N: from here. gdb does
                    not notice: use `calf goto N`
monitor copies      the moments from which others are reached
"""


class Gone(Exception):
    """gdb has closed the connection; kill: and wants the machine to end."""

    def __init__(self, kill=False):
        super().__init__()
        self.kill = kill


def description():
    """The registers, in XML."""
    def feature(name, registers):
        rows = "".join(f'<reg name="{n}" bitsize="64" type="{t}" '
                       f'regnum="{i}"/>' for n, t, i in registers)
        return f'<feature name="org.gnu.gdb.riscv.{name}">{rows}</feature>'
    pointers = {"ra": "code_ptr", "sp": "data_ptr", "gp": "data_ptr",
                "tp": "data_ptr", "pc": "code_ptr"}
    return ('<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">'
            "<target><architecture>riscv:rv64</architecture>"
            + feature("cpu", [(n, pointers.get(n, "int"), i)
                              for i, n in enumerate([*X, "pc"])])
            + feature("fpu", [(n, "ieee_double", 33 + i)
                              for i, n in enumerate(F)])
            + feature("csr", [(n, "int", 65 + i) for n, i in CSRS.items()])
            + feature("virtual", [("priv", "int", MODE)]) + "</target>")


class Connection:
    """Packets on a socket; `wait` waits until there is something on it."""

    def __init__(self, socket, wait):
        self.socket, self.buffer, self.acknowledges = socket, b"", True
        self.wait = wait

    def _fill(self):
        self.wait()
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            raise Gone
        self.buffer += data

    def interrupted(self):
        """Is there a ^C? Anything else does not come while it runs."""
        if select.select([self.socket], [], [], 0)[0]:
            self._fill()
        there = INTERRUPT in self.buffer
        self.buffer = self.buffer.replace(INTERRUPT, b"")
        return there

    def receive(self):
        """The next packet's contents."""
        while not (found := re.search(rb"\$([^#]*)#..", self.buffer, re.S)):
            if INTERRUPT in self.buffer:
                self.buffer = b""       # it was stopped already
            self._fill()
        self.buffer = self.buffer[found.end():]
        if self.acknowledges:
            self._say(b"+")
        return found[1]

    def send(self, text):
        data = text.encode("latin-1")
        data = re.sub(rb"[#$}*]", lambda c: bytes([0x7d, c[0][0] ^ 0x20]), data)
        self._say(b"$%s#%02x" % (data, sum(data) % 256))

    def _say(self, data):
        try:
            self.socket.sendall(data)
        except OSError as e:
            raise Gone from e


class Stub:
    """Answers gdb until it is Gone. `wait` waits for gdb or something new when
    no hart will ever go on."""

    def __init__(self, past, connection, wait):
        self.past, self.connection, self.wait = past, connection, wait
        self.hart = self.step_hart = self.first()
        self.set = {}           # (Z number, address): size

    @property
    def machine(self):
        return self.past.machine

    def first(self):
        """A hart that runs."""
        return next((i for i in range(self.machine.config.harts)
                     if self.machine.register(i, own.PC)), 0)

    def serve(self):
        while True:
            packet = self.connection.receive()
            self.connection.send(self.answer(packet))
            if packet == b"QStartNoAckMode":
                self.connection.acknowledges = False

    def answer(self, packet):
        text = packet.decode("latin-1")
        for start, method in self.PACKETS:
            if text.startswith(start):
                try:
                    return method(self, text[len(start):])
                except (ValueError, IndexError, struct.error):
                    return "E16"
        return ""

    # ---- What it is ----

    def features(self, words):
        offset, size = (int(w, 16) for w in words.rpartition(":")[2].split(","))
        text = description()
        more = "m" if offset + size < len(text) else "l"
        return more + text[offset:offset + size]

    def thread_list(self, _):
        return "m" + ",".join(f"{i + 1:x}"
                              for i in range(self.machine.config.harts))

    def thread_words(self, word):
        done = self.past.done(int(word, 16) - 1)
        return f"hart {int(word, 16) - 1}, {done} instructions".encode().hex()

    def is_thread(self, word):
        there = 0 < int(word, 16) <= self.machine.config.harts
        return "OK" if there else "E03"

    def choose(self, words):
        """Hg and Hc: the hart of what follows; 0 and -1 are any."""
        hart = int(words[1:], 16) - 1
        if hart >= self.machine.config.harts:
            return "E03"
        if hart >= 0 and words[0] == "g":
            self.hart = hart
        elif hart >= 0:
            self.step_hart = hart
        return "OK"

    # ---- Registers and memory ----

    def value(self, number):
        value = self.machine.register(self.hart, number)
        return "x" * 16 if value is None else value.to_bytes(8, "little").hex()

    def registers(self, _):
        return "".join(self.value(i) for i in range(65))

    def register(self, word):
        return self.value(int(word, 16))

    def set_register(self, words):
        number, value = words.split("=")
        number, hart = int(number, 16), self.hart
        value, = struct.unpack("<Q", bytes.fromhex(value))
        if number == MODE:      # QEMU's way to see the kernel: no need here
            return "OK"
        if number >= 65:
            return "E01"
        self.past.happen(lambda m: m.set_register(hart, number, value))
        return "OK"

    def read(self, words):
        at, size = (int(w, 16) for w in words.split(","))
        data = self.machine.read(self.hart, at, min(size, 0x2000))
        return data.hex() if data or not size else "E14"

    def write(self, words):
        place, _, data = words.partition(":")
        return self._write(place, bytes.fromhex(data))

    def write_binary(self, words):
        place, _, data = words.partition(":")
        return self._write(place, re.sub(
            rb"}(.)", lambda c: bytes([c[1][0] ^ 0x20]),
            data.encode("latin-1"), flags=re.S))

    def _write(self, place, data):
        at, size = (int(w, 16) for w in place.split(","))
        hart = self.hart
        if size != len(data) or len(self.machine.read(hart, at, size)) < size:
            return "E14"
        if data:
            self.past.happen(lambda m: m.write(hart, at, data))
        return "OK"

    # ---- Where it stops ----

    def insert(self, words):
        kind, at, size = (int(w, 16) for w in words.split(","))
        if kind not in KINDS:
            return ""
        if len(self.set) >= MOST_WATCHES:
            return "E28"
        self.set[kind, at] = 1 if KINDS[kind][0] == own.FETCH else size
        return self._watch()

    def remove(self, words):
        kind, at, _ = (int(w, 16) for w in words.split(","))
        self.set.pop((kind, at), None)
        return self._watch()

    def _watch(self):
        self.past.watch([(at, at + size - 1, KINDS[kind][0], 0xff)
                         for (kind, at), size in self.set.items()])
        return "OK"

    def stopped(self, stop):
        """The packet that says why."""
        if stop == own.HIT:
            return self.hit(*self.machine.hit)
        return self.at("replaylog:end;" if stop in (own.OFF, own.RESTART)
                       else "")

    def hit(self, hart, kind, address, _):
        self.hart, why = hart, ""
        for (number, at), size in self.set.items():
            if KINDS[number][0] & kind and at - 8 < address < at + size:
                why = KINDS[number][1] + (
                    f":{max(at, address):x};" if number > 1 else ":;")
        return self.at(why)

    def beginning(self):
        self.hart = self.first()
        return self.at("replaylog:begin;")

    def at(self, why):
        self.step_hart = self.hart
        return f"T05thread:{self.hart + 1:x};{why}"

    def guarded(self, move):
        """What MOVE returns; when gdb interrupts, that it did."""
        try:
            return move()
        except history.Interrupted:
            return f"T02thread:{self.hart + 1:x};"

    def go_on(self, _=""):
        def move():
            while (stop := self.past.run()) == own.IDLE:
                self.wait()
            return self.stopped(stop)
        return self.guarded(move)

    def step(self, _=""):
        self.hart = self.step_hart
        return self.guarded(lambda: self.stopped(self.past.step(self.hart)))

    def resume(self, words):
        """vCont: one thread may have to step; the others run in any case."""
        actions = [action.partition(":") for action in words.split(";")]
        for what, _, thread in actions:
            if what[:1] in ("s", "S"):
                if thread:
                    self.choose("c" + thread)
                return self.step()
        return self.go_on() if actions[0][0][:1] in ("c", "C") else "E16"

    def go_back(self, _):
        def move():
            hit = self.past.run_back()
            return self.hit(*hit) if hit else self.beginning()
        return self.guarded(move)

    def step_back(self, _):
        def move():
            self.hart = self.step_hart
            there = self.past.step_back(self.hart)
            return self.at("") if there else self.beginning()
        return self.guarded(move)

    # ---- monitor ----

    def monitor(self, word):
        words = bytes.fromhex(word).decode().split()
        name, arguments = (words or ["help"])[0], words[1:]
        if name == "time":
            said = self.time()
        elif name == "copies":
            said = "\n".join(str(p.time) for p in self.past.points)
        elif name == "goto" and len(arguments) == 1:
            said = self.goto(arguments[0])
        else:
            said = HELP.rstrip()
        return (said + "\n").encode().hex()

    def time(self):
        now, per_tick = self.past.now, self.machine.config.per_tick or 10
        return (f"instruction {now} of {self.past.furthest}, "
                f"{now / per_tick / 10_000:.3f} ms after power-on")

    def goto(self, word):
        try:
            time = int(word) + (self.past.now if word[0] in "+-" else 0)
        except ValueError:
            return f"{word}: no number"
        try:
            self.past.goto(max(time, self.past.points[0].time))
        except history.Interrupted:
            pass
        return self.time()

    # ---- The end ----

    def detach(self, _):
        self.connection.send("OK")
        raise Gone

    def kill(self, _):
        raise Gone(kill=True)

    # By what a packet begins with; the first that fits.
    PACKETS = (
        ("qSupported", lambda self, _: FEATURES),
        ("QStartNoAckMode", lambda self, _: "OK"),
        ("qXfer:features:read:target.xml", features),
        ("qfThreadInfo", thread_list), ("qsThreadInfo", lambda self, _: "l"),
        ("qThreadExtraInfo,", thread_words),
        ("qC", lambda self, _: f"QC{self.hart + 1:x}"),
        ("qAttached", lambda self, _: "1"), ("qRcmd,", monitor),
        ("vCont?", lambda self, _: "vCont;c;C;s;S"), ("vCont;", resume),
        ("vKill", kill), ("v", lambda self, _: ""), ("q", lambda self, _: ""),
        ("?", lambda self, _: self.stopped(own.LIMIT)), ("H", choose),
        ("T", is_thread), ("g", registers), ("p", register),
        ("P", set_register), ("m", read), ("M", write), ("X", write_binary),
        ("Z", insert), ("z", remove), ("c", go_on), ("s", step),
        ("bc", go_back), ("bs", step_back), ("D", detach), ("k", kill))
