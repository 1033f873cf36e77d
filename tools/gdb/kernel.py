"""Calf's structures as gdb sees them: lists, page descriptors, entries.

Everything here reads the memory of a stopped machine and changes nothing. It
takes names and layouts from the kernel's debugging information; what is not
in there (constants of macros) is named below and checked by the tests.
"""

import contextlib
import re
import struct

import gdb

DIRECT_BASE = 0xffffffc000000000
PAGE_SHIFT = 12
SLOTS = 512
USER_ROOT_SLOTS = SLOTS // 2
ROOT_LEVEL = 2
USER_TOP = 1 << 38

V, R, W, X, SHARED, UNCOUNTED = 1, 2, 4, 8, 1 << 8, 1 << 9


@contextlib.contextmanager
def kernel_memory():
    """Let the selected hart see the kernel's memory while a program runs on
    it: QEMU translates as for the mode the hart is in."""
    mode = int(gdb.parse_and_eval("$priv"))
    if mode == 1:
        yield
        return
    gdb.execute("set $priv = 1", to_string=True)
    try:
        yield
    finally:
        gdb.execute(f"set $priv = {mode}", to_string=True)


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def pointer_to(address, name):
    """ADDRESS as a pointer to the struct or type NAME."""
    return gdb.Value(address).cast(gdb.lookup_type(name).pointer())


def offset_of(type_name, member):
    for field in gdb.lookup_type(type_name).fields():
        if field.name == member:
            return field.bitpos // 8
    raise gdb.GdbError(f"{type_name} has no {member}")


def ring(head, type_name, member):
    """The objects of a ring: pointers, by their links called MEMBER."""
    offset = offset_of(type_name, member)
    first = int(head.address)
    at = int(head["next"])
    while at not in (first, 0):
        yield pointer_to(at - offset, type_name)
        at = int(pointer_to(at, "struct list")["next"])


def constant_name(enum, value, prefix=""):
    """The name of a value of an enum type, in small letters; the last one,
    for the first of a group may have two."""
    names = [field.name for field in gdb.lookup_type(enum).fields()
             if field.enumval == int(value)]
    return names[-1].removeprefix(prefix).lower() if names else f"{value}?"


def thread_state(thread):
    """In the words of /proc, which tell nothing of whose stack is in use."""
    state = constant_name("enum thread_state", thread["state"], "THREAD_")
    return {"asleep": "sleeping", "dead": "exiting",
            "gone": "exiting"}.get(state, state)


def text(array):
    return array.string(errors="replace") if int(array[0]) else ""


# ---- Processes ---------------------------------------------------------------

def processes():
    """All processes, pointers, in order of their numbers."""
    head = gdb.parse_and_eval("'kernel/proc/process.c'::processes")
    return list(ring(head, "struct process", "all"))


def threads_of(process):
    """The threads of a process's running tasks."""
    return [task["thread"]
            for task in ring(process["tasks"], "struct task", "link")]


def running_process():
    """The process one of whose threads is on the selected hart, or None."""
    # In the kernel tp is the thread, in a program sscratch.
    registers = [int(gdb.parse_and_eval(name)) & (2**64 - 1)
                 for name in ("$tp", "$sscratch")]
    return next((p for p in processes() for thread in threads_of(p)
                 if int(thread.address) in registers), None)


def find_process(word):
    """The process called WORD, a number, or the running one."""
    if not word:
        process = running_process()
        if not process:
            raise gdb.GdbError("no process runs on this hart: give a pid "
                               "(`calf ps` lists them)")
        return process
    pid = int(gdb.parse_and_eval(word))
    for process in processes():
        if int(process["pid"]) == pid:
            return process
    raise gdb.GdbError(f"there is no process {pid}: `calf ps` lists them")


def space_of(process):
    space = process["space"]
    if not int(space):
        raise gdb.GdbError(f"process {int(process['pid'])} has no memory any "
                           "more: it has exited")
    return space


