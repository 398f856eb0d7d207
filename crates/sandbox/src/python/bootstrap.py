"""Starts the runtime client by a file, as AWS's images do.

Wrapper scripts put options of the interpreter before the last word of the command, and may change
`_HANDLER`: so that word is this file, and the handler is read here.
"""

import os
import sys

# As with `-m`: the code first, and the client's folder only where `PYTHONPATH` has it.
sys.path[0] = os.getcwd()

from awslambdaric.__main__ import main  # noqa: E402

main([__file__, os.environ["_HANDLER"]])
