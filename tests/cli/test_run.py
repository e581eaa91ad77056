from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import jsonschema
import pytest

from racepage.report.json import schema
from tests.cli.conftest import Racepage

ROOT = Path(__file__).resolve().parent.parent.parent

EARLY = """\
from racepage import sync
from racepage.memory import GFP_KERNEL, __GFP_ZERO, Page

def fill(page):
    page.view()[0:64] = b"x" * 64

def main():
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO, label="inbox") as page:
        worker = sync.Thread(target=fill, args=(page,), name="worker")
        worker.start()
        found = page.view()[32:96]
        worker.join()

def ordered():
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO) as page:
        worker = sync.Thread(target=fill, args=(page,))
        worker.start()
        worker.join()
        found = page.view()[32:96]

def with_a_parameter(page): ...
async def coroutine(): ...
"""


def write(folder: Path, name: str, code: str) -> Path:
    path = folder / name
    path.write_text(dedent(code))
    return path


@pytest.fixture
def early(tmp_path: Path) -> Path:
    return write(tmp_path, "early.py", EARLY + "\nif __name__ == '__main__':\n    main()\n")


# What can be run ---------------------------------------------------------------------------------


def test_a_file_runs_as_a_program(racepage: Racepage, early: Path) -> None:
    done = racepage("run", early.name)
    assert done.code == 1
    assert "worker write page:0[0:64]" in done.out
    assert 'page:0 "inbox"' in done.out
    assert "early.py:5 in fill\n" in done.out
    assert "\nearly.py: 7 events" in done.out
    assert done.err == ""


@pytest.mark.parametrize("function", ["main", "ordered"])
def test_a_function_of_a_file_runs(racepage: Racepage, early: Path, function: str) -> None:
    done = racepage("run", f"{early.name}:{function}")
    assert done.code == (1 if function == "main" else 0)


@pytest.mark.usefixtures("early")
def test_a_function_of_a_module_runs(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "early.py").rename(tmp_path / "box" / "early_in_a_box.py")
    assert racepage("run", "box.early_in_a_box:ordered").code == 0


def test_a_built_in_workload_runs_its_correct_variant(racepage: Racepage) -> None:
    done = racepage("run", "handoff")
    assert (done.code, done.err) == (0, "")
    assert "\nhandoff: " in done.out


def test_a_built_in_variant_runs(racepage: Racepage) -> None:
    done = racepage("run", "handoff:keeps-writing", "--format", "json")
    made = json.loads(done.out)
    jsonschema.Draft202012Validator(schema()).validate(made)
    assert done.code == 1
    assert made["trace"]["path"] is None
    assert {finding["kind"] for finding in made["findings"]} == {"data-race"}


def test_a_built_in_workload_takes_its_sizes_as_arguments(racepage: Racepage) -> None:
    def events(*args: str) -> int:
        found = json.loads(racepage("run", "handoff", "--format", "json", *args).out)
        return int(found["trace"]["events"])

    assert events("--", "rounds=2") < events("--", "rounds=20")


