# What every gdb session on Calf has; the .gdbinit that `make qemu-gdb` writes
# sources it, in the root of the tree. `help calf` lists the commands.
set confirm off
set pagination off
set architecture riscv:rv64
set disassemble-next-line auto
source tools/gdb/calf.py

define harts
    info threads
end
document harts
Where every hart is; `thread N` goes to one.
end
