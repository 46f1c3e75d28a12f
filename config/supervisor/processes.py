"""Children of the starter: each in its own session, written down, restarted, stopped in order."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config.supervisor.account import Account
from config.supervisor.folders import Folder, write_private
from config.supervisor.refusal import Refused, Stopped

DEATHS_ALLOWED = 3
DEATHS_WITHIN = 60.0
BACK_OFF = (0.5, 2.0, 5.0)
LAST_LINES = 8
LARGEST_LOG = 10_000_000
PR_SET_PDEATHSIG = 1

StopSteps = Sequence[tuple[signal.Signals, float]]
POLITE: StopSteps = ((signal.SIGTERM, 10.0), (signal.SIGQUIT, 12.0), (signal.SIGKILL, 5.0))

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def birth(pid: int) -> str | None:
    """What tells a process from a later one with the same number; None when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
        return answer.stdout.strip() or None
    return None if fields[0] == "Z" else fields[19]


def command_line(pid: int) -> list[str]:
    """The command line of a live process, empty when it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
        return answer.stdout.split()


@dataclass
class Child:
    """One long-running process; ``before`` runs before each start, to clear what a crash left."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Folder
    stop_steps: StopSteps = POLITE
    account: Account | None = None
    directory: Path | None = None
    before: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=deque)
    start_again_at: float | None = None

    @property
    def log(self) -> Path:
        return self.folder.logs / f"{self.name}.log"

    @property
    def note(self) -> Path:
        return self.folder.state / f"{self.name}.process"

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches the starter alone."""
        if self.before:
            self.before()
        self.start_again_at = None
        ending = self.stop_steps[0][0]
        starter = os.getpid()

        def die_with_starter() -> None:
            # Asked of the kernel, as a starter that is killed cannot stop anybody.
            if _libc is not None:
                _libc.prctl(PR_SET_PDEATHSIG, int(ending))
                if os.getppid() != starter:
                    os._exit(1)

        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=dict(self.environment),
                start_new_session=True,
                umask=0o077,
                preexec_fn=die_with_starter,
                **(self.account.spawning() if self.account else {}),
            )
        write_private(self.note, json.dumps({"pid": self.process.pid, "birth": birth(self.process.pid)}))

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """End the process, at first politely; ``hurry`` cuts the waiting short."""
        if self.process is not None:
            for number, patience in self.stop_steps:
                if not self.is_alive:
                    break
                with contextlib.suppress(ProcessLookupError):
                    self.process.send_signal(number)
                until = time.monotonic() + patience
                while self.is_alive and time.monotonic() < until and not hurry():
                    time.sleep(0.02)
            # What the process itself had started and left is in its session.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.note.unlink(missing_ok=True)

    def last_lines(self) -> str:
        """The end of its log, for the person who has to find out why it died."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"  {line[:300]}" for line in lines[-LAST_LINES:])


def end_survivors(folder: Folder, steps: Mapping[str, StopSteps]) -> list[str]:
    """End the children of an earlier starter that died without stopping them; return their names."""
    found: list[tuple[str, int, Path]] = []
    for note in sorted(folder.state.glob("*.process")):
        try:
            written = json.loads(note.read_text())
            pid, born = int(written["pid"]), written["birth"]
        except (ValueError, KeyError, OSError):
            note.unlink(missing_ok=True)
            continue
        if born is not None and birth(pid) == born:
            found.append((note.stem, pid, note))
        else:
            note.unlink(missing_ok=True)
    for name, pid, note in found:
        end_stranger(pid, steps.get(name, POLITE))
        # What it had started and left is in its session.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        note.unlink(missing_ok=True)
    return [name for name, _, _ in found]


def end_stranger(pid: int, steps: StopSteps) -> None:
    """End a process that is not our child, and wait until it is gone."""
    for number, patience in steps:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        until = time.monotonic() + patience
        while birth(pid) is not None:
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        else:
            return


class Watch:
    """Keeps the children alive until a person or the system says stop."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.children: list[Child] = []
        self.stop_asked = 0

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """While inside, Ctrl-C, termination and a closed terminal ask for a stop instead of killing."""

        def ask(number: int, frame: FrameType | None) -> None:
            self.stop_asked += 1

        before = {
            number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def start(self, child: Child) -> Child:
        """Start ``child`` and watch over it from now on."""
        child.start()
        self.children.append(child)
        return child

    def pause(self, seconds: float) -> None:
        """Let time pass; raises Stopped when somebody asked for a stop."""
        until = time.monotonic() + seconds
        while True:
            if self.stop_asked:
                raise Stopped
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.1))

    def wait_for(self, ready: Callable[[], bool], child: Child, *, seconds: float) -> None:
        """Wait until ``ready``; raises Refused with the end of its log when ``child`` does not get there."""
        until = time.monotonic() + seconds
        while not ready():
            self.pause(0.03)
            self.look()
            if time.monotonic() > until:
                raise Refused(f"{child.name} did not answer in {seconds:.0f} seconds:\n{child.last_lines()}")

    def finish(self, child: Child) -> None:
        """Run ``child`` to its end, as one step of the start; raises Refused when it fails."""
        child.log.unlink(missing_ok=True)
        child.start()
        try:
            while child.is_alive:
                self.pause(0.03)
                self.look()
        except BaseException:
            child.stop()
            raise
        child.note.unlink(missing_ok=True)
        if child.process and child.process.returncode:
            raise Refused(f"{child.name} failed ({child.log}):\n{child.last_lines()}")

    def look(self) -> None:
        """Start again whoever has died; raises Refused after three deaths in a minute."""
        now = time.monotonic()
        for child in self.children:
            if child.start_again_at is not None:
                if now >= child.start_again_at:
                    child.start()
            elif not child.is_alive:
                child.deaths.append(now)
                while child.deaths[0] < now - DEATHS_WITHIN:
                    child.deaths.popleft()
                if len(child.deaths) >= DEATHS_ALLOWED:
                    often = f"{child.name} died {DEATHS_ALLOWED} times in a minute"
                    raise Refused(f"{often} ({child.log}):\n{child.last_lines()}")
                child.start_again_at = now + BACK_OFF[min(len(child.deaths), len(BACK_OFF)) - 1]
                self.say(f"{child.name} died and is started again (log: {child.log})")

    def run(self) -> None:
        """Watch until stopped."""
        while True:
            self.look()
            self.pause(0.25)

    def stop(self) -> None:
        """Stop the children in the reverse of the order in which they were started."""
        asked = self.stop_asked
        while self.children:
            self.children.pop().stop(hurry=lambda: self.stop_asked > asked)
