"""The machine of our own (machine/machine.h) as an object, by its library."""

import contextlib
import ctypes
import functools
import mmap
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
LIBRARY = os.environ.get("CALF_MACHINE") or \
    os.path.join(ROOT, "build", "machine", "libcalf-machine.so")

LIMIT, IDLE, OUTPUT, FLUSH, OFF, RESTART, HIT = range(7)    # of run()
LOAD, STORE, FETCH = 1, 2, 4                                # of watches
PC, INSTRET = 32, 65 + 0xc02                                # registers
NEVER = 2**64 - 1
PAGE = 4096
RAM_BASE, KERNEL_AT = 0x80000000, 0x200000
DISKS = 4
KINDS = 11              # of the adversary
DECISIONS = 32
PRIVATE = mmap.MAP_PRIVATE | 0x4000     # MAP_NORESERVE

U32, U64 = ctypes.c_uint32, ctypes.c_uint64


class Config(ctypes.Structure):
    _fields_ = [("harts", U32), ("ram", U64), ("disks", ctypes.c_uint),
                ("disk_size", U64 * DISKS), ("seed", U64), ("quantum", U32),
                ("per_tick", U32), ("adversary", U32), ("epoch", U64)]


class Watch(ctypes.Structure):
    _fields_ = [("first", U64), ("last", U64), ("kinds", U32), ("harts", U32)]


class Hit(ctypes.Structure):
    _fields_ = [("hart", U32), ("kind", U32), ("address", U64), ("at", U64)]


class Decision(ctypes.Structure):
    _fields_ = [("now", U64), ("address", U64), ("hart", U32), ("what", U32)]


class Refused(Exception):
    """There can be no such machine, or file; why, in a sentence."""


@contextlib.contextmanager
def _refused(what):
    try:
        yield
    except OSError as e:
        raise Refused(f"{what}: {e.strerror or e}") from e
    except (ValueError, OverflowError) as e:    # mmap's
        raise Refused(f"{what}: {e}") from e


@functools.cache
def _library():
    with _refused("the machine is not made"):
        library = ctypes.CDLL(LIBRARY)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, *arguments in (
            ("size", size, pointer),
            ("init", None, pointer, pointer),
            ("is_ours", ctypes.c_bool, pointer, U64, pointer),
            ("ram", pointer, pointer, U64, U64),
            ("disk", pointer, pointer, ctypes.c_uint),
            ("boot", ctypes.c_bool, pointer, U64, U64, ctypes.c_char_p),
            ("initrd_place", U64, pointer, U64),
            ("run", ctypes.c_int, pointer, U64),
            ("now", U64, pointer),
            ("next_event", U64, pointer),
            ("skip", None, pointer, U64),
            ("disk_written", ctypes.c_bool, pointer, ctypes.c_uint, pointer,
             pointer),
            ("decision", ctypes.c_bool, pointer, ctypes.c_uint, pointer),
            ("output", size, pointer, pointer, size),
            ("input", size, pointer, ctypes.c_char_p, size),
            ("register", ctypes.c_bool, pointer, ctypes.c_uint, ctypes.c_uint,
             pointer),
            ("set_register", ctypes.c_bool, pointer, ctypes.c_uint,
             ctypes.c_uint, U64),
            ("translate", ctypes.c_bool, pointer, ctypes.c_uint, U64, pointer),
            ("write", ctypes.c_bool, pointer, U64, ctypes.c_char_p, U64),
            ("watch", None, pointer, pointer, ctypes.c_uint),
            ("hit", ctypes.POINTER(Hit), pointer)):
        function = getattr(library, "machine_" + name)
        function.restype, function.argtypes = result, arguments
    return library


def number(text, most):
    """Perhaps with K, M or G behind it."""
    unit = "KMG".find(text[-1:]) + 1
    try:
        value = int(text[:-1] if unit else text, 0) << 10 * unit
    except ValueError:
        raise Refused(f"{text}: not a number") from None
    if not 0 <= value <= most:
        raise Refused(f"{text}: not from 0 to {most}")
    return value


