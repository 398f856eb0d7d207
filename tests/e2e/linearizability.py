"""Whether a recorded history could have happened one operation after the other.

The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993) with Lowe's memory of what
was tried: an operation takes effect at one moment between its call and its answer, and what the answers say
must be what the sequential model would have said in that order.
"""

from typing import NamedTuple


class Operation(NamedTuple):
    """A call with its answer, and the moments of both on one clock."""

    start: int
    end: int
    call: tuple
    answer: tuple


def violation(history, step, initial):
    """None if the history is linearizable, else the operations at which no order goes on.

    `step(state, call, answer)` is the state after a call that was answered so, or None where the model
    would not have answered so. States are hashable.
    """
    history = sorted(history)
    stack, tried, furthest = [(0, 0, initial)], set(), (-1, [])
    while stack:
        # All before `first` have taken effect, and those after it whose bit is in `done`.
        config = stack.pop()
        if config in tried:
            continue
        tried.add(config)
        first, done, state = config
        if first == len(history):
            return None
        candidates = _candidates(history, first, done)
        furthest = max(furthest, (first + done.bit_count(), candidates), key=lambda seen: seen[0])
        found = []
        for index in candidates:
            after = step(state, history[index].call, history[index].answer)
            if after is None:
                continue
            found.append((*_advanced(first, done, index), after))
            if after == state:
                # What changes nothing may as well happen now: whatever goes on without it goes on with it.
                found = found[-1:]
                break
        stack.extend(reversed(found))
    return [history[index] for index in furthest[1]]


def _candidates(history, first, done) -> list[int]:
    """Those that may be next: no other one has ended before they began. The first to end comes first."""
    open_ones, earliest_end = [], None
    for index in range(first, len(history)):
        if done >> (index - first) & 1:
            continue
        if earliest_end is not None and history[index].start > earliest_end:
            break
        open_ones.append(index)
        earliest_end = history[index].end if earliest_end is None else min(earliest_end, history[index].end)
    return sorted(
        (index for index in open_ones if history[index].start <= earliest_end), key=lambda index: history[index].end
    )


def _advanced(first, done, index):
    done |= 1 << (index - first)
    while done & 1:
        first, done = first + 1, done >> 1
    return first, done


class Alias(NamedTuple):
    """An alias and its policy, as the service promises them (facts/aws-lambda.md §1.8, §1.9, §2, §6.4)."""

    revision: str
    description: str
    # The policy's statements in their order; none, no policy.
    sids: tuple = ()
    # None while nobody has read it: no caller can know it, so nobody's expectation matches it.
    policy_revision: str | None = None
    # Revisions that are over. None of them comes back.
    over: frozenset = frozenset()


def step(state: Alias, call, answer):
    """The state of an alias after a call that was answered so, or None."""
    return _STEPS[call[0]](state, call[1:], answer)


def _is_stale(state, expected):
    """Without a policy the alias's own revision counts."""
    return expected is not None and expected != (state.policy_revision if state.sids else state.revision)


def _with_sids(state, sids):
    over = state.over | {state.policy_revision} if state.policy_revision else state.over
    return state._replace(sids=sids, policy_revision=None, over=over)


def _add(state, call, answer):
    sid, expected = call
    if _is_stale(state, expected):
        return state if answer == ("stale",) else None
    if sid in state.sids:
        return state if answer == ("exists",) else None
    return _with_sids(state, (*state.sids, sid)) if answer == ("done",) else None


def _remove(state, call, answer):
    sid, expected = call
    if not state.sids:
        return state if answer == ("missing",) else None
    if _is_stale(state, expected):
        return state if answer == ("stale",) else None
    if sid not in state.sids:
        return state if answer == ("missing",) else None
    kept = tuple(other for other in state.sids if other != sid)
    return _with_sids(state, kept) if answer == ("done",) else None


def _read_policy(state, _call, answer):
    if not state.sids or answer == ("missing",):
        return state if not state.sids and answer == ("missing",) else None
    sids, revision = answer
    known = state.policy_revision
    fits = revision == known if known else revision not in state.over and revision != state.revision
    return state._replace(policy_revision=revision) if fits and sids == state.sids else None


def _update(state, call, answer):
    description, expected = call
    if expected not in (None, state.revision):
        return state if answer == ("stale",) else None
    if answer == ("stale",) or answer[0] != description:
        return None
    revision = answer[1]
    if revision in state.over or revision in (state.revision, state.policy_revision):
        return None
    return state._replace(description=description, revision=revision, over=state.over | {state.revision})


def _read_alias(state, _call, answer):
    return state if answer == (state.description, state.revision) else None


_STEPS = {
    "add": _add,
    "remove": _remove,
    "policy": _read_policy,
    "update": _update,
    "alias": _read_alias,
}
