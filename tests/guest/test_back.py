"""Going back: saved runs, histories, and gdb that steps back from a panic."""

import ctypes
import filecmp
import hashlib
import os
import random
import re
import resource
import shutil
import socket
import struct
import subprocess
import sys
import termios
import time

import pytest
from conftest import ROOT, Console, tools_run
from test_disk import make_image
from test_gdb import free_port, session

sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))
import history
import own_machine as own

OWN_BUILD = ABOUT_TOOLS = True

RELEASE = os.path.join(ROOT, "build", "release")
MACHINE = os.path.join(ROOT, "tools", "own-machine")
KERNEL = os.path.join(RELEASE, "calf.img")
INITRD = os.path.join(RELEASE, "initrd.cpio")
TYPED = b"cat /README | wc\nforkstorm 4 1\ncat\nhello\n\x04ls\n"


@pytest.fixture(scope="module", autouse=True)
def built():
    assert tools_run("--machine", "own", "echo").status == 0


# ---- Saved and resumed -------------------------------------------------------

def ran(stdin, stop, *options):
    done = subprocess.run([MACHINE, "--stop-at", str(stop), *options],
                          stdin=stdin, timeout=60, capture_output=True)
    assert done.returncode == 1, done
    return done.stdout


def digest(m):
    """RAM, disks, and the registers of all harts."""
    ram, disks = m.config.ram, m.config.disk_size[:m.config.disks]
    state = hashlib.sha1(
        ctypes.string_at(m._c.machine_ram(m.base, own.RAM_BASE, ram), ram))
    for i, size in enumerate(disks):
        state.update(ctypes.string_at(m._c.machine_disk(m.base, i), size))
    for hart in range(m.config.harts):
        state.update(str([m.register(hart, n) for n in range(4162)]).encode())
    return state.hexdigest()


def test_the_rest_is_what_the_whole_would_have_been(tmp_path):
    """All that it says and all that it is, with typed input and a disk."""
    disk = make_image(tmp_path / "disk.img")
    (tmp_path / "typed").write_bytes(
        b"echo kept >/file\nsync\n" +
        b"".join(b"echo %d\n" % i for i in range(100, 200)) +
        b"cat\nhello\n\x04cat /file\n")
    options = ("--kernel", KERNEL, "--disk", disk, "--snapshot", "--harts",
               "3", "--seed", "5", "--adversary", "all")
    whole, part, rest = (str(tmp_path / n) for n in ("whole", "part", "rest"))
    end = 120_000_000
    with open(tmp_path / "typed", "rb") as f:
        said = ran(f, end, *options, "--save", whole)
    assert said.endswith(b"kept\n$ ") and b"hello\n" in said
    for at in 3_000_000, 7_654_321, 40_000_000:
        with open(tmp_path / "typed", "rb") as f:
            first = ran(f, at, *options, "--save", part)
            second = ran(f, end, "--resume", part, "--save", rest)
        assert first + second == said
        states = [digest(own.Machine.resumed(p)) for p in (whole, part, rest)]
        assert states[0] == states[2] != states[1]


def test_a_saved_machine_is_small(tmp_path):
    path = str(tmp_path / "saved")
    r = tools_run("--machine", "own", "--timeout", "2", "--save", path, "cat")
    assert r.status == 124
    assert os.stat(path).st_size > 128 << 20
    assert os.stat(path).st_blocks * 512 < 16 << 20
    # It still waits.
    again = tools_run("--machine", "own", "--timeout", "2", "--resume", path)
    assert again.status == 1 and "hal_wait" in again.err


def test_a_panic_is_saved(tmp_path):
    path = str(tmp_path / "saved")
    r = tools_run("--machine", "own", "--save", path,
                  "echo panic > /proc/crash")
    assert r.status == 125 and os.path.exists(path)


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "saved"
    path.write_bytes(b"calf-m1" + bytes(20_000_000))
    r = tools_run("--machine", "own", "--resume", str(path))
    assert r.status == 2 and "not saved by this build" in r.err, r
    r = tools_run("--machine", "own", "--resume", str(tmp_path / "none"))
    assert r.status == 2 and "No such file" in r.err, r
    assert tools_run("--resume", "x").status == 2


