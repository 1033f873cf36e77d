"""The machine of our own (machine/machine.h) as an object, by its library."""

import ctypes
import mmap
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
LIBRARY = os.path.join(ROOT, "build", "machine", "libcalf-machine.so")

LIMIT, IDLE, OUTPUT, FLUSH, OFF, RESTART, HIT = range(7)    # of run()
LOAD, STORE, FETCH = 1, 2, 4                                # of watches
PC, INSTRET = 32, 65 + 0xc02                                # registers
NEVER = 2**64 - 1
PAGE = 4096
RAM_BASE, KERNEL_AT = 0x80000000, 0x200000
DISKS = 4

U32, U64 = ctypes.c_uint32, ctypes.c_uint64


class Config(ctypes.Structure):
    _fields_ = [("harts", U32), ("ram", U64), ("disks", ctypes.c_uint),
                ("disk_size", U64 * DISKS), ("seed", U64), ("quantum", U32),
                ("per_tick", U32), ("adversary", U32), ("epoch", U64)]


class Watch(ctypes.Structure):
    _fields_ = [("first", U64), ("last", U64), ("kinds", U32), ("harts", U32)]


class Hit(ctypes.Structure):
    _fields_ = [("hart", U32), ("kind", U32), ("address", U64), ("at", U64)]


class Refused(Exception):
    """There can be no such machine; why, in a sentence."""


def _library():
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
        contents = [_contents(disk) for disk in disks]
        config.disks = len(disks)
        for i, content in enumerate(contents):
            config.disk_size[i] = len(content)
        size = _library().machine_size(ctypes.byref(config))
        if not size:
            raise Refused("there is no machine with these options")
        m = cls(config, mmap.mmap(-1, size))
        m._c.machine_init(m.base, ctypes.byref(config))
        for i, content in enumerate(contents):
            ctypes.memmove(m._c.machine_disk(m.base, i), content, len(content))
        m._load(kernel, initrd, command_line)
        return m

    def _load(self, kernel, initrd, command_line):
        files = [(_contents(kernel), RAM_BASE + KERNEL_AT)]
        data = _contents(initrd) if initrd else b""
        place = self._c.machine_initrd_place(self.base, len(data)) if data else 0
        files += [(data, place)] if data else []
        for content, at in files:
            to = self._c.machine_ram(self.base, at, len(content))
            if not to:
                raise Refused("there is too little memory")
            ctypes.memmove(to, content, len(content))
        if not self._c.machine_boot(self.base, place, len(data),
                                    command_line.encode()):
            raise Refused("the command line is too long")

    @classmethod
    def resumed(cls, path):
        """The one that calf-machine --save has put there."""
        with open(path, "rb") as f:
            block = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY)
        m = cls(Config(), block)
        if not m._c.machine_is_ours(m.base, m.size, ctypes.byref(m.config)):
            raise Refused(f"{path}: this was not saved by this build of the "
                          "machine")
        return m

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
        return self._buffer.raw[:size]

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


def _contents(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        raise Refused(f"{path}: {e.strerror}") from e
