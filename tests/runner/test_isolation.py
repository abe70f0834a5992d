"""A target in a worker process: what it answers, and each way in which it can fail to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltdcheck import errors
from ltdcheck.runner import worker as child_side
from ltdcheck.runner.isolation import Worker
from ltdcheck.runner.output import imported

HERE = Path(__file__).parent
SHORT = 0.5  # s for what never answers; any number passes


@pytest.fixture(autouse=True)
def _targets_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def worker(_targets_import: None) -> Iterator[Worker]:
    """A worker with the misbehaving target."""
    with start() as worker:
        yield worker


def start(opener: str = "misbehaving:open_target", **options: Any) -> Worker:
    """A worker with a target of this folder."""
    return Worker(options.pop("source", {"spec": "my:LSTM"}), opener=opener, **options)


def pid_of(worker: Worker) -> int:
    """The number of the process that answers now."""
    pid = worker.call("facts")[0]["pid"]
    assert isinstance(pid, int)
    return pid


def has_ended(pid: int) -> bool:
    """Whether the process ends, or has ended; it is given a minute, because reaping is up to others."""
    for _ in range(6000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


# -- a target that behaves -----------------------------------------------------------------------------------


def test_an_answer_comes_back(worker: Worker) -> None:
    """Header and arrays go there and back."""
    header, arrays = worker.call("echo", {"a": [1, None]}, {"x": np.arange(6.0).reshape(2, 3)[:, ::2]})
    assert header == {"a": [1, None]}
    assert arrays["x"].tolist() == [[0, 2], [3, 5]]


def test_a_large_array_goes_there_and_back(worker: Worker) -> None:
    """A message beyond the size of every buffer arrives whole in both directions."""
    x = np.arange(1_000_000.0)
    assert np.array_equal(worker.call("echo", {}, {"x": x})[1]["x"], x)


def test_the_process_keeps_its_state_between_calls(worker: Worker) -> None:
    """One process answers call after call, after the target raised too."""
    first = worker.call("facts")[0]
    with pytest.raises(errors.TargetRaised):
        worker.call("raise_plainly", {"message": "no"})
    second = worker.call("facts")[0]
    assert second["pid"] == first["pid"]
    assert second["calls"] == first["calls"] + 2


def test_arguments_stay_what_they_were(worker: Worker) -> None:
    """A target that writes into its arguments changes its own copy."""
    x = np.zeros(3)
    assert worker.call("write_into_arguments", {}, {"x": x})[1]["x"].tolist() == [7, 7, 7]
    assert x.tolist() == [0, 0, 0]


def test_a_view_of_a_buffer_is_copied_when_it_is_answered(worker: Worker) -> None:
    """A later call that overwrites the buffer does not reach an earlier answer."""
    first = worker.call("view_of_buffer")[1]["y"]
    second = worker.call("view_of_buffer")[1]["y"]
    assert first.tolist() == [1, 1, 1]
    assert second.tolist() == [2, 2, 2]


def test_the_process_has_the_directory_the_path_and_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The working directory and ``sys.path`` are the caller's; what steers pytest and coverage is left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COV_CORE_SOURCE", "ltdcheck")
    monkeypatch.setenv("OF_THE_CALLER", "yes")
    path = list(sys.path)
    with start() as worker:
        monkeypatch.chdir("/")  # the process starts with the first call, as of when the worker was made
        facts = worker.call("facts")[0]
    assert facts["cwd"] == str(tmp_path.resolve())
    assert facts["path"] == path
    assert facts["source"] == {"spec": "my:LSTM"}
    assert facts["environment"]["OF_THE_CALLER"] == "yes"
    assert "COV_CORE_SOURCE" not in facts["environment"]
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in facts["environment"]
    assert (facts["argv"], facts["stdin"], facts["inherited_by_programs"]) == (["-c"], "", [])


def test_a_given_environment_is_all_there_is() -> None:
    """``env`` replaces the environment."""
    with start(env={"ONLY": "this"}) as worker:
        environment = worker.call("facts")[0]["environment"]
    assert environment.pop("ONLY") == "this"
    assert set(environment) <= {"LC_CTYPE"}  # which the interpreter sets by itself


def test_a_file_of_the_callers_directory_does_not_shadow_the_standard_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The worker starts in a directory that holds a ``json.py``, which is not on the path."""
    (tmp_path / "json.py").write_text("raise ImportError('shadowed')")
    monkeypatch.chdir(tmp_path)
    with start() as worker:
        assert worker.call("echo", {"a": 1})[0] == {"a": 1}


