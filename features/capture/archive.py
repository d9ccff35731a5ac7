"""Unpacks .zip exports, file by file, with bounds on what a small archive may grow to."""

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from features.errors import CaptureError

LARGEST_RATIO = 200
"""How many times its packed size a file may have; logs reach 50, only made-up files more than this."""

_SMALL = 64 << 20  # bytes: below it the ratio does not matter
_ENCRYPTED = 0x1


def unpacked(file: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """The files that a file stands for, each with its name for messages: itself, or if it is a .zip those in it, one at a time.

    Parameters
    ----------
    folder : where they are unpacked; each is removed before the next one comes.

    Raises
    ------
    CaptureError
        When the archive is damaged, encrypted or empty, or would grow beyond all measure.
    """
    if file.suffix.lower() != ".zip":
        yield file.name, file
        return
    try:
        with zipfile.ZipFile(file) as archive:
            members = [each for each in archive.infolist() if _is_export(each)]
            if not members:
                raise CaptureError(f"{file}: there is no file in the archive; export it again")
            for nth, member in enumerate(members):
                _check(file, member, folder)
                path = folder / str(nth) / PurePosixPath(member.filename).name
                path.parent.mkdir()
                with archive.open(member) as packed, path.open("wb") as target:
                    shutil.copyfileobj(packed, target, 1 << 20)  # never more bytes than the size that was checked
                yield f"{file.name}/{member.filename}", path
                path.unlink()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
        raise CaptureError(f"{file}: cannot be unpacked: {error}; export it again, or unpack it yourself") from None


def _is_export(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    return not member.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _check(file: Path, member: zipfile.ZipInfo, folder: Path) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise CaptureError(f"{file}: {member.filename} is encrypted; unpack it yourself, and give the files in it")
    if member.file_size > _SMALL and member.file_size > LARGEST_RATIO * member.compress_size:
        raise CaptureError(
            f"{file}: {member.filename} would grow to more than {LARGEST_RATIO} times its packed size, as made-up archives do; "
            "if it is genuine, unpack it yourself, and give the files in it"
        )
    free = shutil.disk_usage(folder).free
    if member.file_size > free:
        raise CaptureError(
            f"{file}: {member.filename} needs {member.file_size:,} bytes of {folder}, and {free:,} are free; make room"
        )
