"""Fails unless auditwheel confirms the platform in the name of the wheel in a folder, and its files are there."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

(wheel,) = Path(sys.argv[1]).glob("*.whl")
platform = wheel.stem.split("-")[-1]
command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
shown = " ".join(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())
confirmed = re.search(r'is consistent with the following platform tag: "(\w+)"', shown)
if not confirmed or confirmed[1] != platform:
    sys.exit(f"{wheel.name}: auditwheel doesn't confirm {platform}: {shown}")
files = zipfile.ZipFile(wheel).namelist()
for wanted in (
    "mmx/libmmx.so",
    "mmx/py.typed",
    "licenses/LICENSE-MIT",
    "licenses/LICENSE-APACHE",
    "licenses/THIRD-PARTY.md",
    "sboms/mmx.cdx.json",
):
    if not any(name.endswith(wanted) for name in files):
        sys.exit(f"{wheel.name} lacks {wanted}")
print(wheel)
