"""The search on many machines: an engine on Dask distributed, which schedules and retries.

Bars and grid are sent once to each worker; a task is a block number or a resample number. A block
of a lost worker runs again elsewhere, and the answers are put together by number.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeVar

from distributed import Client, LocalCluster
from distributed.client import Future

from palmbot.domain.errors import InputInvalid, TransientError
from palmbot.research.engines import NullJob, SweepJob
from palmbot.research.sweep import Prepared
from palmbot.research.table import SweepTable

CONNECT_S: Final = 5.0
"""A scheduler in the same network answers within a second."""

Task = TypeVar("Task")
Answer = TypeVar("Answer")


@lru_cache(maxsize=1)
def _prepare_once(job: SweepJob) -> Prepared:
    """Prepare a job once in each worker: a scattered job is one object there."""
    return job.prepare()


def _run_block(job: SweepJob, block: range) -> SweepTable:
    return job.run(_prepare_once(job), block)


def _search(job: NullJob, number: int) -> float:
    return job.search(number)


class DaskEngine:
    """Implements `Engine` on the workers of a connected scheduler."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def workers(self) -> int:
        """Threads of all workers that are there now."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def run_blocks(self, job: SweepJob, blocks: Sequence[range]) -> Iterator[SweepTable]:
        """See `Engine`."""
        return self._map(_run_block, job, blocks)

    def search(self, job: NullJob, numbers: Sequence[int]) -> Iterator[float]:
        """See `Engine`."""
        return self._map(_search, job, numbers)

    def _map(
        self,
        work: Callable[[Any, Task], Answer],
        job: SweepJob | NullJob,
        tasks: Sequence[Task],
    ) -> Iterator[Answer]:
        futures: list[Future[Any]] = []
        try:
            sent = self._client.scatter(job, broadcast=True, hash=False)
            futures = [self._client.submit(work, sent, task, pure=False) for task in tasks]
            for future in futures:
                answer: Answer = future.result()
                future.release()
                yield answer
        except (OSError, TimeoutError) as e:
            raise TransientError(
                f"the Dask scheduler or its workers are gone ({e}); start them and run the same "
                "command again, it goes on where it stopped."
            ) from e
        finally:
            for future in futures:
                if not future.done():
                    future.cancel()


@contextmanager
def connect(address: str | None, workers: int) -> Iterator[DaskEngine]:
    """Connect to a scheduler, or start a cluster on this machine for the time being.

    Args:
        address: Of a scheduler, as in tcp://10.0.0.5:8786; None for a cluster of our own.
        workers: Processes of a cluster of our own.

    Raises:
        InputInvalid: no scheduler answers at the address, or it has no workers.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if address is None:
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            yield DaskEngine(client)
        return
    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, TimeoutError, ValueError) as e:
        raise InputInvalid(
            f"--address: no Dask scheduler answers at {address}; start one with `dask scheduler`, "
            "or leave the option out for a cluster on this machine."
        ) from e
    with client:
        if not client.nthreads():
            raise InputInvalid(
                f"--address: the scheduler at {address} has no workers; start some with "
                f"`dask worker {address}`."
            )
        yield DaskEngine(client)