def test_workers_answer_in_parallel_and_one_worker_in_turn() -> None:
    """Calls from several threads get their own answers, from several workers or from one."""
    with start() as a, start() as b, ThreadPoolExecutor(8) as pool:
        asked = [(worker, number) for number in range(40) for worker in (a, b)]
        answers = list(pool.map(lambda job: job[0].call("echo", {"number": job[1]})[0]["number"], asked))
    assert answers == [number for _, number in asked]


# -- a live object -------------------------------------------------------------------------------------------


def test_a_live_object_arrives() -> None:
    """An object of an importable module, and a closure, reach the opener."""
    base = 10
    for live in (partial(dict, base=base), lambda **given: {"base": base, **given}):
        with start(live=live) as worker:
            assert worker.call("use_live", {"a": 1})[0]["said"] == {"a": 1, "base": 10}


def test_a_class_of_a_module_that_only_the_caller_has_arrives(tmp_path: Path) -> None:
    """What a fresh interpreter could not import is sent by value, with its base class in another such module."""
    modules = {
        "of_the_base": "class Base:\n    def __call__(self, **given):\n        return [self.name(), given]\n",
        "of_the_class": "from of_the_base import Base\nclass Derived(Base):\n    def name(self):\n        return 'd'\n",
    }
    try:
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
            spec = spec_from_file_location(name, tmp_path / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            sys.modules[name] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        with start(live=sys.modules["of_the_class"].Derived()) as worker:
            assert worker.call("use_live", {"a": 1})[0]["said"] == ["d", {"a": 1}]
    finally:
        for name in modules:
            sys.modules.pop(name, None)


def test_an_object_that_cannot_be_pickled_is_unusable() -> None:
    """A lock cannot travel; the message says so before anything starts."""
    with pytest.raises(errors.TargetUnusableError, match="cannot be sent to a worker process"):
        start(live=threading.Lock())


class _RefusesToWake:
    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("not a number",)


def test_an_object_whose_pickle_raises_is_unusable() -> None:
    """What fails while it is restored is unusable, not raised."""
    with start(live=_RefusesToWake()) as worker, pytest.raises(errors.TargetUnusableError, match="cannot be restored"):
        worker.call("echo")


# -- a question that nobody waits for yet ----------------------------------------------------------------------


def test_a_question_that_was_begun_keeps_its_answer(worker: Worker) -> None:
    """It is answered before the next one, and told when it is waited for, as often as that is."""
    asked = worker.begin("echo", {"a": 1}, {"x": np.zeros(1_000_000)})  # more than goes without waiting
    assert worker.call("echo", {"a": 2})[0] == {"a": 2}
    assert asked.ready()
    assert asked.told()[0] == asked.told()[0] == {"a": 1}


def test_it_is_ready_when_there_is_something_to_read(worker: Worker) -> None:
    """Not before the process goes on; and at its end, too."""
    pid = pid_of(worker)
    os.kill(pid, signal.SIGSTOP)
    asked = worker.begin("echo", {"a": 1})
    assert not asked.ready()
    os.kill(pid, signal.SIGCONT)
    until = time.monotonic() + 60
    while not asked.ready() and time.monotonic() < until:
        time.sleep(0.001)
    assert asked.ready()
    assert asked.told()[0] == {"a": 1}


def test_what_becomes_of_it_is_no_other_questions_answer() -> None:
    """A hang and an exception are raised where they are waited for; the next question is answered."""
    with start(timeout=SHORT) as worker:
        hung = worker.begin("sleep")
        assert worker.call("echo", {"a": 1}, timeout=60)[0] == {"a": 1}  # of a new process
        raised = worker.begin("raise_plainly", {"message": "no"})
        assert worker.call("echo", {"a": 2}, timeout=60)[0] == {"a": 2}
        with pytest.raises(errors.TargetHung, match=f"no answer to 'sleep' within {SHORT} s"):
            hung.told()
        with pytest.raises(errors.TargetRaised, match="no"):
            raised.told()


def test_several_questions_are_answered_in_their_order(worker: Worker) -> None:
    """However many are begun, and in whichever order they are waited for; a later one is ready when it is answered."""
    asked = [worker.begin("echo", {"a": k}, {"x": np.full(30_000, k)}) for k in range(9)]
    assert [asked[k].told()[0] for k in (5, 0, 8)] == [{"a": 5}, {"a": 0}, {"a": 8}]
    assert all(question.ready() for question in asked)
    assert [int(question.told()[1]["x"][0]) for question in asked] == list(range(9))


def test_a_later_one_is_ready_once_those_before_it_are_answered(worker: Worker) -> None:
    """Looking at it takes their answers from the channel."""
    first, second = (worker.begin("echo", {"a": k}) for k in range(2))
    until = time.monotonic() + 60
    while not second.ready() and time.monotonic() < until:
        time.sleep(0.001)
    assert second.ready()
    assert [first.told()[0], second.told()[0]] == [{"a": 0}, {"a": 1}]


@pytest.mark.parametrize("end", ["segfault_silently", "leave", "sleep"])
def test_those_behind_the_end_of_a_process_are_asked_again(end: str) -> None:
    """What ends it is raised where it was asked, and the others are answered by a new process."""
    with start(timeout=SHORT if end == "sleep" else 60.0) as worker:
        before, last, *behind = [worker.begin(method, {"a": 1}) for method in ("echo", end, "echo", "facts")]
        assert before.told()[0] == {"a": 1}
        with pytest.raises(errors.TargetFailure):
            last.told()
        assert behind[0].told()[0] == {"a": 1}
        assert behind[1].told()[0]["pid"] == pid_of(worker)


def test_what_one_prints_is_not_counted_as_the_next_ones() -> None:
    """Each of several has the limit for itself, give or take what two pipes hold."""
    with start() as worker:
        asked = [worker.begin("print_much", {"size": 850_000}) for _ in range(4)]
        assert [question.told() for question in asked] == [({}, {})] * 4
        floods = worker.begin("print_much", {"size": 1_150_000})
        behind = worker.begin("echo", {"a": 1})
        with pytest.raises(errors.TargetFlooded):
            floods.told()
        assert behind.told()[0] == {"a": 1}


def test_a_process_that_cannot_be_opened_is_said_where_it_is_waited_for() -> None:
    """Beginning raises nothing."""
    with start("misbehaving:refuse_to_open") as worker:
        asked = worker.begin("echo")
        assert asked.ready()
        with pytest.raises(errors.TargetUnusableError):
            asked.told()


# -- it does not answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["sleep", "hold_the_interpreter", "ignore_signals"])
def test_a_hang_ends_at_the_limit(method: str, worker: Worker) -> None:
    """Sleeping, a native loop that never yields, and ignored signals: the message has the limit and the method."""
    pid = pid_of(worker)
    with pytest.raises(errors.TargetHung, match=f"no answer to '{method}' within {SHORT} s"):
        worker.call(method, timeout=SHORT)
    assert has_ended(pid)
    assert pid_of(worker) != pid


def test_the_limit_of_the_worker_holds_where_a_call_has_none() -> None:
    """``timeout`` of the worker is the limit of its calls, and the message has what was printed before."""
    with start(timeout=SHORT) as worker:
        worker.call("write_natively", {"text": "good night"}, timeout=60)
        with pytest.raises(errors.TargetHung, match=f"within {SHORT} s; the last it printed: good night$"):
            worker.call("sleep")


def test_a_hang_while_a_large_request_is_sent_ends_at_the_limit(worker: Worker) -> None:
    """A process that does not read does not stop the caller either."""
    os.kill(pid_of(worker), signal.SIGSTOP)
    with pytest.raises(errors.TargetHung):
        worker.call("echo", {}, {"x": np.zeros(1_000_000)}, timeout=SHORT)


def test_the_programs_of_a_target_that_hangs_are_killed(worker: Worker) -> None:
    """What the target started ends with it."""
    program = worker.call("start_a_program")[0]["pid"]
    with pytest.raises(errors.TargetHung):
        worker.call("sleep", timeout=SHORT)
    assert has_ended(program)


def test_a_hang_at_opening_ends_at_its_own_limit() -> None:
    """``start_timeout`` bounds the import of the target."""
    says = f"'open' within {SHORT} s"
    with (
        start("misbehaving:hang_at_opening", start_timeout=SHORT) as worker,
        pytest.raises(errors.TargetHung, match=says),
    ):
        worker.call("echo")


# -- it dies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "header", "says"),
    [
        ("segfault", {}, r"died of SIGSEGV while it answered 'segfault', in string_at .*misbehaving\.py.*address zero"),
        ("abort", {}, r"died of SIGABRT while it answered 'abort', in abort \(.*misbehaving\.py"),
        ("leave", {}, r"left the interpreter with exit code 7 while it answered 'leave'; .*: one last word$"),
        ("leave_a_child_behind", {}, "left the interpreter with exit code 7"),
        ("exit_politely", {"arguments": [3]}, r"left the interpreter with sys\.exit\(3\)"),
        ("exit_politely", {"arguments": []}, r"left the interpreter with sys\.exit\(\)"),
        ("exit_politely", {"arguments": ["bye"]}, r"left the interpreter with sys\.exit\('bye'\)"),
        ("close_everything", {}, "closed the file descriptor on which its answers travel"),
        ("write_into_channel", {}, "wrote bytes that are no message where its answer to 'write_into_channel' travels"),
    ],
)
def test_a_death_is_told_and_followed_by_a_new_start(
    method: str, header: dict[str, Any], says: str, worker: Worker
) -> None:
    """The message says what it died of, where, and what it last printed; the next call finds a new process."""
    pid = pid_of(worker)
    with pytest.raises(errors.TargetCrashed) as caught:
        worker.call(method, header)
    assert re.search(says, str(caught.value), re.DOTALL), str(caught.value)
    assert has_ended(pid)
    facts = worker.call("facts")[0]
    assert facts["pid"] != pid
    assert facts["calls"] == 1


