"""The machine of our own as WebAssembly: the same as natively, byte by byte."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, needs
from test_disk import make_image

OWN_BUILD = ABOUT_TOOLS = True
for tool in ("clang", "wasm-ld", "node"):
    needs(shutil.which(tool), tool)

NATIVE = os.path.join(ROOT, "tools", "own-machine")
WASM = os.path.join(ROOT, "tools", "wasm-machine")
MODULE = os.path.join(ROOT, "build", "machine", "machine.wasm")
MOST_BYTES = 200 << 10


@pytest.fixture(autouse=True, scope="module")
def made():
    subprocess.run(["make", "all", "machine", "machine-wasm"], cwd=ROOT,
                   check=True, stdout=subprocess.DEVNULL)


def boot(program, *words, stdin=b""):
    """Status, console and number of instructions."""
    folder = os.path.join(ROOT, "build", "release")
    done = subprocess.run(
        [program, "--kernel", os.path.join(folder, "calf.img"), "--initrd",
         os.path.join(folder, "initrd.cpio"), "--stats", *words],
        input=stdin, capture_output=True, timeout=300)
    ran = re.search(rb"^instructions: (\d+)$", done.stderr, re.M)
    assert ran, done
    return done.returncode, done.stdout, int(ran[1])


@pytest.mark.parametrize("words", [
    ["cowtest simple guard-page 20"],
    ["--harts", "2", "--seed", "7", "--adversary", "2047", "cowtest simple"],
    ["--harts", "2", "--seed", "1", "--mem", "32M", "usertests -q sbrkmuch"],
    ["--per-tick", "100", "--epoch", "1000000000", "date; ls -l; cowtest list"]])
def test_same_bytes_as_native(words):
    native = boot(NATIVE, *words)
    assert native[0] == 0 and boot(WASM, *words) == native


def test_seeds_differ():
    one, two = (boot(WASM, "--harts", "2", "--seed", seed, "forkstorm 2 1")
                for seed in "12")
    assert one != two


@pytest.mark.parametrize("words", [
    ("--seed", str(2**53)), ("--harts", str(2**32 + 1)), ("--adversary", "2048"),
    ("--quantum", "4G"), ("--per-tick", "4G")])
def test_numbers_that_are_too_large(words):
    done = subprocess.run([WASM, *words, "--kernel", os.devnull], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 2 and b": not from 0 to" in done.stderr, done


def test_typed_input():
    status, out, _ = boot(WASM, "cat; echo done", stdin=b"one\ntwo\n\x04")
    assert status == 0 and re.search(rb"two\r?\n.*done\r?\n", out, re.S), out


def test_disk_is_read_and_not_written(tmp_path):
    image = make_image(tmp_path / "disk.img")
    words = ("--disk", image, "--snapshot", "--append", "root=vda",
             "ls; echo new > /file; sync; cat /file")
    native = boot(NATIVE, *words)
    before = pathlib.Path(image).read_bytes()
    assert native[0] == 0 and boot(WASM, *words) == native
    assert pathlib.Path(image).read_bytes() == before


SAVED = """
import fs from "fs";
import { Machine } from "%s/web/machine.mjs";
const read = (name) => fs.readFileSync("%s/build/" + name);
const machine = await Machine.make(read("machine/machine.wasm"), { seed: 3 });
machine.boot({ kernel: read("release/calf.img"), commandLine: "run=cowtest simple",
    initrd: read("release/initrd.cpio") });
function end() {
    let text = "";
    for (let why; why !== "off"; text += Buffer.from(machine.output()))
        if ((why = machine.run(1000000)) === "idle")
            machine.skip();
    return text + machine.now;
}
machine.run(20000000);
const saved = machine.save(), first = end(), ended = machine.now;
machine.restore(saved);
const second = end();
console.log(saved.length > 128 << 20, first === second, machine.now === ended,
    /1 COW TESTS PASSED/.test(first));
"""


def test_saved_and_restored(tmp_path):
    script = tmp_path / "saved.mjs"
    script.write_text(SAVED % (ROOT, ROOT))
    done = subprocess.run(["node", script], capture_output=True, text=True,
                          timeout=120)
    assert done.stdout == "true true true true\n", done


def test_size():
    assert os.path.getsize(MODULE) <= MOST_BYTES
