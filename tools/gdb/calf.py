"""What gdb learns of Calf; `source` it. See `help calf`."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import commands
import printers

commands.register()
printers.register()
