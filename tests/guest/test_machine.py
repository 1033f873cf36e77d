"""Machines that differ: what the device tree offers decides, not a guess."""

import re
import struct
import subprocess

import pytest
from conftest import meminfo, program, run_command, tools_run

BEGIN_NODE, END_NODE, PROPERTY, NOP = (struct.pack(">I", n)
                                       for n in (1, 2, 3, 4))


def without(tree, node, prop):
    """The flattened device tree with one property turned into NOPs."""
    out = bytearray(tree)
    at, strings = struct.unpack_from(">II", tree, 8)
    names, done = [], False
    while not done:
        token, at = tree[at:at + 4], at + 4
        if token == BEGIN_NODE:
            end = tree.index(b"\0", at)
            names.append(tree[at:end].decode())
            at = (end + 4) & ~3
        elif token == END_NODE:
            names.pop()
        elif token == PROPERTY:
            length, name = struct.unpack_from(">II", tree, at)
            start, at = at - 4, (at + 8 + length + 3) & ~3
            name = tree[strings + name:tree.index(b"\0", strings + name)]
            if names[-1] == node and name.decode() == prop:
                out[start:at] = NOP * ((at - start) // 4)
                return bytes(out)
        else:
            assert token == NOP, f"no {prop} in {node}"
    return None


@pytest.fixture
def tree(tmp_path):
    """Makes a file: QEMU's device tree for 2 harts, less one property."""
    path = tmp_path / "tree.dtb"

    def make(node, prop):
        subprocess.run(["qemu-system-riscv64", "-machine",
                        f"virt,dumpdtb={path}", "-smp", "2", "-m", "128M"],
                       check=True, capture_output=True)
        path.write_bytes(without(path.read_bytes(), node, prop))
        return path

    return make


@pytest.mark.parametrize("node,prop", [
    ("serial@10000000", "interrupts"), ("plic@c000000", "compatible")])
def test_without_uart_interrupts_the_firmware_is_the_console(tree, node, prop):
    options = ["--qemu", f"-dtb {tree(node, prop)}"]
    r = run_command("cat > /tmp/typed; echo; cat /tmp/typed", harts=2,
                    options=options, stdin="typed in\n")
    # Keys are echoed, and cat has got them too.
    assert (r.status, r.out) == (0, "typed in\n\ntyped in\n"), r


def test_f8_lines_on_the_firmware_console_are_whole(tree):
    """Those of programs, and of the kernel on two harts; none is lost."""
    r = tools_run("--harts", "2", "--add", program("lines"), "--add",
                  program("provoke"), "--qemu",
                  f"-dtb {tree('serial@10000000', 'interrupts')}",
                  "/provoke faults 20 | /provoke faults 20 | /lines 4 100")
    killed = re.findall(r"^calf: pid \d+ \(provoke\) killed: store .*\)$",
                        r.out, re.M)
    digits = re.findall(r"^(\d)\1{4,}$", r.out, re.M)
    assert len(killed) == 40 and len(digits) == 400, r
    assert r.status == 0, r


def test_without_standard_output_in_the_tree(tree):
    options = ["--qemu", f"-dtb {tree('chosen', 'stdout-path')}"]
    r = run_command("echo out", harts=2, options=options)
    assert (r.status, r.out) == (0, "out\n"), r


def test_a_tree_without_memory_is_refused(tree):
    r = tools_run("--harts", "2", "--qemu",
                  f"-dtb {tree('memory@80000000', 'device_type')}", "echo")
    assert r.status == 125, r
    assert "calf: cannot start: the device tree names no memory" \
        in r.out + r.err, r


def test_a_timer_without_sstc():
    options = ["--qemu", "-cpu rv64,sstc=off"]
    r = run_command("forkstorm 4 2; /bin/cowtest forkfork", harts=4,
                    options=options)
    assert r.status == 0 and "0 errors" in r.out, r


def test_a_gigabyte():
    r = run_command("cowtest simple three; cat /proc/meminfo", harts=2,
                    mem="1G", timeout=400)
    assert "2 COW TESTS PASSED\n" in r.out, r
    assert meminfo(r.out)["total"] > 260000


def test_icount_gives_the_same_figures_each_time():
    """The number of instructions, so the clock, repeats exactly."""
    outs = [tools_run("--icount", "--", "echo; cat /proc/uptime").out
            for _ in range(2)]
    assert outs[0] == outs[1] and "ms" in outs[0], outs


@pytest.mark.parametrize("harts", [3, 8])
def test_busy_on_any_number_of_harts(harts):
    lines = " & ".join(["cat /bin/cowtest | wc"] * 6)
    r = run_command(f"{lines} & forkstorm {harts} 2; ps", harts=harts)
    assert r.status == 0, r
    assert "0 errors" in r.out, r
