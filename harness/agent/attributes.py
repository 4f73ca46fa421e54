"""Extended attributes (access control lists among them), read and put back exactly."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os

_UNSUPPORTED = {errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.ELOOP, errno.ENOSYS}


def read(place: int | str) -> dict[str, str]:
    """Return the extended attributes of an open file, or of a path without following it."""
    if not hasattr(os, "listxattr"):  # macOS
        return {}
    try:
        if isinstance(place, int):
            names = os.listxattr(place)
            values = {name: os.getxattr(place, name) for name in names}
        else:
            names = os.listxattr(place, follow_symlinks=False)
            values = {name: os.getxattr(place, name, follow_symlinks=False) for name in names}
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return {}
        raise
    return {name: base64.b64encode(values[name]).decode() for name in sorted(values)}


def write(opened: int, wanted: dict[str, str]) -> None:
    """Make the extended attributes of an open file exactly `wanted`."""
    if not hasattr(os, "setxattr"):
        return
    has = read(opened)
    for name in has.keys() | wanted.keys():
        if has.get(name) == wanted.get(name):
            continue
        try:
            if name in wanted:
                os.setxattr(opened, name, base64.b64decode(wanted[name]))
            else:
                os.removexattr(opened, name)
        except OSError:
            # labels of a security module are its own business; everything else must succeed
            if not name.startswith("security."):
                raise


def digest(attributes: dict[str, str]) -> str:
    """Return one digest over all attributes, for comparing and for showing."""
    return hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()
