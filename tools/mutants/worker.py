"""One process that holds the collected tests and forks once for every mutant."""

import ast
import importlib
import inspect
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from operators import Mutant, list_mutants, make_mutant

MEMORY_BYTES_MAX = 4 << 30
"""A mutant that fills the memory has been noticed."""
CPU_S_MIN = 5.0
"""So much CPU time a mutant gets at least before it counts as running for ever."""
EXAMPLES_MAX = 25
CHOICE = "not real_series and not crash_of_the_gold"
"""Without the tests that read price files: their reader has threads, which no fork survives."""
MARK = "__called__"
VALUES = (int, float, tuple, frozenset)
OUT = os.dup(1)
"""Where the outcomes go; tests print elsewhere."""


def main(tests: list[str]) -> int:
    """Read the keys of the mutants from stdin, write one outcome a line to stdout."""
    mutants = _find([str(each) for each in json.load(sys.stdin)])
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    arguments = ["-q", "-n", "0", "-p", "no:cacheprovider", "-o", "timeout=0", "-k", CHOICE]
    judge = Judge(mutants)
    code = pytest.main([*arguments, *tests], plugins=[Examples(), judge])
    if judge.problem:
        print(judge.problem, file=sys.stderr)
    return int(bool(judge.problem) or code not in {0, pytest.ExitCode.NO_TESTS_COLLECTED})


class Examples:
    """A pytest plugin that has property tests draw few examples, and the same every time.

    The first that fails is enough: none is made smaller.
    """

    def pytest_configure(self) -> None:
        """Choose before the tests are imported."""
        import hypothesis  # noqa: PLC0415 - pytest wants to see it first

        hypothesis.settings.register_profile(
            "mutants",
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=EXAMPLES_MAX,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        )
        hypothesis.settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let no test have more examples by settings of its own, state machines included."""
        import hypothesis  # noqa: PLC0415 - as above

        for item in items:
            for holder, name in (
                (getattr(item, "obj", None), "_hypothesis_internal_use_settings"),
                (getattr(item, "cls", None), "settings"),
            ):
                own = getattr(holder, name, None)
                if isinstance(own, hypothesis.settings):
                    fewer = min(own.max_examples, EXAMPLES_MAX)
                    setattr(holder, name, hypothesis.settings(own, max_examples=fewer))


class Judge:
    """A pytest plugin in the place of the loop over the tests."""

    def __init__(self, mutants: list[Mutant]) -> None:
        self._mutants = mutants
        self._runs: dict[tuple[str, int], set[int]] = {}
        """By module and first line of a statement: the tests that run it, by their place."""
        self._place = 0
        self._seconds: list[float] = []
        self.problem = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every test once, then every mutant."""
        if not self._mutants:
            return True
        functions = {(each.module, each.qualname) for each in self._mutants if each.qualname}
        originals = [self._mark(module, qualname) for module, qualname in sorted(functions)]
        for place, item in enumerate(session.items):
            self._place = place
            began_s = time.process_time()
            if not _is_passed(item):
                self.problem = f"{item.nodeid} fails without any mutant"
                return True
            self._seconds.append(time.process_time() - began_s)
        for function, code in originals:
            function.__code__ = code
        for mutant in self._mutants:
            places = self._find_tests(mutant)
            seconds = sum(self._seconds[place] for place in places)
            run = lambda m=mutant, p=places: _run_items(m, [session.items[each] for each in p])  # noqa: E731
            _tell(mutant, _fork(run, max(CPU_S_MIN, 5 * seconds)) if places else "unreached")
        return True

    def _mark(self, path: Path, qualname: str) -> tuple[FunctionType, CodeType]:
        """Let every statement of a function say that it is run; return it with the code it had."""
        module = _import(path)
        function = _find_function(module, qualname)
        tree = ast.parse(path.read_text())
        _mark_statements(_find_node(tree, qualname).body, path)
        module.__dict__[MARK] = self._note_run
        original = function.__code__
        _put_code(function, ast.fix_missing_locations(tree), path)
        return function, original

    def _note_run(self, path: str, line: int) -> None:
        self._runs.setdefault((path, line), set()).add(self._place)

    def _find_tests(self, mutant: Mutant) -> list[int]:
        """Return the tests that run the statement, quickest first."""
        places = set(range(len(self._seconds)))
        if mutant.qualname:
            node = _find_node(ast.parse(mutant.module.read_text()), mutant.qualname)
            line = _find_statement(node, mutant.line)
            places = self._runs.get((str(mutant.module), line), set())
        return sorted(places, key=lambda place: self._seconds[place])


