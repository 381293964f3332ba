"""Print the commands between the README's shell fences, so that what is tested is what is shown."""

import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
    sys.stdout.write(block)