@pytest.fixture
def saved(tmp_path):
    """A machine that has said some of what it has to say."""
    path = str(tmp_path / "saved")
    ran(subprocess.DEVNULL, 20_000_000, "--kernel", KERNEL, "--initrd", INITRD,
        "--save", path, "forkstorm 4 60")
    return path


def test_saved_to_where_it_came_from(saved, tmp_path):
    other = str(tmp_path / "other")
    for path in other, saved:
        ran(subprocess.DEVNULL, 30_000_000, "--resume", saved, "--save", path)
    assert filecmp.cmp(saved, other, shallow=False)


def test_a_machine_that_cannot_be_saved_is_not_lost(saved, tmp_path):
    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    before = digest(own.Machine.resumed(saved))
    done = subprocess.run(
        [MACHINE, "--resume", saved, "--save", saved, "--stop-at", "30000000"],
        stdin=subprocess.DEVNULL, preexec_fn=full, timeout=60, text=True,
        capture_output=True)
    assert done.returncode == 2 and "File too large" in done.stderr, done
    assert digest(own.Machine.resumed(saved)) == before
    assert os.listdir(tmp_path) == ["saved"]


@pytest.mark.parametrize("how", ["full", "pipe"])
def test_saved_when_what_it_says_cannot_be_written(tmp_path, how):
    path = str(tmp_path / "saved")
    words = [MACHINE, "--kernel", KERNEL, "--save", path]
    if how == "pipe":
        words = ["sh", "-c", '"$@" | true', "sh", *words]
    with open("/dev/full", "wb") as full:
        subprocess.run(words, stdin=subprocess.DEVNULL, stdout=full,
                       stderr=subprocess.DEVNULL, timeout=60)
    assert own.Machine.resumed(path).now > 0
    assert os.listdir(tmp_path) == ["saved"]


@pytest.mark.parametrize("words", [
    ["--harts", "1"], ["--mem", "128M"], ["--seed", "0"], ["--snapshot"],
    ["--adversary", "tlb"], ["--append", "x"], ["--kernel", KERNEL],
    ["--disk", "x"], ["--initrd", INITRD], ["ls"]])
