# Start of a gdb session on Calf: connect, and stop where the kernel gives up.
# Programs: `add-symbol-file build/user/NAME` gives a program's own symbols.
set confirm off
set pagination off
set architecture riscv:rv64
set disassemble-next-line auto
target remote :1234
hbreak panic

define harts
    info threads
end
document harts
Where every hart is; `thread N` goes to one.
end