def adversary_names():
    names = (ctypes.c_char_p * KINDS).in_dll(_library(), "adversary_names")
    return [name.decode() for name in names]


def adversary(text):
    """config.adversary of names with commas between, `all`, or a number."""
    if text[:1].isdigit():
        return number(text, 2**KINDS - 1)
    names = adversary_names()
    chosen = set(names if text == "all" else text.split(","))
    if unknown := chosen - set(names):
        raise Refused(f"{', '.join(unknown)}: no adversary's name; they are "
                      + ", ".join(names))
    return sum(1 << names.index(name) for name in chosen)


class Machine:
    """A machine in a block of memory: `base`, `size`. Times are instructions."""

    def __init__(self, config, block):
        self._c = _library()
        self.config, self._block, self.size = config, block, len(block)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(block))
        self._buffer = ctypes.create_string_buffer(65536)

    @classmethod
    def booted(cls, config, kernel, initrd, disks, command_line):
        """A new one: paths of files, and what the kernel is told."""
        if len(disks) > DISKS:
            raise Refused(f"at most {DISKS} disks")
        config.disks = len(disks)
        for i, path in enumerate(disks):
            config.disk_size[i] = _size(path)
        size = _library().machine_size(ctypes.byref(config))
        if not size:
            raise Refused("there is no such machine: 1 to 8 harts, at least "
                          "16M of memory, disks of whole sectors")
        with _refused("no memory for the machine"):
            m = cls(config, mmap.mmap(-1, size, PRIVATE | mmap.MAP_ANONYMOUS))
        m._c.machine_init(m.base, ctypes.byref(config))
        for i, path in enumerate(disks):
            m._load(path, m._disk(i, 0, config.disk_size[i]))
        m._boot(kernel, initrd, command_line)
        return m

    def _boot(self, kernel, initrd, command_line):
        self._load_at(RAM_BASE + KERNEL_AT, kernel, _size(kernel))
        place, size = 0, _size(initrd) if initrd else 0
        if initrd:
            place = self._c.machine_initrd_place(self.base, size)
            self._load_at(place, initrd, size)
        if not self._c.machine_boot(self.base, place, size,
                                    os.fsencode(command_line)):
            raise Refused("the command line is too long for the device tree")

    def _load_at(self, physical, path, size):
        to = self._c.machine_ram(self.base, physical, size)
        if not to:
            raise Refused(f"{path}: there is too little memory for it")
        self._load(path, self._view(to, size))

    @staticmethod
    def _load(path, view):
        with _refused(path), open(path, "rb", buffering=0) as f:
            while view and (size := f.readinto(view)):
                view = view[size:]

    def _view(self, address, size):
        """The block's part at an address of this process."""
        at = address - self.base
        return memoryview(self._block)[at:at + size]

    def _disk(self, number, at, size):
        disk = self._c.machine_disk(self.base, number)
        return self._view(disk + at, size)

    @classmethod
    def resumed(cls, path):
        """The one that save() has put there; it is read when it is used."""
        config = Config()
        with _refused(path), open(path, "rb") as f:
            m = cls(config, mmap.mmap(f.fileno(), 0, PRIVATE))
        if not m._c.machine_is_ours(m.base, m.size, ctypes.byref(config)):
            raise Refused(f"{path}: this was not saved by this build of the "
                          "machine")
        return m

    # ---- Files ----

    def save(self, file):
        """All of it, to what file_to_save() has opened."""
        path = os.path.splitext(file.name)[0]
        with _refused(path):
            try:
                with file:
                    self._write_pages(file)
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise

    def _write_pages(self, file):
        """Pages of zeros are holes."""
        zeros = bytes(PAGE)
        file.truncate(self.size)
        for at in range(0, self.size, PAGE):
            page = self._block[at:at + PAGE]
            if page != zeros[:len(page)]:
                file.seek(at)
                file.write(page)

    def write_back(self, disk, path):
        """To a file, what was written to a disk since."""
        at, size = U64(), U64()
        with _refused(path), open(path, "r+b", buffering=0) as f:
            while self._c.machine_disk_written(
                    self.base, disk, ctypes.byref(at), ctypes.byref(size)):
                f.seek(at.value)
                rest = self._disk(disk, at.value, size.value)
                while rest:
                    rest = rest[f.write(rest):]

    # ---- Running ----

    def run(self, limit):
        return self._c.machine_run(self.base, limit)

    def skip(self, to):
        self._c.machine_skip(self.base, to)

    @property
    def now(self):
        return self._c.machine_now(self.base)

    @property
    def next_event(self):
        return self._c.machine_next_event(self.base)

    def output(self):
        size = self._c.machine_output(self.base, self._buffer, 65536)
        return ctypes.string_at(self._buffer, size)

    def input(self, data):
        """Type; the number of bytes that there was room for."""
        return self._c.machine_input(self.base, data, len(data))

    # ---- Looking, and changing ----

    def register(self, hart, number):
        """Its value; None if there is none."""
        value = U64()
        there = self._c.machine_register(self.base, hart, number,
                                         ctypes.byref(value))
        return value.value if there else None

    def set_register(self, hart, number, value):
        return self._c.machine_set_register(self.base, hart, number, value)

    def _pieces(self, hart, address, size):
        """Pieces of virtual memory: physical address, size."""
        while size:
            physical = U64()
            piece = min(size, PAGE - address % PAGE)
            if not self._c.machine_translate(self.base, hart, address,
                                             ctypes.byref(physical)):
                return
            yield physical.value, piece
            address, size = (address + piece) % 2**64, size - piece

    def read(self, hart, address, size):
        """Memory as a hart sees it, up to where there is none."""
        data = b""
        for physical, piece in self._pieces(hart, address, size):
            place = self._c.machine_ram(self.base, physical, piece)
            if not place:
                break
            data += ctypes.string_at(place, piece)
        return data

    def write(self, hart, address, data):
        """False, and nothing is written, if it is not all memory."""
        if len(self.read(hart, address, len(data))) < len(data):
            return False
        for physical, piece in self._pieces(hart, address, len(data)):
            self._c.machine_write(self.base, physical, data[:piece], piece)
            data = data[piece:]
        return True

    # ---- Watched addresses ----

    def watch(self, watches):
        """End runs at these, (first, last, kinds, harts), and at no others."""
        self._c.machine_watch(self.base,
                              (Watch * len(watches))(*watches), len(watches))

    @property
    def hit(self):
        """What ended the run: hart, kind, address, at."""
        hit = self._c.machine_hit(self.base).contents
        return hit.hart, hit.kind, hit.address, hit.at

    # ---- Telling ----

    def decisions(self):
        """The last that its adversary has made."""
        names, d = adversary_names(), Decision()
        for back in reversed(range(DECISIONS)):
            if self._c.machine_decision(self.base, back, ctypes.byref(d)):
                yield (f"at {d.now}, hart {d.hart}: "
                       f"{names[d.what.bit_length() - 1]} {d.address:016x}")

    def report(self):
        """Lines that say where it is."""
        harts = (f"hart {i}: pc {self.register(i, PC):#018x}  "
                 f"ra {self.register(i, 1):#018x}"
                 for i in range(self.config.harts))
        return [*self.decisions(), f"at {self.now}:", *harts]


def file_to_save(path):
    """For save(): a new file beside PATH. It takes PATH's place when it is
    whole, so a machine may be saved to the file it was resumed from."""
    path = os.path.realpath(path)
    with _refused(path):
        if os.path.exists(path) and not os.path.isfile(path):
            raise ValueError("not a file")
        return open(path + ".new", "wb")


def _size(path):
    with _refused(path):
        return os.stat(path).st_size
