# fork.c is compiled in the place of the kernel's own eager.c.
kernel_sources := $(filter-out %/mm/eager.c,$(kernel_sources))