def test_resumed_it_is_what_it_was(words, saved):
    done = subprocess.run(
        [MACHINE, "--resume", saved, "--stop-at", "1", *words], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.returncode == 2 and "--resume goes on with" in done.stderr


@pytest.mark.parametrize("words", [
    ["--harts", "1"], ["--mem", "128M"], ["--seed", "0"], ["--icount"],
    ["--adversary", "tlb"], ["--append", "x"], ["--initrd", INITRD], ["ls"]])
def test_options_that_do_not_go_with_resume(words, saved):
    r = tools_run("--machine", "own", "--resume", saved, "--stop-at", "1",
                  *words)
    assert r.status == 2 and "--resume goes on with" in r.err, r


def test_disk_has_what_was_written_when_it_ends(tmp_path):
    """Wherever that is; a cut in the power takes no request that is done."""
    path = str(tmp_path / "saved")
    for at in 8_000_000, 9_500_000, 11_000_000, 14_000_000:
        disk = make_image(tmp_path / "disk.img")
        ran(subprocess.DEVNULL, at, "--kernel", KERNEL, "--disk", disk,
            "--save", path, "cat /README > /a; sync; " * 60)
        m = own.Machine.resumed(path)
        there = bytes(m._disk(0, 0, m.config.disk_size[0]))
        with open(disk, "rb") as f:
            assert f.read() == there


def test_a_hang_has_names():
    r = tools_run("--machine", "own", "--harts", "2", "--timeout", "2", "cat")
    assert r.status == 124
    assert re.search(r"^hart 1: pc 0xf\w+ hal_wait\+0x\w+  "
                     r"ra 0xf\w+ idle_loop\+", r.err, re.M), r


# ---- Histories ---------------------------------------------------------------

def machine(append="", **config):
    return own.Machine.booted(
        own.Config(**{"harts": 3, "ram": 64 << 20, "seed": 3, **config}),
        KERNEL, INITRD, [], append)


@pytest.fixture
def past():
    """A run of 30 million instructions, in which something was typed twice."""
    said = []
    h = history.History(machine(adversary=2047), said.append)
    h.said = said
    for text in TYPED[:32], TYPED[32:]:
        h.run(h.now + 15_000_000)
        h.happen(lambda m, text=text: m.input(text))
    h.run(h.now + 20_000_000)
    return h


def test_back_and_forth_is_the_same(past):
    moments = {}
    for time in range(past.now, 0, -past.now // 7):
        past.goto(time)
        assert time <= past.now         # the clock may jump
        moments[past.now] = digest(past.machine)
    said = b"".join(past.said)
    assert len(set(moments.values())) == len(moments) > 4
    for time in random.Random(1).sample(sorted(moments), len(moments)):
        past.goto(time)
        assert past.now == time and digest(past.machine) == moments[time]
    assert b"".join(past.said) == said        # nothing is said twice


def test_watching_changes_nothing(past):
    m, end = past.machine, past.now
    past.goto(end)
    without = digest(m)
    past.goto(0)
    all_of_it = (0, own.NEVER)
    for kinds, harts in ((own.STORE, 1), (own.FETCH, 7), (own.LOAD, 7),
                         (7, 7), (7, 5)):
        past.run(past.now + 3_000_000)
        past.watch([(*all_of_it, kinds, harts)])
        for _ in range(3000):
            assert past.run(end) == own.HIT
            hart, kind, _, at = m.hit
            assert kind & kinds and 1 << hart & harts
            assert past.now == at if kind == own.FETCH else past.now > at
        past.watch([])
    past.run(end)
    assert past.now == end and digest(m) == without


@pytest.mark.parametrize("seed", [11, 13, 19, 22])
def test_watching_data_moves_no_timer(seed):
    """An early timer is drawn where a hart leaves its loop; it does so where it
    would have without. The kernel's data is watched, a byte in each page."""
    states = []
    for kinds in 0, own.LOAD | own.STORE:
        m = machine(harts=2, seed=seed, adversary=own.adversary("time"),
                    append="run=forkstorm 6 1")
        m.watch([(page + 0xff7, page + 0xff7, kinds, 7)
                 for page in data_pages()])
        while m.now < 70_000_000:
            if m.run(min(m.now + 1_000_000, 70_000_000)) == own.IDLE:
                m.skip(min(m.next_event, 70_000_000))
            m.output()
        states.append(digest(m))
    assert states[0] == states[1]


def data_pages():
    elf = os.path.join(RELEASE, "calf.elf")
    names = subprocess.run(["riscv64-linux-gnu-nm", elf], text=True,
                           capture_output=True, check=True).stdout
    return sorted({int(word[0], 16) & ~0xfff for word in
                   map(str.split, names.splitlines())
                   if word[1] in "bBdD"})[:28]


def test_steps_of_a_hart(past):
    """As many back as forth, whatever the other harts do meanwhile."""
    places = []
    for _ in range(20):
        places.append((past.done(1), past.machine.register(1, own.PC)))
        assert past.step_back(1)
    for done, pc in reversed(places):
        assert past.step(1) == own.LIMIT
        assert (past.done(1), past.machine.register(1, own.PC)) == (done, pc)


def test_interrupted_it_stays_where_it_was(past):
    time, looks = past.now, iter([True] * 5)
    past.goto(time)
    before = digest(past.machine)

    def look():
        if not next(looks, False):
            raise history.Interrupted
    past.look = look
    past.watch([(1, 1, own.LOAD, 0xff)])
    with pytest.raises(history.Interrupted):
        past.run_back()
    assert past.now == time and digest(past.machine) == before


def test_what_happens_in_the_past_is_another_future(past):
    past.goto(past.now - 10_000_000)
    past.happen(lambda m: m.input(b"echo another\n"))
    past.run(past.now + 20_000_000)
    assert b"another" in b"".join(past.said)
    time, state = past.now, digest(past.machine)
    past.goto(1000)
    past.goto(time)
    assert digest(past.machine) == state


def test_copies_are_thinned_out(monkeypatch):
    monkeypatch.setattr(history, "OFTEN", 5_000_000)
    h = history.History(machine(seed=0), lambda _: None)
    h.happen(lambda m: m.input(b"forkstorm 4 60\n"))
    h.run(500_000_000)
    times = [p.time for p in h.points]
    assert times[0] == 0 and len(times) < 25
    for a, b in zip(times, times[1:]):
        assert b - a <= max(history.OFTEN * 2, (h.now - a) / history.GAP + 1)


def test_looking_changes_nothing():
    m = machine(adversary=2047)
    m.run(20_000_000)
    before = digest(m)
    block = ctypes.string_at(m.base, m.size)
    read = [m.read(0, page << 12, 4096) for page in range(0, 16)]
    read += [m.read(h, m.register(h, own.PC), 4) for h in range(3)]
    assert any(read) and m.read(0, 0x7000_0000_0000, 8) == b""
    assert digest(m) == before      # which looks at registers
    changed = ctypes.string_at(m.base, m.size) != block
    assert not changed


# ---- The protocol ------------------------------------------------------------

class Client:
    """Somebody who speaks gdb's protocol."""

    def __init__(self, port):
        for _ in range(600):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.1)
        self.socket.settimeout(60)
        self.stream = self.socket.makefile("rb")

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))

    def hear(self):
        while (c := self.stream.read(1)) != b"$":
            assert c in (b"+", b"$"), c
        text = b""
        while (c := self.stream.read(1)) != b"#":
            text += c
        self.stream.read(2)
        return text.decode()

    def ask(self, text):
        self.send(text)
        return self.hear()

    def monitor(self, text):
        return bytes.fromhex(self.ask("qRcmd," + text.encode().hex())).decode()


