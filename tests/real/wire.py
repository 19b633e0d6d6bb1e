"""The confd protocol in forty lines: a plain client, independent of libconfdclient.

It pings daemons while a cluster starts, and tells a daemon that misbehaves
apart from a library that does. It knows nothing of the library.
"""

import hashlib
import hmac
import json
import socket
import time
import uuid

MAGIC = b"plj0"


def seal(message, salt, key):
    """The datagram that carries `message` (text), signed."""
    digest = hmac.new(key, (salt + message).encode("utf-8"), hashlib.sha1).hexdigest()
    return MAGIC + json.dumps({"msg": message, "salt": salt, "hmac": digest}).encode("ascii")


def request(key, rtype, query=None, salt=None, stamp=None):
    """A request datagram; `query` is a Python value."""
    message = json.dumps({"type": rtype, "protocol": 1,
                          "rsalt": salt or str(uuid.uuid4()), "query": query})
    return seal(message, str(int(time.time()) if stamp is None else stamp), key)


def unseal(datagram, key):
    """(salt, message text, how the payload was read: "utf-8" or "latin-1").

    The daemon signs UTF-8 and then keeps the low byte of each character, so a
    payload is read either way. A ValueError: neither reading verifies.
    """
    if not datagram.startswith(MAGIC):
        raise ValueError("bad magic: %r" % datagram[:4])
    for encoding in ("utf-8", "latin-1"):
        try:
            envelope = json.loads(datagram[len(MAGIC):].decode(encoding))
        except ValueError:
            continue
        signed = (envelope["salt"] + envelope["msg"]).encode("utf-8")
        if hmac.compare_digest(hmac.new(key, signed, hashlib.sha1).hexdigest(),
                               envelope["hmac"].lower()):
            return envelope["salt"], envelope["msg"], encoding
    raise ValueError("no signature holds: %r" % datagram)


def exchange(address, port, datagram, timeout=0.5):
    """Sends one datagram; the reply's bytes, or None when none comes in time."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect((address, port))
        try:
            sock.send(datagram)
            return sock.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None


def ask(address, port, key, rtype, query=None, timeout=0.5):
    """The reply as a dict (protocol, status, answer, serial), or None for silence."""
    datagram = exchange(address, port, request(key, rtype, query), timeout)
    return datagram and json.loads(unseal(datagram, key)[1])