def test_a_program_sees_its_own_arguments_and_folder(racepage: Racepage, tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    write(folder, "neighbour_of_args.py", "answer = 42\n")
    path = write(
        folder,
        "args.py",
        """
        import sys, neighbour_of_args
        print(__name__, sys.argv[1:], neighbour_of_args.answer, sys.modules["__main__"].__file__)
        """,
    )
    done = racepage("run", path, "--", "--depth", "-x", "a b")
    assert done.code == 0
    assert done.err == f"__main__ ['--depth', '-x', 'a b'] 42 {path}\n"


def test_a_program_is_compiled_as_it_stands(racepage: Racepage, tmp_path: Path) -> None:
    """And not with the `from __future__` of whoever compiles it."""
    path = write(tmp_path, "plain.py", "def f(x: int): ...\nprint(f.__annotations__)\n")
    assert racepage("run", path).err == "{'x': <class 'int'>}\n"


def test_the_interpreter_is_left_as_it_was(racepage: Racepage, early: Path) -> None:
    before = (list(sys.path), list(sys.argv), sys.modules["__main__"], threading.excepthook)
    racepage("run", early.name)
    assert (list(sys.path), list(sys.argv), sys.modules["__main__"], threading.excepthook) == before


# What cannot be run ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("earyl.py", "did you mean early.py?"),
        ("early.py:mian", "did you mean main?"),
        ("early.py:nothing_like_it", "it has fill, main, ordered"),
        ("early.py:with_a_parameter", "cannot be called without arguments"),
        ("early.py:coroutine", "is a coroutine"),
        ("handof", "did you mean handoff?"),
        ("early", "did you mean early.py?"),
        ("handoff:keep-writing", "did you mean 'keeps-writing'?"),
        ("hnadoff:keeps-writing", "there is no module 'hnadoff'; did you mean handoff?"),
        ("no.such.module:main", "there is no module 'no'"),
        ("json:nothing", "has no function 'nothing'"),
        ("nothing-at-all", "there are binder, "),
        (".", "is no workload"),
        ("..up:main", "is no name of a module"),
        (":main", "there is no workload"),
    ],
)
@pytest.mark.usefixtures("early")
def test_what_there_is_not_is_one_line_with_a_suggestion(
    racepage: Racepage, wrong: str, told: str
) -> None:
    assert told in racepage("run", wrong).complaint


