"""Properties that are computed once: without a lock, for which threads would wait for each other."""

from __future__ import annotations

import threading

from eagerflow.capture.programs.computed_once import computed_once


class Program:
    def __init__(self):
        self.other = None
        self.begun, self.both, self.count = threading.Event(), None, 0

    @computed_once
    def needed(self):
        self.count += 1
        self.begun.set()
        if self.both is not None:
            self.both.wait(5)
        return 1 if self.other is None else 1 + self.other.run

    @computed_once
    def run(self):
        """What runs."""
        self.begun.set()
        if self.both is not None:
            self.both.wait(5)
        return 1 if self.other is None else 1 + self.other.needed


def test_it_is_computed_when_it_is_asked_for_and_once():
    program = Program()
    assert (program.count, program.needed, program.needed, program.count) == (0, 1, 1, 1)
    assert Program.run.__doc__ == "What runs."


def test_threads_that_compute_two_properties_of_a_class_do_not_wait_for_each_other():
    first, second, found = Program(), Program(), []
    first.other, second.other = Program(), Program()
    first.both = second.both = threading.Event()
    threads = [
        threading.Thread(target=lambda: found.append(first.needed), daemon=True),
        threading.Thread(target=lambda: found.append(second.run), daemon=True),
    ]
    for thread in threads:
        thread.start()
    assert first.begun.wait(5)
    assert second.begun.wait(5)
    first.both.set()  # each is in its own property, and asks for the other one
    for thread in threads:
        thread.join(5)
    assert found == [2, 2]