def test_a_death_between_calls_is_told_by_the_next(worker: Worker) -> None:
    """A process that ends after an answer is reported once."""
    pid = pid_of(worker)
    os.kill(pid, signal.SIGKILL)
    assert has_ended(pid)
    with pytest.raises(errors.TargetCrashed, match="died of SIGKILL"):
        worker.call("echo")
    assert pid_of(worker) != pid


def test_an_exit_at_opening_is_told() -> None:
    """A target whose import calls ``sys.exit`` left; it is not an end of the run."""
    with start("misbehaving:exit_at_opening") as worker, pytest.raises(errors.TargetCrashed, match=r"sys\.exit\(0\)"):
        worker.call("echo")


# -- it prints -----------------------------------------------------------------------------------------------


def test_printing_without_end_is_stopped(worker: Worker) -> None:
    """The process is killed at the limit, and the message has the last lines."""
    pid = pid_of(worker)
    with pytest.raises(errors.TargetFlooded, match=r"more than 1000000 bytes in one call.*no play"):
        worker.call("print_without_end")
    assert has_ended(pid)
    assert pid_of(worker) != pid


@pytest.mark.parametrize(("size", "floods"), [(1000, False), (1001, True), (5_000_000, True)])
def test_the_limit_of_output_is_exact(size: int, *, floods: bool) -> None:
    """Output counts to the byte, however late it is read, and each call begins at zero."""
    with start(output_limit=1000) as worker:
        for _ in range(3):
            if not floods:
                assert worker.call("print_much", {"size": size}) == ({}, {})
                continue
            with pytest.raises(errors.TargetFlooded):
                worker.call("print_much", {"size": size})


