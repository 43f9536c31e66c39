#!/usr/bin/env bash
# QKeras and qkeras-v3 in one environment: two distributions, one folder.
#
# Expected: qkeras-v3 is a package beside QKeras, or pip refuses the second; removing one leaves the
#   other as it was.
# Found (QKeras 0.9.0, qkeras-v3 1.2.1, pip of Python 3.11): both install the package `qkeras`, the
#   second over the first, and pip says nothing. `pip list` shows both, and `import qkeras` is the one
#   that was installed last. Removing QKeras takes away the files that they share, so that qkeras-v3
#   is still listed and can't be imported. qkeras-v3 also installs packages named `tests`, `docs`,
#   `examples` and `experimental`, which a project's own `tests` may be hidden by or hide.
# Output seen:
#   listed: QKeras 0.9.0, qkeras-v3 1.2.1
#   files of both in one place: 41
#   after `pip uninstall qkeras`: qkeras-v3 1.2.1 listed, qkeras/__init__.py gone
#   also at the top: docs examples experimental tests
# Exits with 1 if they no longer share files, or the removal of one leaves the other whole.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check --no-deps QKeras==0.9.0
"$python" -m pip install --quiet --disable-pip-version-check --no-deps qkeras-v3==1.2.1
cat > "$folder/shared.py" <<'PYTHON'
import importlib.metadata as metadata

names = ("QKeras", "qkeras-v3")
print("listed:", ", ".join(f"{name} {metadata.version(name)}" for name in names))
one, other = ({str(f) for f in metadata.files(name)} for name in names)
shared = [name for name in one & other if name.endswith(".py")]
print("files of both in one place:", len(shared))
raise SystemExit(not shared)
PYTHON
"$python" "$folder/shared.py"
"$python" -m pip uninstall --quiet --yes qkeras
cat > "$folder/left.py" <<'PYTHON'
import importlib.metadata as metadata
import os
import sysconfig

site = sysconfig.get_paths()["purelib"]
there = os.path.exists(os.path.join(site, "qkeras", "__init__.py"))
print("after `pip uninstall qkeras`: qkeras-v3", metadata.version("qkeras-v3"), "listed,",
      "qkeras/__init__.py", "there" if there else "gone")
tops = {str(f).split("/")[0] for f in metadata.files("qkeras-v3") if str(f).endswith(".py")}
print("also at the top:", *sorted(tops - {"qkeras"}))
raise SystemExit(there)
PYTHON
"$python" "$folder/left.py"
