"""Where every hart of a running guest is, with symbols.

Used when a run hangs. Our own machine says it when it is ended; QEMU answers on its QMP socket even if the guest does
not; nm (or the ELF's own table, read here) gives names to addresses.
"""

import bisect
import json
import re
import socket
import struct

PLACE = re.compile(r"\b(?:pc|ra) (0x[0-9a-f]{16})")
REGISTER = re.compile(r"\b(pc|x1/ra|sepc|scause|stval)\s+([0-9a-f]+)")


class Symbols:
    """The functions of an ELF64 little-endian file; empty if unreadable."""

    def __init__(self, elf):
        self.table = []
        try:
            with open(elf, "rb") as f:
                self._read(f.read())
        except (OSError, struct.error, IndexError):
            pass
        self.table.sort()

    def _read(self, image):
        sections_at, = struct.unpack_from("<Q", image, 40)
        size, count = struct.unpack_from("<HH", image, 58)
        sections = [struct.unpack_from("<IIQQQQIIQQ", image,
                                       sections_at + i * size)
                    for i in range(count)]
        for section in sections:
            if section[1] == 2:                      # SHT_SYMTAB
                strings = sections[section[6]][4]
                self._read_table(image, section[4], section[5], strings)

    def _read_table(self, image, at, size, strings):
        for i in range(at, at + size, 24):
            name, info, _, section, value, _ = struct.unpack_from(
                "<IBBHQQ", image, i)
            # Functions, and the labels of assembly files.
            if info & 15 in (0, 2) and section and name and value:
                end = image.index(b"\0", strings + name)
                text = image[strings + name:end].decode()
                if not text.startswith((".", "$")):
                    self.table.append((value, text))

    def name(self, address):
        """NAME+OFFSET of the function ADDRESS lies in, or an empty text."""
        i = bisect.bisect_right(self.table, (address, "\x7f")) - 1
        if i < 0 or address - self.table[i][0] > 0x10000:
            return ""
        return f"{self.table[i][1]}+{address - self.table[i][0]:#x}"


def ask(socket_path, command, seconds=5):
    """The answer of QEMU's monitor to COMMAND; raises OSError."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(socket_path)
        stream = s.makefile("rw")
        stream.readline()                            # the greeting
        answer = {}
        for request in ({"execute": "qmp_capabilities"},
                        {"execute": "human-monitor-command",
                         "arguments": {"command-line": command}}):
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            answer = json.loads(stream.readline() or "{}")
            while "event" in answer:
                answer = json.loads(stream.readline() or "{}")
        return answer.get("return", "")


def report(socket_path, elf):
    """One line a hart: its pc, where it returns to, its last trap."""
    try:
        text = ask(socket_path, "info registers -a")
    except (OSError, ValueError) as e:
        return [f"(QEMU does not answer: {e})"]
    symbols, lines = Symbols(elf), []
    for hart, block in enumerate(text.split("CPU#")[1:]):
        values = {n: int(v, 16) for n, v in REGISTER.findall(block)}
        pc, ra = values.get("pc", 0), values.get("x1/ra", 0)
        lines.append(f"hart {hart}: pc {pc:#018x} {symbols.name(pc)}"
                     f"  ra {ra:#018x} {symbols.name(ra)}".rstrip())
    return lines


def named(text, elf):
    """What our own machine says, with names behind its addresses."""
    symbols = Symbols(elf)
    return PLACE.sub(
        lambda found: f"{found[0]} {symbols.name(int(found[1], 16))}".rstrip(),
        text)
