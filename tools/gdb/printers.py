"""How gdb prints Calf's types: an entry, a page, a list, locks, a thread.

`print/r` shows the bare structure.
"""

import gdb

import kernel


def guarded(make):
    """A printer's text; when the memory cannot be read, that is the text."""
    def to_string(self):
        try:
            with kernel.kernel_memory():
                return make(self.value)
        except (gdb.MemoryError, gdb.error) as e:
            return f"<{e}>"
    return to_string


def printer(make):
    """A printer class whose text is MAKE(value)."""
    return type("Printer", (), {
        "__init__": lambda self, value: setattr(self, "value", value),
        "to_string": guarded(make)})


def entry(value):
    return kernel.entry_text(int(value["bits"]))


def page_text(page):
    """A descriptor, a struct page *, in words."""
    kind = kernel.constant_name("enum page_kind", page["kind"], "PAGE_")
    words = [f"page {kernel.ppn_of(page):x}", kind,
             f"count {int(page['count'])}"]
    if kind == "table":
        words.append(f"level {int(page['level'])}")
        if page["sealed"]:
            words.append("sealed")
        if (source := kernel.source_of(page)) is not None:
            words.append(f"lazy copy of page {kernel.ppn_of(source):x}")
    # A larger order: part of somebody's block.
    if 0 < int(page["order"]) < 32 and kind in ("kernel", "slab", "free"):
        words.append(f"block of {1 << int(page['order'])}")
    if kind not in ("free", "hart_cached", "absent"):
        words.append(f"last owner {int(page['owner'])}")
    return ", ".join(words)


def page(value):
    return page_text(value.address)


def ring(value):
    """How many; a link that is in a ring counts the others in it."""
    first = int(value.address)
    if not int(value["next"]):
        return "list, not initialised"
    at, count = int(value["next"]), 0
    while at != first and count < 10000:
        count += 1
        at = int(kernel.pointer_to(at, "struct list")["next"])
    return f"list of {count}" if count else "list, empty"


def thread_text(thread):
    """A thread, a struct thread *, in words."""
    state = kernel.thread_state(thread)
    name = kernel.text(thread["name"]) or "?"
    owner = int(thread["owner_id"])
    where = f" hart {int(thread['machine']['hart'])}" \
        if state == "running" else ""
    return f"thread {name}{f' (pid {owner})' if owner else ''} {state}{where}"


def thread(value):
    return thread_text(value.address)


def rank(value):
    return kernel.constant_name("enum lock_rank", value["rank"], "LOCK_")


def spinlock(value):
    holder = int(value["holder"])
    return f"spinlock {rank(value)}, " + (
        f"held by hart {holder - 1}" if holder else "free")


def mutex(value):
    holder = int(value["holder"])
    if not holder:
        return f"mutex {rank(value)}, free"
    by = thread_text(kernel.pointer_to(holder, "struct thread"))
    waiting = int(value["waiters"]["waiting"])
    return f"mutex {rank(value)}, held by {by}, {waiting} waiting"


PRINTERS = {"page": page, "list": ring, "thread": thread,
            "spinlock": spinlock, "mutex": mutex}
BY_TAG = {name: printer(make) for name, make in PRINTERS.items()}
ENTRY = printer(entry)


def find(value):
    if value.type.name == "pte_t":
        return ENTRY(value)
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_STRUCT and kind.tag in BY_TAG:
        return BY_TAG[kind.tag](value)
    return None


def register():
    gdb.pretty_printers[:] = [p for p in gdb.pretty_printers
                              if getattr(p, "__name__", "") != "calf"]
    find.__name__ = "calf"
    gdb.pretty_printers.append(find)