def test_native_output_and_closed_output_disturb_nothing(worker: Worker) -> None:
    """Bytes written to descriptor 1 past the interpreter, and descriptors 1 and 2 closed, leave the channel alone."""
    assert worker.call("write_natively", {"text": "ltd1 and more"})[0] == {"written": 13}
    assert worker.call("close_output") == ({}, {})
    assert worker.call("echo", {"a": 1})[0] == {"a": 1}
    with pytest.raises(errors.TargetCrashed, match=r"SIGSEGV.*string_at"):  # its place is still seen
        worker.call("segfault_silently")


def test_a_place_is_named_as_imports_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the nearest folder on sys.path, so that a message is the same on any machine; other files in full."""
    monkeypatch.setattr(sys, "path", ["", "/usr/lib", "/usr/lib/site-packages"])
    assert imported("/usr/lib/site-packages/torch/nn.py") == "torch/nn.py"
    assert imported("/usr/libs/x.py") == "/usr/libs/x.py"


# -- it raises -----------------------------------------------------------------------------------------------


def test_an_exception_arrives_as_three_texts(worker: Worker) -> None:
    """Type, message and traceback, which names the target's own line."""
    with pytest.raises(errors.TargetRaised) as caught:
        worker.call("raise_plainly", {"message": "shapes do not fit"})
    assert (caught.value.exception, caught.value.message) == ("ValueError", "shapes do not fit")
    assert 'raise ValueError(header["message"])' in caught.value.traceback


