"""One replica under iteration-level batching: its queue, batch and cache as time passes.

An iteration gives every generating sequence one token, and computes prompts as the deployment's limits say. Between
events (an arrival that can be admitted, an answer that ends, a cache that is full, a window that is full) iterations
differ only in the tokens they attend to, along a line, so any number of them is taken in one step. `stepwise` takes
them one by one, which must give the same times.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict, deque
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from allometry.costs.flops import attended as attended_pairs
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.prefixes import Prefixes
from allometry.costs.serving.step_times import Prefill, StepTimes
from allometry.costs.serving.timeline import Requests, Timeline
from allometry.costs.serving.traces import NONE

# Published: vLLM admits a request only if a hundredth of the cache stays free, lest it be preempted at once
# (`watermark` of its block manager, v0.6).
WATERMARK = 0.01
_Due = list[tuple[int, int, "_Sequence"]]


@dataclass(slots=True, eq=False)
class _Sequence:
    """A request on the replica: `held` tokens in the cache once its prompt is computed, of which `left` to compute."""

    request: int
    order: int
    held: int
    left: int
    produced: int
    shared: int
    started: int = NONE  # the decoding iteration behind which it joined, or NONE while its prompt is computed
    gone: bool = False


@dataclass(slots=True)
class _Queue:
    """Requests that will arrive, and those that wait; who waits for which step, and how many each still lacks."""

    future: list[tuple[float, int]]
    missing: list[int]
    waiting: deque[int] = field(default_factory=deque)
    open: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


class Replica:
    """A replica that serves its requests; `run` once, then read `told`."""

    def __init__(self, requests: Requests, deployment: Deployment, times: StepTimes, stepwise: bool = False) -> None:
        size = len(requests.arrival)
        self.requests, self.times, self.stepwise = requests, times, stepwise
        self.kept, self.layers, self.window = deployment.layer_tokens, deployment.shape.layers, deployment.shape.window
        self.near = deployment.shape.window_layers if self.window is not None else 0
        self.far = self.layers - self.near
        self.room = deployment.layer_token_room
        self.spare = math.floor(WATERMARK * self.room)
        self.max_batch, self.batch_tokens = deployment.max_batch, deployment.batch_tokens
        self.chunked = deployment.chunked
        self.told = Timeline(list(requests.arrival), [math.nan] * size, [math.nan] * size)
        self.produced = [0] * size
        self.queue = _queue(requests)
        self.prefixes = Prefixes(self.kept)
        self.running: dict[int, _Sequence] = {}
        self.filling: deque[_Sequence] = deque()
        self.due: _Due = []
        self.windows: _Due = []
        self.now, self.order, self.iteration = 0.0, 0, 0
        self.attended, self.growth, self.reserved = 0, 0, 0

    @property
    def used(self) -> int:
        """What the cache must hold in the next iteration."""
        return self.attended + self.reserved + self.prefixes.used

    def run(self) -> Timeline:
        """Serve every request, and tell when."""
        while True:
            self._receive()
            self._admit()
            if self.filling:
                self._prefill()
            elif self.running:
                self._decode()
            elif self.queue.future:
                self.now = self.queue.future[0][0]
            elif self.queue.waiting:
                raise AssertionError("a request waits for room on an empty replica")
            else:
                return self.told

    # arrivals and admission

    def _receive(self) -> None:
        future, waiting = self.queue.future, self.queue.waiting
        while future and future[0][0] <= self.now:
            waiting.append(heappop(future)[1])

    def _admit(self) -> None:
        """First come, first served, as long as the batch, the iteration and the cache have room."""
        waiting = self.queue.waiting
        if not waiting:
            return
        tokens = sum(sequence.left for sequence in self.filling)
        budget = self.batch_tokens - (len(self.running) - len(self.filling) if self.chunked else 0)
        while waiting and len(self.running) < self.max_batch:
            sequence = self._next(waiting[0])
            full = tokens >= budget if self.chunked else bool(self.filling) and tokens + sequence.left > budget
            if full or not self._reserve(sequence):
                return
            waiting.popleft()
            tokens += sequence.left

    def _next(self, request: int) -> _Sequence:
        """The sequence of a request: what it has produced before a preemption is computed anew with its prompt."""
        asked, produced = self.requests, self.produced[request]
        held, shared = asked.prompt[request] + produced, asked.shared[request]
        reused = min(shared, self.prefixes.length(asked.prefix[request])) if shared else 0
        return _Sequence(request, self.order, held, max(1, held - reused), produced, shared)

    def _reserve(self, sequence: _Sequence) -> bool:
        """Take room for a sequence's prompt and its next token, giving up prefixes nobody uses."""
        prefix = self.requests.prefix[sequence.request]
        own = self.kept(sequence.held + 1)
        room = self.room - (self.spare if self.running else 0)
        while self.used + own + (self.prefixes.need(prefix, sequence.shared) if sequence.shared else 0) > room:
            if not self.prefixes.evict(prefix, sequence.shared):
                return False
        if sequence.shared:
            self.prefixes.join(prefix, sequence.shared)
        self.reserved += own
        self.order += 1
        self.running[sequence.order] = sequence
        self.filling.append(sequence)
        self.told.reused += sequence.held - sequence.left
        return True

    # iterations

    def _prefill(self) -> None:
        """One iteration that computes prompts, beside the generating sequences where they are chunked."""
        if self.chunked and len(self.running) > len(self.filling):
            self._make_room()
        batch = len(self.running) - len(self.filling) if self.chunked else 0
        budget = self.batch_tokens - batch if self.chunked else sys.maxsize
        tokens = sequences = read = 0
        pairs = 0.0
        for sequence in self.filling:
            taken = min(sequence.left, budget)
            cached = sequence.held - sequence.left
            sequences += 1
            tokens += taken
            pairs += self._pairs(taken, cached)
            read += self.kept(cached + taken)
            sequence.left -= taken
            budget -= taken
            if not budget:
                break
        work = Prefill(tokens, sequences, pairs / self.layers, read / self.layers)
        self.told.prefilled += tokens
        self._pass(self.times.step_seconds(work, batch, self.attended / self.layers if batch else 0.0), 1)
        if batch:
            self._advance(1, batch)
        while self.filling and self.filling[0].left == 0:
            self._start(self.filling.popleft())

    def _pairs(self, tokens: int, cached: int) -> float:
        far = self.far * attended_pairs(tokens, cached)
        return far + self.near * attended_pairs(tokens, cached, self.window) if self.near else far

    def _decode(self) -> None:
        """As many iterations without prompts as pass before something changes."""
        freed = self._make_room()
        batch = len(self.running)
        pace = self.times.pace(batch, self.attended / self.layers)
        slope = pace.slope * self.growth / self.layers
        steps = 1
        if not (self.stepwise or freed):  # what was freed may let the next request in behind this iteration
            steps = self._steps(pace.until)
            if self.queue.future and not self.queue.waiting and batch < self.max_batch:
                steps = min(steps, _steps_until(self.queue.future[0][0] - self.now, pace.seconds, slope, steps))
        self._pass(_duration(steps, pace.seconds, slope), steps)
        self._advance(steps, batch)

    def _steps(self, until: float) -> int:
        """Iterations until an answer ends, a window or the cache is full, or the pace changes."""
        steps = self.due[0][0] - self.iteration
        if self.windows:
            steps = min(steps, self.windows[0][0] - self.iteration)
        if self.growth:
            steps = min(steps, (self.room - self.used) // self.growth + 1)
            if until < math.inf:
                steps = min(steps, max(1, math.floor((until * self.layers - self.attended) / self.growth) + 1))
        return max(1, steps)

    def _pass(self, seconds: float, iterations: int) -> None:
        told = self.told
        self.now += seconds
        told.busy += seconds
        told.iterations += iterations
        told.batches += seconds * len(self.running)
        told.most = max(told.most, len(self.running))

    def _advance(self, steps: int, batch: int) -> None:
        """A token for each generating sequence in each of these iterations, and what ends with the last."""
        self.iteration += steps
        self.told.peak = max(self.told.peak, self.used + (steps - 1) * self.growth)
        self.attended += steps * self.growth
        self.told.generated += steps * batch
        for sequence in self._reached(self.windows):
            self.growth -= self.near if not sequence.gone else 0
        for sequence in self._reached(self.due):
            if not sequence.gone:
                self._finish(sequence)
        _drop_gone(self.due)
        _drop_gone(self.windows)

    def _reached(self, heap: _Due) -> list[_Sequence]:
        found = []
        while heap and heap[0][0] <= self.iteration:
            found.append(heappop(heap)[2])
        return found

    # sequences

    def _start(self, sequence: _Sequence) -> None:
        """The prompt is computed: it gave a token, and the sequence generates from now on."""
        request, told = sequence.request, self.told
        self.reserved -= self.kept(sequence.held + 1)
        sequence.started = self.iteration
        sequence.produced += 1
        told.generated += 1
        if math.isnan(told.first[request]):
            told.first[request] = self.now
        position = sequence.held + 1
        self.attended += self.kept(position)
        self.growth += self._slope(position)
        left = self.requests.generated[request] - sequence.produced
        if not left:
            self._finish(sequence)
            return
        heappush(self.due, (self.iteration + left, sequence.order, sequence))
        if self.near and self.window is not None and position < self.window:
            heappush(self.windows, (self.iteration + self.window - position, sequence.order, sequence))

    def _slope(self, position: int) -> int:
        return self.far + (self.near if self.window is not None and position < self.window else 0)

    def _leave(self, sequence: _Sequence) -> None:
        """Take a sequence and what it keeps off the replica."""
        sequence.gone = True
        del self.running[sequence.order]
        if sequence.started == NONE:
            self.reserved -= self.kept(sequence.held + 1)
        else:
            position = sequence.held + 1 + self.iteration - sequence.started
            self.attended -= self.kept(position)
            self.growth -= self._slope(position)
        if sequence.shared:
            self.prefixes.leave(self.requests.prefix[sequence.request], sequence.shared)

    def _finish(self, sequence: _Sequence) -> None:
        self._leave(sequence)
        request, queue = sequence.request, self.queue
        self.told.finish[request] = self.now
        if self.requests.kept[request]:
            self.prefixes.grow(self.requests.prefix[request], self.requests.kept[request])
        step = self.requests.step[request]
        if step == NONE:
            return
        queue.open[step] -= 1
        if queue.open[step] == 0:
            for child in queue.children.pop(step, ()):
                queue.missing[child] -= 1
                if queue.missing[child]:
                    continue
                ready = max(self.now + self.requests.think[child], self.requests.arrival[child])
                self.told.ready[child] = ready
                heappush(queue.future, (ready, child))

    def _make_room(self) -> bool:
        """Give up idle prefixes, then preempt those admitted last, until the next iteration fits; whether any had to."""
        full = self.used > self.room
        while self.used > self.room:
            if not self.prefixes.evict():
                self._preempt(self.running[next(reversed(self.running))])
        return full

    def _preempt(self, sequence: _Sequence) -> None:
        if sequence.started == NONE:
            self.filling.remove(sequence)
        else:
            self.produced[sequence.request] = sequence.produced + self.iteration - sequence.started
        self._leave(sequence)
        self.queue.waiting.appendleft(sequence.request)
        self.told.preemptions += 1
        _drop_gone(self.due)
        _drop_gone(self.windows)


def _queue(requests: Requests) -> _Queue:
    waits = [[step for step in after if step != NONE] for after in requests.after]
    free = [(time, i) for i, time in enumerate(requests.arrival) if not waits[i]]
    heapify(free)
    queue = _Queue(free, missing=[len(steps) for steps in waits])
    for i, step in enumerate(requests.step):
        if step != NONE:
            queue.open[step] += 1
        for awaited in waits[i]:
            queue.children[awaited].append(i)
    return queue


def _drop_gone(heap: _Due) -> None:
    while heap and heap[0][2].gone:
        heappop(heap)


def _duration(steps: int, seconds: float, slope: float) -> float:
    """Seconds of iterations of which each takes `slope` longer than the one before."""
    return steps * seconds + slope * (steps * (steps - 1) / 2)


def _steps_until(wait: float, seconds: float, slope: float, most: int) -> int:
    """The fewest iterations that last at least `wait`: the root of their duration, mended for rounding."""
    half = seconds - slope / 2
    root = 2 * wait / (half + math.sqrt(half * half + 2 * slope * wait)) if slope > 0 else wait / seconds
    steps = max(1, min(most, math.ceil(root)))
    while steps > 1 and _duration(steps - 1, seconds, slope) >= wait:
        steps -= 1
    while steps < most and _duration(steps, seconds, slope) < wait:
        steps += 1
    return steps
