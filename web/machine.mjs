/*
 * The machine of our own as WebAssembly (docs/MACHINE.md), for whatever can run
 * JavaScript: nothing here knows of Node or of a page. Who uses it loads files,
 * runs it in slices and carries its console; see tools/wasm-machine.
 *
 * Instructions, times and addresses are Numbers: they stay below 2^53.
 */

// Why run() came back: enum machine_stop, in its order.
const STOPS = ["limit", "idle", "output", "flush", "off", "restart", "hit"];
const KERNEL = 0x80200000;          // MACHINE_RAM_BASE + MACHINE_KERNEL_AT
const NEVER = 0xffffffffffffffffn;  // UINT64_MAX

export class Machine {
    // `wasm`: the bytes of machine.wasm, or a WebAssembly.Module of them.
    // `config`: harts, ram (bytes), disks (of Uint8Array), seed, quantum,
    // perTick, adversary, epoch; all of them may be left out.
    static async make(wasm, config = {}) {
        const module = wasm instanceof WebAssembly.Module ? wasm
            : await WebAssembly.compile(wasm);
        return new Machine(await WebAssembly.instantiate(module), config);
    }

    constructor(instance, config) {
        const c = { harts: 1, ram: 128 << 20, disks: [], seed: 0, quantum: 0,
            perTick: 0, adversary: 0, epoch: 0, ...config };
        this.c = instance.exports;
        this.scratch = this.c.wasm_scratch();
        for (const disk of c.disks)
            if (!this.c.wasm_add_disk(BigInt(disk.length)))
                throw new Error("too many disks");
        this.m = this.c.wasm_make(c.harts, BigInt(c.ram), BigInt(c.seed),
            c.quantum, c.perTick, c.adversary, BigInt(c.epoch));
        if (!this.m)
            throw new Error("there is no such machine, or no memory for it");
        this.perTick = c.perTick || 10;
        c.disks.forEach((disk, i) => this.bytes(
            this.c.machine_disk(this.m, i), disk.length).set(disk));
    }

    // A view of the machine's memory; good as long as nothing else is made.
    bytes(at, size) {
        return new Uint8Array(this.c.memory.buffer, at, size);
    }

    // A view of RAM; an error where there is none.
    ram(physical, size) {
        const at = this.c.machine_ram(this.m, BigInt(physical), BigInt(size));
        if (!at)
            throw new Error("there is too little memory for it");
        return this.bytes(at, size);
    }

    // Puts a kernel and perhaps an initrd, both Uint8Array, into RAM.
    boot({ kernel, initrd, commandLine = "" }) {
        const size = initrd ? initrd.length : 0;
        const place = size &&
            Number(this.c.machine_initrd_place(this.m, BigInt(size)));
        const line = new TextEncoder().encode(commandLine + "\0");
        this.ram(KERNEL, kernel.length).set(kernel);
        if (size)
            this.ram(place, size).set(initrd);
        if (line.length > this.c.wasm_scratch_size())
            throw new Error("the command line is too long");
        this.bytes(this.scratch, line.length).set(line);
        if (!this.c.machine_boot(this.m, BigInt(place), BigInt(size),
            this.scratch))
            throw new Error("the command line is too long");
    }

    // Runs so many instructions, fewer if it needs us: STOPS says why.
    run(instructions) {
        const limit = BigInt(this.now + instructions);
        return STOPS[this.c.machine_run(this.m, limit)];
    }

    // Instructions since the start.
    get now() {
        return Number(this.c.machine_now(this.m));
    }

    // Of an idle machine: milliseconds to the next timer; Infinity if only
    // input helps.
    get rest() {
        const next = this.c.machine_next_event(this.m);
        return next === NEVER ? Infinity
            : (Number(next) - this.now) / this.perTick / 10000;
    }

    // An idle machine goes on to its next timer.
    skip() {
        this.c.machine_skip(this.m, this.c.machine_next_event(this.m));
    }

    // What was written to the console since.
    output() {
        return this.bytes(this.scratch, this.c.machine_output(this.m,
            this.scratch, this.c.wasm_scratch_size())).slice();
    }

    // Types; returns how many bytes there was room for.
    input(bytes) {
        const most = bytes.subarray(0, this.c.wasm_scratch_size());
        this.bytes(this.scratch, most.length).set(most);
        return this.c.machine_input(this.m, this.scratch, most.length);
    }

    disk(number, size) {
        return this.bytes(this.c.machine_disk(this.m, number), size);
    }

    // All of the machine, to go back to: save() of the same configuration.
    save() {
        return this.bytes(this.m, this.c.wasm_size()).slice();
    }

    restore(saved) {
        this.bytes(this.m, saved.length).set(saved);
    }
}
