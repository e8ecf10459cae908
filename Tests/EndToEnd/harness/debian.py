"""Libraries of Debian's packages, also for a Python that is not Debian's own."""
import importlib
import sys
import unittest

PLACE = "/usr/lib/python3/dist-packages"


def library(name):
    """A module of a Debian package; the tests of the file are skipped where it can't be had."""
    if PLACE not in sys.path:
        sys.path.append(PLACE)
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise unittest.SkipTest(f"no {name}: {e}") from e
