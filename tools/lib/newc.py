"""Archives in the cpio "newc" format, as a kernel's initrd is made of.

The same entries give the same bytes on every machine and for every user:
owner 0, one time for all (SOURCE_DATE_EPOCH), inode numbers counted from 1. Archives may be put one after
the other, which is how tools/run adds files to an existing one.
"""

import os
import stat

NO_DATE = 1798761600    # where SOURCE_DATE_EPOCH is not set


def date():
    """The time that what is put into a guest's file system has."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", NO_DATE))


def permissions(host_file):
    """A file's mode there: the host file's own x bit decides."""
    return 0o755 if os.stat(host_file).st_mode & 0o100 else 0o644


def _record(ino, path, mode, data):
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (ino, mode, 0, 0, links, date(), len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
    return _pad(head, 4) + _pad(data, 4)


def _pad(data, unit):
    return data + bytes(-len(data) % unit)


def directory(path):
    """An entry for a directory."""
    return path.strip("/"), stat.S_IFDIR | 0o755, b""


def regular(path, host_file, executable=False):
    """An entry for a file with the contents of HOST_FILE.

    EXECUTABLE: it is one, whatever the host file's mode. Raises OSError.
    """
    with open(host_file, "rb") as f:
        data = f.read()
    mode = 0o755 if executable else permissions(host_file)
    return path.strip("/"), stat.S_IFREG | mode, data


def archive(entries):
    """The bytes of one archive of ENTRIES, padded to a whole 512 bytes."""
    records = [_record(ino, *e) for ino, e in enumerate(entries, 1)]
    records.append(_record(0, "TRAILER!!!", 0, b""))
    return _pad(b"".join(records), 512)