@pytest.mark.parametrize(
    ("method", "exception", "message"),
    [
        ("raise_unprintable", "_UnprintableError", "(its text cannot be had: __str__ raised KeyboardInterrupt)"),
        ("raise_surrogate", "ValueError", "\\udc80"),
        ("raise_interrupt", "KeyboardInterrupt", ""),
        ("recurse", "RecursionError", "maximum recursion depth exceeded"),
    ],
)
def test_odd_exceptions_arrive(method: str, exception: str, message: str, worker: Worker) -> None:
    """One that cannot be printed, one that cannot be encoded, one that is no Exception, one from a full stack."""
    with pytest.raises(errors.TargetRaised) as caught:
        worker.call(method)
    assert caught.value.exception == exception
    assert caught.value.message.startswith(message)
    assert str(caught.value).encode("utf-8")
    assert worker.call("echo", {"a": 1})[0] == {"a": 1}


def test_a_huge_message_is_cut_in_the_middle(worker: Worker) -> None:
    """Both ends stay, and the message says how much is left out."""
    with pytest.raises(errors.TargetRaised) as caught:
        worker.call("raise_much")
    message = caught.value.message
    assert len(message) < 5000
    assert len(caught.value.traceback) < 5000
    assert message.startswith("begin")
    assert message.endswith("end")
    assert "9996008 characters left out" in message


@pytest.mark.parametrize("kind", ["unusable", "own"])
def test_a_refusal_arrives_as_its_class_with_its_fields(kind: str, worker: Worker) -> None:
    """TargetUnusableError, or a subclass that the parent does not know, has target, why and what_to_do."""
    with pytest.raises(errors.TargetUnusableError) as caught:
        worker.call("refuse", {"with": kind})
    expected = errors.TargetUnusableError("my:LSTM", "it has no parameters.", "Register them.")
    fields = {name: value for name, value in vars(caught.value).items() if name != "__notes__"}
    assert type(caught.value) is errors.TargetUnusableError
    assert fields == vars(expected)
    assert str(caught.value) == str(expected)
    assert "misbehaving.py" in caught.value.__notes__[0]


def test_other_errors_of_ours_arrive_as_their_class(worker: Worker) -> None:
    """UnknownNameError and TargetAnswer arrive as what they are, with their text."""
    with pytest.raises(errors.UnknownNameError, match=r"There is no cell 'lstn'\. Did you mean lstm"):
        worker.call("refuse", {"with": "unknown"})
    with pytest.raises(errors.TargetAnswer, match="y of shape"):
        worker.call("refuse", {"with": "answer"})


def test_a_refusal_at_opening_arrives_at_every_call() -> None:
    """Each call tries to open the target again and says why it cannot."""
    with start("misbehaving:refuse_to_open") as worker:
        for _ in range(2):
            with pytest.raises(errors.TargetUnusableError) as caught:
                worker.call("echo")
            assert str(caught.value) == "my:LSTM cannot be checked: it cannot be imported. Install it."


