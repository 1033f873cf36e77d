"""The `calf` commands of gdb.

They read a stopped machine; nothing in it is called or changed. A PID may be
any expression; without one, the process on the selected hart is meant.
"""

import os
import re

import gdb

import kernel
import printers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PROGRAMS = ("", "added", "tests")       # folders in build/user
SLOTS_SHOWN = 16


def say(text):
    gdb.write(text + "\n")


class Calf(gdb.Command):
    """Look at Calf's processes and memory."""

    def __init__(self):
        super().__init__("calf", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError(f"no command `calf {argument}`: see `help calf`")
        gdb.execute("help calf")


class Command(gdb.Command):
    """One of them: its word, what its arguments are, and `run`."""

    word, most = "", 1

    def __init__(self):
        super().__init__("calf " + self.word, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) > self.most:
            raise gdb.GdbError(f"at most {self.most} argument(s): see `help "
                               f"calf {self.word}`")
        try:
            with kernel.kernel_memory():
                self.run(*words)
        except gdb.MemoryError as e:
            raise gdb.GdbError(
                f"{e}. Has the kernel been started? `hbreak kernel_main` and "
                "`continue` get there.") from e
        except gdb.error as e:
            raise gdb.GdbError(f"{e}") from e


class Ps(Command):
    """List the processes: calf ps

State and hart are those of the first task; a zombie waits for its parent."""

    word, most = "ps", 0

    def run(self):
        say("  pid parent state    hart name")
        for p in kernel.processes():
            state, hart = "zombie", 0
            for thread in kernel.threads_of(p)[:1]:
                state = kernel.thread_state(thread)
                hart = int(thread["machine"]["hart"])
            parent = int(p["parent"]["pid"]) if int(p["parent"]) else "-"
            say(f"{int(p['pid']):5} {parent:>6} {state:8} {hart:4} "
                f"{kernel.text(p['name'])}")


class Regions(Command):
    """List a process's regions, what is allowed where: calf regions [PID]"""

    word = "regions"

    def run(self, pid=""):
        process = kernel.find_process(pid)
        regions = kernel.space_of(process)["regions"]
        say(f"process {int(process['pid'])} ({kernel.text(process['name'])}), "
            f"list shared by {int(regions['count'])}")
        for i in range(int(regions["length"])):
            r = regions["regions"][i]
            prot = int(r["prot"])
            use = kernel.constant_name("enum region_use", r["use"], "REGION_")
            where = f" of a file at 0x{int(r['offset']):x}" \
                if int(r["object"]) else ""
            say(f"{int(r['start']):010x}-{int(r['end']):010x} "
                f"{'r' if prot & 1 else '-'}{'w' if prot & 2 else '-'}"
                f"{'x' if prot & 4 else '-'} {use}{where}")


class Tree(Command):
    """Show a process's page-table tree: calf tree [PID]

One line a node, as in /proc/PID/tree. A lazy copy stands above its
source, the node whose entries its own empty slots stand for; the source's
line names all its lazy copies. `calf page PAGE` tells more."""

    word = "tree"

    def run(self, pid=""):
        process = kernel.find_process(pid)
        root = kernel.space_of(process)["root"]
        say(f"process {int(process['pid'])} ({kernel.text(process['name'])})")
        self.show(root, "")

    def show(self, page, edge):
        ppn, level = kernel.ppn_of(page), int(page["level"])
        found = list(kernel.entries(ppn, level))
        say(f"{'  ' * (kernel.ROOT_LEVEL - level)}{edge}"
            f"{self.about(page, found)}")
        source = kernel.source_of(page)
        if source is not None:
            copies = ", ".join(f"{f:x}" for f in kernel.lazy_copies_of(source))
            rest = list(kernel.entries(kernel.ppn_of(source), level))
            say(f"{'  ' * (kernel.ROOT_LEVEL - level)}  source "
                f"{self.about(source, rest)}; lazy copies: page {copies}")
        if level == 0:
            return
        shown = {slot for slot, _ in found}
        for slot, bits in found:
            self.child(slot, bits, "")
        for slot, bits in rest if source is not None else ():
            if slot not in shown:
                self.child(slot, bits, "of the source ")

    def child(self, slot, bits, how):
        page = kernel.page_of_ppn(kernel.entry_ppn(bits))
        self.show(page, f"slot {slot} {how}{kernel.entry_kind(bits)} ")

    @staticmethod
    def about(page, found):
        head = (f"level {int(page['level'])} page {kernel.ppn_of(page):x} "
                f"count {int(page['count'])}"
                f"{' sealed' if page['sealed'] else ''}: ")
        if int(page["level"]) == 0:
            return head + (f"{len(found)} leaves, "
                           f"{sum(1 for _, b in found if b & kernel.W)} "
                           "writable")
        kinds = [kernel.entry_kind(b) for _, b in found]
        return head + ", ".join(f"{kinds.count(k)} {k}"
                                for k in ("owned", "lazy", "linked"))


class Page(Command):
    """Tell what is known of a page: calf page PAGE

PAGE is a page number as /proc/PID/tree prints it, 0x and a physical address,
an address in the direct map, or an expression of type struct page *. Shows the
descriptor and every entry of a page table that leads there."""

    word, most = "page", 99

    def run(self, *words):
        if not words:
            raise gdb.GdbError("which page? See `help calf page`")
        page = kernel.page_named(" ".join(words))
        ppn = kernel.ppn_of(page)
        say(printers.page_text(page))
        say(f"  descriptor 0x{int(page):x}, data "
            f"0x{kernel.DIRECT_BASE + (ppn << kernel.PAGE_SHIFT):x}")
        edges = list(kernel.edges_to(ppn))
        for node, slot, bits in edges[:SLOTS_SHOWN]:
            say(f"  page {node:x} slot {slot}: {kernel.entry_text(bits)}")
        if len(edges) > SLOTS_SHOWN:
            say(f"  and {len(edges) - SLOTS_SHOWN} more entries")
        for copy in kernel.lazy_copies_of(page):
            say(f"  page {copy:x} is a lazy copy of it")


class Walk(Command):
    """Follow an address through a process's tree: calf walk ADDRESS [PID]"""

    word, most = "walk", 2

    def run(self, address="", pid=""):
        if not address:
            raise gdb.GdbError("which address? See `help calf walk`")
        va = int(gdb.parse_and_eval(address)) & (2**64 - 1)
        if va >= kernel.USER_TOP:
            raise gdb.GdbError(f"0x{va:x} is no address of a program's")
        page = kernel.space_of(kernel.find_process(pid))["root"]
        for level in range(kernel.ROOT_LEVEL, -1, -1):
            slot = va >> (kernel.PAGE_SHIFT + 9 * level) & (kernel.SLOTS - 1)
            bits, whose = self.entry(page, slot)
            say(f"level {level} page {kernel.ppn_of(page):x} slot {slot}"
                f"{whose}: {kernel.entry_text(bits)}")
            if not bits or kernel.entry_kind(bits) == "leaf":
                return
            page = kernel.page_of_ppn(kernel.entry_ppn(bits))

    @staticmethod
    def entry(page, slot):
        """What the slot means, and a word on whose entry that is."""
        level = int(page["level"])
        for node, whose in ((page, ""),
                            (kernel.source_of(page), ", of the source")):
            if node is None:
                continue
            bits = dict(kernel.entries(kernel.ppn_of(node), level)).get(slot)
            if bits:
                return bits, whose
        return 0, ""


class Program(Command):
    """Load the symbols of a user program: calf program [NAME]

NAME is that of a program in build/user, one added by make user-program, or a
file's; without it, the one that runs on the selected hart. The program loaded
before goes. All programs begin at 0, so what a low address is called depends
on which is loaded, and a breakpoint there stops every program: say which one
is meant.

    calf program cat
    hbreak main if $runs("cat")"""

    word = "program"
    loaded = None

    def run(self, name=""):
        if not name:
            name = kernel.text(kernel.find_process("")["name"])
        path = self.find(name)
        if Program.loaded:
            gdb.execute(f"remove-symbol-file {Program.loaded}",
                        to_string=True)
            Program.loaded = None
        start = self.text_start(gdb.execute(
            f"add-symbol-file {path}", to_string=True))
        Program.loaded = path
        say(f"symbols of {os.path.relpath(path, ROOT)}{start}; "
            "low addresses are its own")

    @staticmethod
    def text_start(said):
        found = re.search(r"\.text_addr = (0x\w+)", said)
        return f" from {found[1]}" if found else ""

    @staticmethod
    def find(name):
        names = [os.path.join(ROOT, "build", "user", folder, name)
                 for folder in PROGRAMS]
        for path in [name] * ("/" in name) + names:
            if os.path.isfile(path):
                return os.path.abspath(path)
        raise gdb.GdbError(f"no program {name} in build/user: give the path "
                           "of the ELF file")


class Goto(Command):
    """calf goto N: to before instruction N; +N and -N: from here.

On the machine of our own only, which gdb has with `make gdb MACHINE=own`.
`monitor time` says where it is. gdb's own commands that go back are
reverse-continue, reverse-stepi, reverse-step, reverse-next, reverse-finish."""

    word = "goto"

    def run(self, time=""):
        gdb.execute(f"monitor goto {time}")
        # gdb does not know that everything has changed.
        gdb.execute("maintenance flush register-cache", to_string=True)
        gdb.execute("maintenance flush dcache", to_string=True)
        gdb.execute("frame")


class Runs(gdb.Function):
    """$runs(NAME): 1 when the program NAME runs on this hart, for conditions
of breakpoints in programs; else 0."""

    def __init__(self):
        super().__init__("runs")

    def invoke(self, name):
        try:
            with kernel.kernel_memory():
                process = kernel.find_process("")
                return int(kernel.text(process["name"]) == name.string())
        except (gdb.error, gdb.GdbError):
            return 0


def register():
    for command in (Calf, Ps, Regions, Tree, Page, Walk, Program, Goto, Runs):
        command()
