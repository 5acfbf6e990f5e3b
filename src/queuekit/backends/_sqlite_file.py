"""The file of a store in the file system: whether it may be used, making it, which one it is."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError, QueueFull, TransportError

_NETWORK: Final = re.compile(
    "9p|afs|ceph|cifs|drvfs|glusterfs|lustre|nfs4?|prl_fs|smb3|smbfs|vboxsf|virtiofs|"
    "fuse[.](ceph|davfs|gcsfuse|glusterfs|goofys|grpcfuse|juicefs|moosefs|rclone|s3fs|sshfs|vmhgfs)"
    ".*"
)
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def exists(path: str) -> bool:
    """
    Tell whether there is a file, without making one.

    Raises:
        ConfigurationError: There is not even its directory.
    """
    if os.path.exists(path):  # noqa: PTH110 - shown as it was given
        return True
    folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - the same
    if not Path(folder).is_dir():
        raise _no_directory(path, folder)
    return False


def create(path: str) -> None:
    """
    Make an empty file that only its owner can read, unless there is one.

    Its -wal and -shm inherit the mode. An existing file is not opened here: closing it would drop
    the locks that SQLite holds on it in this process.

    Raises:
        ConfigurationError: The directory does not exist, or the path is no regular file's.
        QueueFull: The disk has no room.
        TransportError: The file or its directory cannot be written, or somebody else may have
            planted it.
    """
    real = os.path.realpath(path)
    _refuse_planted(path, real)
    try:
        os.close(os.open(real, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        _refuse_special(path)
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            raise _no_directory(path, os.path.dirname(real)) from exc  # noqa: PTH120 - a text
        if exc.errno in _NO_ROOM:
            raise QueueFull(f"{path!r} cannot be made: its disk is full; free some space") from exc
        raise TransportError(
            f"{path!r} cannot be made ({exc.strerror}); choose a directory that can be written"
        ) from exc
    if not os.access(real, os.R_OK | os.W_OK):
        raise TransportError(
            f"{path!r} cannot be written by this user; a queue needs to write also in order to"
            " consume: change its owner or mode"
        )


def refuse_network(path: str) -> None:
    """Refuse a file system on which SQLite's locks do not work between machines."""
    real = os.path.realpath(path)
    try:
        mounts = Path("/proc/mounts").read_text(errors="surrogateescape")
    except OSError:
        return
    best, kind = "", ""
    for line in mounts.splitlines():
        _, _, rest = line.partition(" ")
        where, what, *_ = [*rest.split(" "), ""]
        where = where.replace("\\040", " ").rstrip("/") + "/"
        if real.startswith(where) and len(where) >= len(best):
            best, kind = where, what
    if _NETWORK.fullmatch(kind):
        raise ConfigurationError(
            f"{path!r} is on a network file system ({kind}), where SQLite files get damaged; use a"
            " local disk, a server (redis:), or allow_network=True if one machine alone opens it"
        )


class Identity:
    """
    Which file a path led to when it was opened.

    ``known`` is None until then; ``checked`` is when it was looked at, by the monotonic clock.
    """

    def __init__(self, path: str) -> None:
        self.known: tuple[int, int] | None = None
        self.checked = 0.0
        self._path = path

    def check(self) -> None:
        """Refuse to go on when the path leads elsewhere: other processes would use another file."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - several times a second
        except OSError:
            identity = None
        else:
            identity = (status.st_dev, status.st_ino)
        if self.known is None:
            self.known = identity
        elif identity != self.known:
            what = "deleted or renamed" if identity is None else "replaced by another file"
            raise TransportError(
                f"{self._path!r} was {what} while it was open, its messages with it; put it back,"
                " or close this transport and make a new one"
            )
        self.checked = time.monotonic()


def _no_directory(path: str, folder: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path!r} cannot be made: there is no directory {folder!r}; create it, or correct the path"
    )


def _refuse_special(path: str) -> None:
    if Path(path).is_dir():
        raise ConfigurationError(
            f"{path!r} is a directory; name a file in it, such as"
            f" {os.path.join(path, 'queue.db')!r}"  # noqa: PTH118 - shown as it was given
        )
    if not Path(path).is_file():
        raise ConfigurationError(
            f"{path!r} is a device, a pipe or a socket; a queue needs an ordinary file"
        )


def _refuse_planted(path: str, real: str) -> None:
    """
    Refuse what another user may have put where we look, to read our messages or to feed us.

    Where others cannot write, links and files of other owners are the administrator's choice. In a
    directory like /tmp they must be ours or root's; and where others could even replace our file,
    because the directory has no sticky bit, there is no safe file.
    """
    if not hasattr(os, "getuid"):
        return
    for name in {path, real}:
        folder = os.path.dirname(name)  # noqa: PTH120 - a text
        try:
            mode = os.stat(folder).st_mode  # noqa: PTH116 - a text
            owner = os.lstat(name).st_uid
        except FileNotFoundError:
            owner = os.getuid()
            if not Path(folder).is_dir():
                continue
            mode = os.stat(folder).st_mode  # noqa: PTH116 - a text
        except OSError:
            continue
        if not mode & stat.S_IWOTH:
            continue
        if not mode & stat.S_ISVTX:
            raise TransportError(
                f"{name!r} is not safe: every user can replace files in {folder!r}; choose another"
                " directory, or take the right to write from others (chmod o-w)"
            )
        if owner not in (os.getuid(), 0):
            raise TransportError(
                f"{name!r} belongs to another user (uid {owner}), in a directory where all can"
                " write: it may have been planted; choose another directory"
            )
