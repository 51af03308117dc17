"""Have Linux itself hold a process: what it reads, where it writes, and that it does nothing else.

Landlock says which files there are for it, libseccomp which calls of the system; both hold for good, and for
all threads that begin later. Where the system has no such thing, `child.guard` is all that there is, and that
is Python's own word about a Python that a student's code runs in.
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable, Iterator

# Landlock: three calls, whose numbers are the same on every processor (man 7 landlock).
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
OF_A_FILE = 1 | WRITE_FILE | READ_FILE | TRUNCATE | 1 << 15
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many there are of each version; 16 from 5 on
ALL_TCP = ALL_SCOPES = 0b11
NO_NEW_PRIVS = 38

# What is refused: programs and processes, the network, memory and signals of others, and what would lead
# round the rest. Threads are let through, and what asks of this process only.
SYSTEM = "/usr /lib /lib64 /etc /nix/store /sys /proc/self /proc/cpuinfo /proc/meminfo /proc/stat".split()
DEVICES = "/dev/null /dev/zero /dev/random /dev/urandom".split()
REFUSED = (
    "execve execveat fork vfork ptrace process_vm_readv process_vm_writev process_madvise "
    "process_mrelease kcmp kill tkill pidfd_open pidfd_getfd pidfd_send_signal rt_sigqueueinfo "
    "rt_tgsigqueueinfo setpriority sched_setscheduler sched_setparam sched_setattr ioprio_set "
    "migrate_pages move_pages socket bind connect listen accept accept4 shmget shmat shmctl semget "
    "semop msgget msgsnd msgrcv mq_open mq_unlink setxattr lsetxattr fsetxattr setxattrat removexattr "
    "lremovexattr fremovexattr removexattrat unshare setns chroot pivot_root mount umount2 open_tree "
    "move_mount fsopen mknod mknodat open_by_handle_at io_uring_setup bpf perf_event_open userfaultfd "
    "keyctl add_key request_key syslog reboot kexec_load kexec_file_load init_module finit_module "
    "delete_module swapon swapoff settimeofday clock_settime adjtimex clock_adjtime sethostname "
    "setdomainname acct quotactl iopl ioperm"
).split()
# Libraries ask for these beside what they do, and Landlock does not ask of which file: nothing is done then.
IN_VAIN = (
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat"
).split()
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
UNEQUAL, MASKED = 1, 7
CLONE_THREAD = 0x10000


class Comparison(ctypes.Structure):
    """An argument of a call, and what it is compared with: `struct scmp_arg_cmp`."""

    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int)]
    _fields_ += [("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def able() -> tuple[ctypes.CDLL, ctypes.CDLL, int] | None:
    """Give what holds a process here: the system, libseccomp, the version of Landlock; or None."""
    if sys.platform != "linux":
        return None
    try:
        system, filters = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    version = system.syscall(CREATE_RULESET, None, 0, 1)
    return (system, filters, version) if version >= 3 else None  # 2 lets files be cut to nothing


def around(path: str, closed: str) -> Iterator[str]:
    """Give a folder, or all in it but a closed one: Landlock closes nothing inside of what is open."""
    path = os.path.realpath(path)
    if path == closed:
        return
    if not closed.startswith(os.path.join(path, "")):
        yield path
        return
    with os.scandir(path) as parts:
        for part in parts:
            yield from around(part.path, closed)


def confine(reads: Iterable[str], closed: str, lists: Iterable[str], writes: Iterable[str]) -> bool:
    """Hold this process, before it has other threads.

    Args:
        reads: files and folders that it may read, with all that is in them, beside those of the system.
        closed: a folder, as `os.path.realpath` has it, that it may not read wherever it lies.
        lists: folders of which it may read what is called how, there and below.
        writes: folders in which it may do all that is done with files.

    Returns:
        Whether the system could; if not, nothing is refused.
    """
    found = able()
    if found is None:
        return False
    system, filters, version = found
    everything = (1 << RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("QQQ", everything, ALL_TCP, ALL_SCOPES)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _checked(system.syscall(CREATE_RULESET, attributes, size, 0))

    def allow(paths: Iterable[str], rights: int) -> None:
        for path in paths:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # there is none
            here = rights if os.path.isdir(path) else rights & OF_A_FILE
            rule = struct.pack("=Qi", here & everything, place)
            _checked(system.syscall(ADD_RULE, rules, 1, rule, 0))
            os.close(place)

    for path in (*SYSTEM, *reads):
        allow(around(path, closed), READ_FILE | READ_DIR)
    allow(lists, READ_DIR)
    allow(DEVICES, READ_FILE | WRITE_FILE)
    allow(writes, everything & ~1)  # but run nothing
    _checked(system.prctl(NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(system.syscall(RESTRICT_SELF, rules, 0))
    os.close(rules)
    _refuse_calls(filters)
    return True


def _refuse_calls(filters: ctypes.CDLL) -> None:
    """Answer calls of the system with an error, as if there were no right to make them."""
    filters.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(filters.seccomp_init(ctypes.c_uint32(ALLOW)))

    def refuse(name: str, error: int, *when: Comparison) -> None:
        number = filters.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            return  # this libseccomp does not know it yet
        given = (Comparison * len(when))(*when)
        action = ctypes.c_uint32(ERRNO | error)
        added = filters.seccomp_rule_add_array(context, action, number, len(when), given)
        if added not in (0, -errno.EDOM):  # not a call of this processor
            raise OSError(-added, f"libseccomp refuses a rule on {name}")

    for name in REFUSED:
        refuse(name, errno.EPERM)
    for name in IN_VAIN:
        refuse(name, 0)
    refuse("clone", errno.EPERM, Comparison(0, MASKED, CLONE_THREAD, 0))
    refuse("clone3", errno.ENOSYS)  # what it asks for cannot be seen: libraries take clone then
    refuse("tgkill", errno.EPERM, Comparison(0, UNEQUAL, os.getpid(), 0))
    refuse("prlimit64", errno.EPERM, Comparison(0, UNEQUAL, 0, 0))
    if loaded := filters.seccomp_load(context):
        raise OSError(-loaded, "libseccomp could not load its filter")
    filters.seccomp_release(context)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result
