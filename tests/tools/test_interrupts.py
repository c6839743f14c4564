import contextlib
import signal
import threading

import pytest

from keras_hypersphere.tools.interrupts import kept_interrupts


def test_an_interrupt_that_got_lost_is_raised_again():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), kept_interrupts() as check:
        check()
        # As a library does with an error in its callback.
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
            pytest.fail("not raised at once")
        check()
        pytest.fail("not raised again")
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_have_no_signals():
    checked = []

    def work():
        with kept_interrupts() as check:
            check()
            checked.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert checked == [True]
