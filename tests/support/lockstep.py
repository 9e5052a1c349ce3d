"""A client that goes ahead chunk by chunk, and the function that waits for it after each one."""

import threading

from scripted_api import ACCEPTED, WAIT, Peer


class Lockstep:
    """Expects these chunks on the wire, in this order, each as soon as it is made.

    The function calls `wait` after each chunk: it returns once the other side has read that one. After the stream's
    end `ended` is true.
    """

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self._read = threading.Semaphore(0)
        self.ended = False

    def script(self, peer: Peer) -> None:
        """Be the Runtime API's side of the response."""
        for chunk in self._chunks:
            peer.read_until(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self._read.release()
        assert peer.read_chunked_body() == b"0\r\n\r\n"
        self.ended = True
        peer.send(ACCEPTED)

    def wait(self) -> None:
        """Return when the chunk before has been read."""
        assert self._read.acquire(timeout=WAIT), "nobody has read the chunk"