# ---- Pages -------------------------------------------------------------------

def page_array():
    """(address of the first descriptor, its page number, how many)."""
    return (int(gdb.parse_and_eval("page_array")),
            int(gdb.parse_and_eval("page_first")),
            int(gdb.parse_and_eval("'kernel/mm/page.c'::span")))


def page_of_ppn(ppn):
    """The descriptor of a page, a struct page *; None if there is none."""
    array, first, count = page_array()
    if not first <= ppn < first + count:
        return None
    size = gdb.lookup_type("struct page").sizeof
    return pointer_to(array + (ppn - first) * size, "struct page")


def ppn_of(page):
    array, first, _ = page_array()
    size = gdb.lookup_type("struct page").sizeof
    return first + (int(page) - array) // size


def page_named(word):
    """The descriptor WORD means: a page number as /proc/PID/tree prints it,
    a physical address, an address in the direct map, or a struct page *."""
    if re.fullmatch(r"[0-9a-f]{1,7}", word):
        ppn = int(word, 16)
    else:
        value = gdb.parse_and_eval(word)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR and \
                value.type.target().unqualified().name == "page":
            return value
        address = int(value) & (2**64 - 1)
        if address >= DIRECT_BASE:
            address -= DIRECT_BASE
        ppn = address >> PAGE_SHIFT
    page = page_of_ppn(ppn)
    if page is None:
        raise gdb.GdbError(f"page {ppn:x} has no descriptor: no memory "
                           "of Calf's is there")
    return page


def source_of(page):
    """The source of a lazy copy, or None."""
    index = int(page["table"]["source"])
    return page_of_ppn(page_array()[1] + index - 1) if index else None


def node_ppns():
    """The numbers of all nodes of page tables."""
    array, first, count = page_array()
    size = gdb.lookup_type("struct page").sizeof
    kind_at = offset_of("struct page", "kind")
    table = int(gdb.parse_and_eval("(int)PAGE_TABLE"))
    data = read(array, count * size)
    return [first + i for i in range(count) if data[i * size + kind_at] == table]


def lazy_copies_of(page):
    """The numbers of the lazy copies of PAGE."""
    mine = ppn_of(page)
    return [f for f in node_ppns()
            if (o := source_of(page_of_ppn(f))) and ppn_of(o) == mine]


def edges_to(ppn):
    """(node's number, slot, entry) of every entry that leads to page PPN."""
    for node in node_ppns():
        level = int(page_of_ppn(node)["level"])
        for slot, bits in entries(node, level):
            if entry_ppn(bits) == ppn:
                yield node, slot, bits


# ---- Entries -----------------------------------------------------------------

def entries(ppn, level):
    """(slot, bits) of a node's entries that are not empty and the user's."""
    data = read(DIRECT_BASE + (ppn << PAGE_SHIFT), 8 * SLOTS)
    end = USER_ROOT_SLOTS if level == ROOT_LEVEL else SLOTS
    for slot, bits in enumerate(struct.unpack(f"<{SLOTS}Q", data)[:end]):
        if bits:
            yield slot, bits


def entry_kind(bits):
    if bits & (R | X):
        return "leaf"
    return {V: "owned", SHARED: "lazy", V | SHARED: "linked"}.get(
        bits & (V | SHARED), "none" if bits == 0 else "?")


def entry_ppn(bits):
    return bits >> 10 & (1 << 44) - 1


def entry_text(bits):
    """An entry in words."""
    kind = entry_kind(bits)
    if kind == "none":
        return "none"
    if kind != "leaf":
        return f"{kind} -> page {entry_ppn(bits):x}"
    return "leaf {}{}{} -> {}page {:x}".format(
        "r" if bits & R else "-", "w" if bits & W else "-",
        "x" if bits & X else "-", "zero page, " if bits & UNCOUNTED else "",
        entry_ppn(bits))
