from __future__ import annotations

import threading

from specnet.engines.notices import notices, notify


def test_only_the_innermost_listener_hears():
    outer, inner = [], []
    with notices(outer.append):
        with notices(inner.append):
            notify("one")
        notify("two")
    notify("three")
    assert (outer, inner) == (["two"], ["one"])


def test_what_is_said_once_is_said_once_to_each_listener():
    outer, inner = [], []
    with notices(outer.append):
        for _ in range(2):
            notify("one", once=True)
            notify("two")
        with notices(inner.append):
            notify("one", once=True)
    assert (outer, inner) == (["one", "two", "two"], ["one"])


def test_other_threads_have_listeners_of_their_own():
    messages = []
    with notices(messages.append):
        thread = threading.Thread(target=notify, args=("other",))
        thread.start()
        thread.join()
    assert messages == []