# -- it answers with the wrong thing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("nothing", "answered with NoneType, not with a pair"),
        ("objects", "the array 'y' of dtype object"),
        ("list", "'y' of type list, not a NumPy array"),
        ("structure", "the array 'y' of dtype"),
        ("set", "header entry 'seen' of type set, which is not JSON"),
        ("loop", "header entry 'itself' of type dict, which is not JSON"),
        ("key", "header with a key of type int"),
        ("header", "header of type list"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_named(kind: str, says: str, worker: Worker) -> None:
    """Nothing is converted or dropped in silence, and the process goes on."""
    with pytest.raises(errors.TargetAnswer, match=f"^answered with .*{says}" if says[0] != "a" else f"^{says}"):
        worker.call("answer_wrongly", {"kind": kind})
    assert worker.call("echo", {"a": 1})[0] == {"a": 1}


# -- it makes more of itself ---------------------------------------------------------------------------------


def test_a_target_that_forks_answers_once(worker: Worker) -> None:
    """The copy that comes back from the call as well does not answer in the original's place."""
    assert worker.call("fork")[0] == {"is_child": False}
    for number in range(20):
        assert worker.call("echo", {"number": number})[0] == {"number": number}


@pytest.mark.parametrize("daemon", [True, False])
def test_a_thread_of_the_target_does_not_keep_the_process(worker: Worker, *, daemon: bool) -> None:
    """The process ends with its worker whatever threads run in it."""
    pid = pid_of(worker)
    worker.call("start_daemon_thread", {"daemon": daemon})
    assert worker.call("echo", {"a": 1})[0] == {"a": 1}
    worker.close()
    assert has_ended(pid)


# -- the caller's side ---------------------------------------------------------------------------------------


def test_a_worker_that_is_never_asked_starts_nothing() -> None:
    """The process starts with the first call, so an opener that does not exist goes unnoticed until then."""
    with start("no_such_module:f") as worker:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        worker.call("echo")


def test_close_ends_the_process_and_further_calls(worker: Worker) -> None:
    """Closing twice is allowed, calling afterwards is not."""
    pid = pid_of(worker)
    worker.close()
    worker.close()
    assert has_ended(pid)
    with pytest.raises(RuntimeError, match="closed"):
        worker.call("echo")


def test_close_ends_a_call_of_another_thread(worker: Worker) -> None:
    """A call that waits is not blamed on the target when its worker is closed."""
    pid_of(worker)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(worker.call, "sleep")
        while not waiting.running():
            time.sleep(0.001)
        worker.close()
        with pytest.raises(RuntimeError, match="closed"):
            waiting.result()


def test_a_worker_that_is_forgotten_ends_its_process() -> None:
    """The process dies with the object."""
    worker = start()
    pid = pid_of(worker)
    del worker
    assert has_ended(pid)


def test_an_interrupt_of_the_caller_kills_the_process_and_goes_on(worker: Worker) -> None:
    """KeyboardInterrupt passes through, and the answer to the abandoned call meets no other call."""
    pid = pid_of(worker)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            worker.call("interrupt_the_caller")
    finally:
        signal.signal(signal.SIGINT, before)
    assert has_ended(pid)
    assert worker.call("echo", {"a": 1})[0] == {"a": 1}


CALLER = """
import os, signal, sys, threading
from ltdcheck.runner.isolation import Worker
worker = Worker({}, opener="misbehaving:open_target")
print(worker.call("facts")[0]["pid"], flush=True)
how = sys.argv[1]
if how == "killed while it holds the interpreter":
    threading.Thread(target=worker.call, args=("hold_the_interpreter",), daemon=True).start()
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "raises":
    raise ValueError
if how == "forks":
    if os.fork() == 0:
        del worker
        sys.exit()
    os.wait()
    print(worker.call("echo", {"a": 1})[0], flush=True)
"""


@pytest.mark.parametrize("how", ["ends", "raises", "killed", "killed while it holds the interpreter", "forks"])
def test_no_process_outlives_its_caller(how: str) -> None:
    """It ends at the caller's end, exception or SIGKILL, in native code too; the end of a fork is not the caller's."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment, text=True,
    )  # fmt: skip
    assert caller.stdout is not None
    pid = int(caller.stdout.readline())
    rest, _ = caller.communicate("\n")
    assert has_ended(pid)
    assert rest.strip() == ("{'a': 1}" if how == "forks" else "")


def test_without_the_kernels_help_a_thread_watches_the_lifeline() -> None:
    """Where fcntl has no F_SETSIG, the process group dies of a thread that reads the lifeline to its end."""
    code = (
        "import fcntl, sys, time; del fcntl.F_SETSIG; from ltdcheck.runner import worker;"
        "worker.die_with_parent(int(sys.argv[1])); print('watching', flush=True); time.sleep(1e6)"
    )
    if not hasattr(child_side.fcntl, "F_SETSIG"):
        code = code.replace("del fcntl.F_SETSIG; ", "")
    lifeline, kept = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(lifeline)], pass_fds=[lifeline], stdout=subprocess.PIPE,
        start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    os.close(lifeline)
    assert child.stdout is not None
    assert child.stdout.readline() == b"watching\n"
    os.close(kept)
    assert child.wait(60) == -signal.SIGKILL
    child.stdout.close()
