"""How pytest is started here: not every python3 has it."""

import subprocess
import sys


def pytest_command():
    """Its first words."""
    for python in ("/usr/bin/python3", sys.executable):
        probe = subprocess.run([python, "-c", "import pytest"],
                               capture_output=True)
        if probe.returncode == 0:
            return [python, "-m", "pytest"]
    sys.exit("no python3 with pytest; try tools/install-tools test")
