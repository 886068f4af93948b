"""Runs the command: python -m dis_eval fid --images samples/ --ref cifar10-edm"""

import os
import sys

from ._program import DisEvalError, program


def main() -> None:
    """Replaces this process with dis-eval."""
    try:
        path = program()
    except DisEvalError as error:
        print(f"dis-eval: error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    os.execv(path, [path, *sys.argv[1:]])


if __name__ == "__main__":
    main()