def test_a_directory_is_no_program(racepage: Racepage, tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    assert "is a directory" in racepage("run", "folder.py").complaint


def test_a_parameter_that_is_none_is_exit_2(racepage: Racepage) -> None:
    assert "rounds=100" in racepage("run", "handoff", "--", "quickly").complaint
    assert "rounds" in racepage("run", "handoff", "--", "round=3").complaint


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_parameter_that_is_too_large_is_exit_2(racepage: Racepage, digits: int) -> None:
    complaint = racepage("run", "handoff", "--", f"rounds={'1' * digits}").complaint
    assert complaint.startswith("rounds is to be a number of at most 18 digits; this one has ")


def test_nothing_is_left_of_a_recording_of_nothing(
    racepage: Racepage, early: Path, tmp_path: Path
) -> None:
    assert racepage("run", f"{early.name}:mian", "--trace", "run.arrows").code == 2
    assert not (tmp_path / "run.arrows").exists()


# Programs that fail ------------------------------------------------------------------------------


def errors(racepage: Racepage, *args: object) -> list[str]:
    done = racepage("run", *args, "--format", "json")
    assert done.code == 1
    made = json.loads(done.out)
    jsonschema.Draft202012Validator(schema()).validate(made)
    return [one["message"] for one in made["findings"] if one["kind"] == "program-error"]


def test_an_exception_is_a_finding_and_the_rest_is_still_checked(
    racepage: Racepage, early: Path
) -> None:
    early.write_text(early.read_text() + "    raise ValueError('no such record')\n")
    done = racepage("run", early.name, "--trace", "run.trace")
    assert done.code == 1
    assert "RP001 data-race" in done.out
    assert "RP013 program-error" in done.out
    assert "ValueError: no such record (in thread main, early.py:" in done.out
    assert racepage("check", "run.trace").code == 1


def test_a_traceback_has_the_programs_frames_only(racepage: Racepage, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "bounds.py",
        """
        from racepage.memory import GFP_KERNEL, Page

        def use(page):
            page.fill_zero_raw(4090, 100)

        with Page.alloc_page(GFP_KERNEL) as page:
            try:
                use(page)
            except OSError as error:
                raise RuntimeError("wrapped") from error
        """,
    )
    done = racepage("run", path)
    assert done.code == 1
    assert done.err.count("Traceback (most recent call last)") == 2
    assert "in use\n    page.fill_zero_raw(4090, 100)" in done.err
    assert done.err.endswith("RuntimeError: wrapped\n")
    files = [line.split('"')[1] for line in done.err.splitlines() if line.startswith("  File ")]
    assert set(files) == {str(path)}


def test_a_threads_exception_is_a_finding(racepage: Racepage, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "threads.py",
        """
        import threading
        from racepage import sync

        def work():
            raise KeyError("lost")

        for kind in (threading.Thread, sync.Thread, sync.Thread):
            thread = kind(target=work, name="worker")
            thread.start()
            thread.join()
        """,
    )
    assert (
        sum(
            json.loads(racepage("run", path, "--format", "json").out)["findings"][0][key]
            for key in ("count",)
        )
        == 3
    )
    done = racepage("run", path)
    assert done.err.count("Exception in thread worker:\nTraceback") == 3
    files = [line.split('"')[1] for line in done.err.splitlines() if line.startswith("  File ")]
    assert files == [str(path)] * 3
    assert "KeyError: 'lost' (in thread worker, threads.py:6 in work)" in done.out


def test_a_program_that_shows_its_threads_errors_itself_is_still_told(
    racepage: Racepage, tmp_path: Path
) -> None:
    path = write(
        tmp_path,
        "hook.py",
        """
        from racepage import sync
        import threading

        threading.excepthook = lambda args: None
        thread = sync.Thread(target=lambda: 1 / 0, name="worker")
        thread.start()
        thread.join()
        """,
    )
    [message] = errors(racepage, path)
    assert message.startswith("ZeroDivisionError: division by zero (in thread worker")


@pytest.mark.parametrize(
    ("code", "messages"),
    [
        ("raise SystemExit", []),
        ("raise SystemExit(0)", []),
        ("raise SystemExit(3)", ["the program exited with code 3"]),
        ("import sys; sys.exit('no disk')", ["the program exited with code 1: no disk"]),
        ("raise BaseException", ["BaseException (in thread main, end.py:1 in <module>)"]),
        ("def f(:", ["SyntaxError: invalid syntax (in thread main, end.py:1)"]),
        ("import nothing_like_it", None),
    ],
)
def test_how_a_program_may_end(
    racepage: Racepage, tmp_path: Path, code: str, messages: list[str] | None
) -> None:
    path = write(tmp_path, "end.py", code + "\n")
    if messages == []:
        assert racepage("run", path).code == 0
        return
    found = errors(racepage, path)
    if messages is None:
        [message] = found
        assert message.startswith("ModuleNotFoundError: No module named 'nothing_like_it'")
    else:
        assert found == messages


def test_a_programs_own_usage_error_is_not_ours(racepage: Racepage, tmp_path: Path) -> None:
    code = "import click\nraise click.UsageError('no such option')\n"
    [message] = errors(racepage, write(tmp_path, "clicks.py", code))
    assert message.startswith("click.exceptions.UsageError: no such option")


def test_what_a_program_says_as_it_exits_is_said(racepage: Racepage, tmp_path: Path) -> None:
    path = write(tmp_path, "end.py", "import sys; sys.exit('no disk')\n")
    assert racepage("run", path).err == "no disk\n"


def test_the_end_waits_for_the_threads(racepage: Racepage, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "late.py",
        """
        from racepage import sync
        from racepage.memory import GFP_KERNEL, Page
        import threading

        page, ended = Page.alloc_page(GFP_KERNEL), threading.Event()

        def work():
            threading.main_thread()
            ended.wait()
            page.free()
            sync.Thread(target=lambda: None, name="grandchild").start()

        sync.Thread(target=work, name="child").start()
        ended.set()
        """,
    )
    done = racepage("run", path, "--format", "json")
    made = json.loads(done.out)
    assert {one["kind"] for one in made["findings"]} == {"thread-leak"}  # but not page-leak
    assert set(made["threads"]) == {"main", "child", "grandchild"}
    assert made["threads"]["grandchild"]["end"] is not None


# Where things go ---------------------------------------------------------------------------------


def test_standard_output_is_the_reports(racepage: Racepage, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "loud.py",
        """
        import subprocess, sys
        print("hello")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        """,
    )
    done = racepage("run", path, "--format", "json")
    assert json.loads(done.out)["verdict"] == "clean"
    assert done.err == "hello\nfrom a child\n"


def test_with_a_report_file_the_program_keeps_its_output(
    racepage: Racepage, tmp_path: Path
) -> None:
    path = write(tmp_path, "loud.py", "print('hello')\n")
    done = racepage("run", path, "-o", "report.txt")
    assert done.out == "hello\n"
    assert (tmp_path / "report.txt").read_text().startswith("clean: nothing found\n")


@pytest.mark.parametrize("suffix", [".arrows", ".trace", ".std"])
def test_a_recording_can_be_kept_and_checked_again(
    racepage: Racepage, early: Path, suffix: str
) -> None:
    kept = f"run{suffix}"
    first = json.loads(racepage("run", early.name, "--trace", kept, "--format", "json").out)
    again = json.loads(racepage("check", kept, "--format", "json").out)
    assert first["trace"]["path"] == again["trace"]["path"] == kept
    assert again["verdict"] == "findings"
    assert first["racy_events"] == again["racy_events"]


@pytest.mark.parametrize("suffix", [".arrows", ".trace"])
def test_files_are_named_from_where_racepage_was_called(
    racepage: Racepage, tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = write(tmp_path, "mover.py", "import os\nos.chdir('elsewhere')\n")
    racepage("run", path, "--trace", f"run{suffix}", "-o", "report.txt")
    here = sorted(path.name for path in tmp_path.iterdir())
    assert here == ["elsewhere", "mover.py", "report.txt", f"run{suffix}"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_kept_recording_is_announced(racepage: Racepage, early: Path) -> None:
    done = racepage("run", early.name, "--trace", "run.arrows")
    assert done.err == "racepage: wrote run.arrows: 7 events\n"


@pytest.mark.parametrize("target", ["run.txt", "run", "no/such/folder/run.arrows", "."])
def test_a_recording_that_cannot_be_kept_is_found_out_before_the_run(
    racepage: Racepage, tmp_path: Path, target: str
) -> None:
    path = write(tmp_path, "mark.py", "open('it-ran', 'w').close()\n")
    assert target in racepage("run", path, "--trace", target).complaint
    assert not (tmp_path / "it-ran").exists()


def test_depth_is_how_many_frames_are_kept(racepage: Racepage, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "deep.py",
        """
        from racepage.memory import GFP_KERNEL, Page

        def inner(page): page.fill_zero_raw(0, 8)
        def outer(page): inner(page)

        with Page.alloc_page(GFP_KERNEL) as page:
            outer(page)
            page.free()
            outer(page)
        """,
    )

    def functions(*args: str) -> list[str]:
        made = json.loads(racepage("run", path, "--format", "json", *args).out)
        [*_, finding] = (one for one in made["findings"] if one["kind"] == "use-after-free")
        return [frame["function"] for frame in finding["second"]["stack"]]

    assert functions() == ["inner"]
    assert functions("--depth", "2") == ["inner", "outer"]
    assert functions("--depth", "8")[:3] == ["inner", "outer", "<module>"]


def test_values_are_what_the_bytes_were_before_and_after(racepage: Racepage, early: Path) -> None:
    done = racepage("run", early.name, "--format", "json")
    assert json.loads(done.out)["findings"][0]["values"] is None
    done = racepage("run", early.name, "--values", "--format", "json")
    assert json.loads(done.out)["findings"][0]["values"] == {"old": "00" * 32, "new": "78" * 32}


@pytest.mark.parametrize("module", ["racepage.sync", "concurrent.futures"])
def test_the_workers_of_a_pool_that_nobody_shut_down_are_let_go(
    tmp_path: Path, module: str
) -> None:
    # in a process of its own: what lets them go is meant for the end of one
    write(
        tmp_path,
        "pool.py",
        f"""
        from {module} import ThreadPoolExecutor

        pool = ThreadPoolExecutor(2)
        print(pool.submit(sum, [1, 2]).result())
        """,
    )
    command = [sys.executable, str(ROOT / "cli.py"), "run", "pool.py"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "3"), done.stderr


def test_a_thread_that_nobody_announced_is_warned_of(racepage: Racepage, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "stranger.py",
        """
        import threading
        from racepage.memory import GFP_KERNEL, Page

        page = Page.alloc_page(GFP_KERNEL)
        thread = threading.Thread(target=lambda: page.fill_zero_raw(0, 8), name="stranger")
        thread.start()
        thread.join()
        page.free()
        """,
    )
    done = racepage("run", path)
    assert done.out.count("warning: thread stranger was not started through racepage") == 1
    as_json = racepage("run", path, "--format", "json")
    assert as_json.err.count("warning: thread stranger") == 1


# Ends that are none -------------------------------------------------------------------------------

FOREVER = """
import threading
from racepage import sync
from racepage.memory import GFP_KERNEL, Page

page, both = Page.alloc_page(GFP_KERNEL), threading.Barrier(3)

def work():
    page.fill_zero_raw(0, 8)
    both.wait()
    threading.Event().wait()

for name in ("w0", "w1"):
    sync.Thread(target=work, name=name).start()
both.wait()
print("ready", flush=True)
threading.Event().wait()
"""


class Interrupted(NamedTuple):
    code: int
    out: str
    err: str


def interrupted(folder: Path, code: str, *args: str) -> Interrupted:
    """What a run comes to that gets Ctrl-C once it has said `ready`."""
    path = write(folder, "forever.py", code)
    child = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), "run", str(path), *args],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with child:
        assert child.stderr is not None
        while child.stderr.readline() != "ready\n":
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
    return Interrupted(child.returncode, out, err)


@pytest.mark.parametrize("suffix", [".arrows", ".trace"])
def test_an_interrupted_run_is_130_and_what_it_recorded_is_reported_and_kept(
    racepage: Racepage, tmp_path: Path, suffix: str
) -> None:
    """Its threads, which never end, are not waited for."""
    done = interrupted(tmp_path, FOREVER, "--format", "json", "--trace", f"run{suffix}")
    assert done.code == 130
    assert [one["kind"] for one in json.loads(done.out)["findings"]] == ["data-race"]
    assert "Traceback" not in done.err
    assert "interrupted; what was recorded until then" in done.err
    kept = racepage("check", f"run{suffix}")
    assert kept.code == 1
    assert "The trace was not closed" in kept.out


def test_an_interrupted_run_without_findings_is_incomplete_and_has_no_leaks(
    tmp_path: Path,
) -> None:
    code = FOREVER.replace("page.fill_zero_raw(0, 8)", "pass")
    done = interrupted(tmp_path, code)
    assert done.code == 130
    assert "incomplete: nothing found in what is left" in done.out


def test_an_interrupted_run_that_cannot_be_reported_does_not_wait_for_its_threads_either(
    tmp_path: Path,
) -> None:
    code = FOREVER.replace("both.wait()\nprint", "sync.Semaphore().acquire()\nboth.wait()\nprint")
    done = interrupted(tmp_path, code, "--trace", "run.std")
    assert done.code == 130
    assert "cannot be said in STD" in done.err


def test_what_a_thread_died_of_before_the_interrupt_is_a_finding(tmp_path: Path) -> None:
    code = """
    import threading
    from racepage import sync

    def work():
        raise KeyError("lost")

    thread = sync.Thread(target=work)
    thread.start()
    threading.Thread.join(thread)
    print("ready", flush=True)
    threading.Event().wait()
    """
    done = interrupted(tmp_path, code)
    assert done.code == 130
    assert "KeyError: 'lost' (in thread" in done.out


def test_a_code_that_the_program_exits_with_does_not_hide_findings(
    racepage: Racepage, early: Path
) -> None:
    for code in (0, 3, 130):
        early.write_text(f"{EARLY}\nmain()\nraise SystemExit({code})\n")
        done = racepage("run", early.name)
        assert done.code == 1
        assert "RP001 data-race" in done.out
        assert (f"the program exited with code {code}" in done.out) is (code != 0)


def test_a_program_that_ends_the_process_leaves_a_file_that_reads(
    racepage: Racepage, tmp_path: Path
) -> None:
    path = write(tmp_path, "gone.py", "import os\nos._exit(5)\n")
    command = [sys.executable, str(ROOT / "cli.py"), "run", str(path), "--trace", "run.arrows"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert racepage("check", "run.arrows").code == 3


@pytest.mark.parametrize(
    ("end", "code"),
    [("pass", 0), ("sys.exit(7)", 7), ("1 / 0", 1), ("raise KeyboardInterrupt", 130)],
)
def test_a_forked_child_ends_as_in_python_and_says_nothing_of_a_trace(
    tmp_path: Path, end: str, code: int
) -> None:
    path = write(
        tmp_path,
        "forks.py",
        f"""
        import os, sys
        from racepage.memory import GFP_KERNEL, Page

        page = Page.alloc_page(GFP_KERNEL)
        child = os.fork()
        if child:
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            page.free()
        else:
            {end}
        """,
    )
    command = [sys.executable, str(ROOT / "cli.py"), "run", str(path), "--trace", "run.trace"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.count("nothing found") == 1
    assert f"{code}\n" in done.stderr
    assert done.stderr.count("racepage: ") == 1
    assert done.stderr.endswith("racepage: wrote run.trace: 2 events\n")


# What is left of a program ------------------------------------------------------------------------

HOLDERS = """
import builtins
from racepage.memory import GFP_KERNEL, Page

held = Page.alloc_page(GFP_KERNEL, label="in the namespace")

def touch():
    held.fill_zero_raw(0, 8)
"""


@pytest.mark.parametrize("spec", ["holder.py", "holder.py:touch"])
def test_a_page_that_only_the_programs_file_holds_goes_with_it(
    racepage: Racepage, tmp_path: Path, spec: str
) -> None:
    write(tmp_path, "holder.py", HOLDERS + "\ntouch()\n")
    done = racepage("run", spec)
    assert (done.code, done.err) == (0, "")
    assert "holder" not in sys.modules


@pytest.mark.parametrize("spec", ["holder.py", "holder.py:touch"])
def test_a_page_that_something_else_holds_is_leaked(
    racepage: Racepage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    registry: list[object] = []
    monkeypatch.setattr("builtins.registry", registry, raising=False)
    write(tmp_path, "holder.py", HOLDERS + "\nbuiltins.registry.append(held)\n")
    done = racepage("run", spec)
    assert done.code == 1
    assert "RP006 page-leak" in done.out
    assert 'page:0 "in the namespace"' in done.out


def test_a_page_of_a_program_that_failed_goes_with_it_too(
    racepage: Racepage, tmp_path: Path
) -> None:
    write(tmp_path, "holder.py", HOLDERS + "\ntouch()\nraise ValueError('no')\n")
    made = json.loads(racepage("run", "holder.py", "--format", "json").out)
    assert [one["kind"] for one in made["findings"]] == ["program-error"]


def test_a_recording_that_its_format_cannot_hold_is_reported_all_the_same(
    racepage: Racepage, tmp_path: Path
) -> None:
    path = write(
        tmp_path,
        "semaphores.py",
        "from racepage import sync\nsync.Semaphore().acquire()\n",
    )
    done = racepage("run", path, "--trace", "run.std")
    assert done.code == 2
    assert "cannot be said in STD" in done.err
    assert "clean: nothing found" in done.out