def _mark_statements(body: list[ast.stmt], path: Path) -> None:
    """Put before every statement, also of inner blocks, a call that names its first line."""
    for place in reversed(range(len(body))):
        statement = body[place]
        for inner in _blocks_of(statement):
            _mark_statements(inner, path)
        mark = ast.parse(f"{MARK}({str(path)!r}, {statement.lineno})").body[0]
        body.insert(place, ast.copy_location(mark, statement))


def _blocks_of(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    parts = (
        statement,
        *getattr(statement, "handlers", ()),
        *getattr(statement, "cases", ()),
    )
    for part in parts:
        for field in ("body", "orelse", "finalbody"):
            if block := getattr(part, field, None):
                yield block


def _find_statement(function: ast.FunctionDef, line: int) -> int:
    """Return the first line of the innermost statement that holds a line."""
    return max(
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    )


def _is_passed(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _run_items(mutant: Mutant, items: list[pytest.Item]) -> bool:
    """Put the changed code in place and run tests; False once one fails."""
    if mutant.qualname:
        function = _find_function(_import(mutant.module), mutant.qualname)
        _put_code(function, make_mutant(mutant), mutant.module)
    else:
        _put_numbers(mutant)
    return all(_is_passed(item) for item in items)


def _put_numbers(mutant: Mutant) -> None:
    """Give a module, and whoever took them from it, the values that it has in a changed text."""
    module = _import(mutant.module)
    changed = ModuleType(module.__name__)
    exec(compile(make_mutant(mutant), str(mutant.module), "exec"), changed.__dict__)  # noqa: S102
    for name, new in vars(changed).items():
        old = vars(module).get(name)
        if isinstance(new, type) and isinstance(old, type) and "__init__" in vars(new):
            _put_defaults(old, new)
        elif isinstance(new, dict) and name.isupper() and new != old:
            old.clear()
            old.update(new)
        elif isinstance(new, VALUES) and new != old:
            for other in tuple(sys.modules.values()):
                if vars(other).get(name) is old:
                    setattr(other, name, new)


def _put_defaults(old: Any, new: Any) -> None:  # noqa: ANN401 - two classes of the same name
    """Let a dataclass have other defaults."""
    defaults = new.__init__.__kwdefaults__ or {}
    for name, value in defaults.items():
        if isinstance(value, VALUES):
            old.__init__.__kwdefaults__[name] = value


def _fork(run: Callable[[], bool], cpu_s_max: float) -> str:
    """Return how a mutant fared in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
            signal.setitimer(signal.ITIMER_PROF, cpu_s_max)
            signal.setitimer(signal.ITIMER_REAL, 20 * cpu_s_max)
            is_passed = run()
        except BaseException:  # noqa: BLE001 - whatever it is, the mutant caused it
            is_passed = False
        os._exit(0 if is_passed else 1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "stuck"
    return "survived" if status == 0 else "killed"


def _tell(mutant: Mutant, outcome: str) -> None:
    key = f"{mutant.module.as_posix()}#{mutant.number}"
    os.write(OUT, (json.dumps([key, outcome]) + "\n").encode())


def _find(keys: list[str]) -> list[Mutant]:
    by_module: dict[str, dict[int, Mutant]] = {}
    found = []
    for key in keys:
        path, number = key.split("#")
        if path not in by_module:
            by_module[path] = {each.number: each for each in list_mutants(Path(path))}
        found.append(by_module[path][int(number)])
    return found


def _find_function(module: ModuleType, qualname: str) -> FunctionType:
    found: Any = module
    for part in qualname.split("."):
        found = inspect.getattr_static(found, part)
    if isinstance(found, property):
        found = found.fget
    if not isinstance(found, FunctionType):
        raise TypeError(f"{qualname} of {module.__name__} is no plain function")
    return found


def _find_node(tree: ast.Module, qualname: str) -> ast.FunctionDef:
    found: Any = tree
    for part in qualname.split("."):
        found = next(each for each in found.body if getattr(each, "name", "") == part)
    assert isinstance(found, ast.FunctionDef)
    return found


def _put_code(function: FunctionType, tree: ast.Module, path: Path) -> None:
    """Give a function the code that it has in a changed module."""
    wanted = (function.__code__.co_qualname, function.__code__.co_firstlineno)
    function.__code__ = next(
        each
        for each in _walk_code(compile(tree, str(path.resolve()), "exec"))
        if (each.co_qualname, each.co_firstlineno) == wanted
    )


def _walk_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _walk_code(constant)


def _name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts[1:])


def _import(path: Path) -> ModuleType:
    return importlib.import_module(_name_of(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