@pytest.fixture
def waiting():
    """A terminal whose machine waits for gdb, and the port."""
    port = free_port()
    c = Console(harts=2, options=("--machine", "own", "--gdb", "--gdb-port",
                                  str(port)))
    yield c, port
    c.close()


def test_what_is_typed_comes_again(waiting):
    """With gdb there, away and there again."""
    c, port = waiting
    gdb = Client(port)
    gdb.send("vCont;c")
    c.prompt()
    c.type("echo a word\n")
    c.expect("^a word")
    gdb.socket.sendall(b"\x03")
    assert gdb.hear().startswith("T02")
    now = int(re.search(r"instruction (\d+)", gdb.monitor("time"))[1])
    there = gdb.ask("g")
    gdb.monitor("goto 1000")
    assert gdb.ask("g") != there
    gdb.monitor(f"goto {now}")
    assert gdb.ask("g") == there
    assert gdb.ask("D") == "OK"
    c.type("echo alone\n")
    c.expect("^alone")
    gdb = Client(port)
    assert gdb.ask("?").startswith("T05thread:")
    gdb.monitor("goto 1000")
    gdb.send("vCont;c")
    c.type("echo later\n")
    c.expect("^later")
    assert c.text.count("\na word") == 1
    gdb.socket.sendall(b"\x03")
    gdb.hear()
    gdb.send("k")
    assert c.ends() == 0


def test_keys_while_it_is_stopped(waiting):
    """^A x leaves; others are for later, also those before it has begun."""
    c, port = waiting
    c.type("echo ear")
    c.expect("waiting for gdb")
    c.type("ly\n")
    gdb = Client(port)
    assert gdb.ask("?").startswith("T05")
    gdb.send("vCont;c")
    c.expect(r"\$ early\n")
    gdb.socket.sendall(b"\x03")
    gdb.hear()
    c.type("\x01x")
    assert c.ends() == 0 and "Traceback" not in c.text


def test_left_before_gdb_comes(waiting):
    c, port = waiting
    c.expect("waiting for gdb")
    while termios.tcgetattr(c.terminal)[3] & termios.ECHO:
        time.sleep(0.05)
    c.type("\x01x")
    assert c.ends(20) == 0 and "Traceback" not in c.text


def test_gdb_goes_away_while_it_is_answered(waiting):
    c, port = waiting
    for _ in range(20):
        gdb = Client(port)
        gdb.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
        gdb.send("g")
        gdb.send("g")
        gdb.stream.read(1)
        gdb.stream.close()
        gdb.socket.close()
    gdb = Client(port)
    assert gdb.ask("?").startswith("T05"), c.text


@pytest.mark.parametrize("packet", [
    "", "m", "m0,", "mzz,1", "m0,ffffffffffffffff", "M0,4:00", "Mffff", "p",
    "pffffff", "P", "P20=", "P1=zz", "Hg", "Hgff", "T99", "Z0", "Z9,0,4",
    "qXfer:features:read:target.xml:0", "qRcmd,zz", "qThreadExtraInfo,",
    "qThreadExtraInfo,99", "vCont;", "vCont;q", "X0,1:a", "!"])
def test_packets_that_say_nothing_do_no_harm(stub, packet):
    assert not re.match(r"OK|T", stub.answer(packet.encode()))
    assert re.fullmatch(r"[0-9a-f]{16}", stub.answer(b"p20"))


@pytest.fixture(scope="module")
def stub():
    import gdb_stub
    h = history.History(machine(), lambda _: None)
    return gdb_stub.Stub(h, None, lambda: None)


# ---- gdb ---------------------------------------------------------------------

needs_gdb = pytest.mark.skipif(not shutil.which("gdb-multiarch"),
                               reason="gdb-multiarch is not here")


def own_session(commands, *words):
    """What gdb says to each of COMMANDS, in order."""
    different = [c + " " * i for i, c in enumerate(commands)]
    return list(session(different, "--machine", "own", "--harts", "2",
                        *words).values())


@needs_gdb
def test_back_from_a_panic():
    said = iter(own_session((
        "continue", "hbreak report_panic", "continue", "print panics",
        "watch panics", "reverse-continue", "print panics", "delete",
        "hbreak file_write", "reverse-continue", "backtrace 1", "print $pc",
        "reverse-stepi", "print $pc", "stepi", "print $pc"),
        "echo panic > /proc/crash"))
    assert "hit Breakpoint 1, panic (" in next(said)
    next(said)
    assert "hit Breakpoint 2, report_panic (" in next(said)
    assert "= 1\n" in next(said)
    next(said)
    assert "Old value = 1\nNew value = 0\n" in next(said)
    assert "= 0\n" in next(said)
    next(said), next(said)
    assert re.search(r"Thread \d hit Breakpoint 4, file_write \(", next(said))
    assert "#0  file_write (" in next(said)
    here = re.search(r"\) (0x\w+)", next(said))[1]
    next(said)
    assert re.search(r"\) (0x\w+)", next(said))[1] != here
    next(said)
    assert re.search(r"\) (0x\w+)", next(said))[1] == here


@needs_gdb
def test_another_moment_and_another_future():
    said = iter(own_session((
        "reverse-stepi", "continue", "calf goto 5000000", "monitor time",
        "calf goto -1000", "monitor time", "calf goto 20000000",
        "print panics = 7", "continue", "print panics", "monitor nonsense",
        "calf goto x", "delete", "reverse-continue", "monitor time"),
        "--seed", "1", "echo panic > /proc/crash"))
    assert "No more reverse-execution history" in next(said)
    assert "hit Breakpoint 1, panic (" in next(said)
    assert "#0 " in next(said)
    assert "instruction 5000000 of " in next(said)
    next(said)
    assert "instruction 4999000 of " in next(said)
    next(said), next(said)
    assert "hit Breakpoint 1, panic (" in next(said)
    assert "= 7\n" in next(said)
    assert "monitor goto N" in next(said)
    assert "x: no number" in next(said)
    next(said)
    assert "No more reverse-execution history" in next(said)
    assert "instruction 0 of " in next(said)


@needs_gdb
def test_the_example_of_the_document():
    """Commands, and beginnings of lines that gdb says to them."""
    with open(os.path.join(ROOT, "docs", "MACHINE.md"), encoding="utf-8") as f:
        part = f.read().split("## Going back")[1].split("```")[1]
    shell, *steps = part.split("(gdb) ")
    build, start = re.findall(r"^\$ (.*)$", shell, re.M)
    subprocess.run(build.split(), cwd=ROOT, check=True, capture_output=True)
    commands = [step.split("\n")[0] for step in steps]
    words = start.removeprefix("tools/gdb/start --machine own --harts 2 ")
    answers = own_session(commands, *words.split())
    for step, answer in zip(steps, answers, strict=True):
        at = 0
        for line in step.split("\n")[1:-1]:
            found = re.compile(re.sub(
                r"\b8[0-9a-f]{4}\b", r"8[0-9a-f]{4}",
                re.escape(line))).search(answer, at)
            assert found, (line, answer)
            at = found.end()
