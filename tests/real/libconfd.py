"""libconfdclient through ctypes: the declarations, then thin classes for the tests.

It is a test of its own: the library can be used from any language that calls C,
with nothing but the header. CONFDCLIENT_LIBRARY names the library.
"""

import collections
import ctypes
import json
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char, c_char_p, c_double,
                    c_int, c_int32, c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64,
                    c_void_p)

PATH = os.environ.get("CONFDCLIENT_LIBRARY") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "target", "release",
    "libconfdclient.so")

ERRORS = ("OK INVALID_ARGUMENT BAD_PEER NO_PEERS MIXED_FAMILIES COVERAGE REQUEST_TYPE MISSING_SALT "
          "DUPLICATE_SALT REQUEST_TOO_BIG UNKNOWN_REQUEST IO NOT_FOUND WRONG_TYPE CLUSTER_DIR BUSY "
          "CLOSED INTERNAL NO_MEMORY").split()

REPLY, EXPIRE, CANCEL = 1, 2, 3
ANSWERED, PARTIAL, NO_REPLY, CANCELLED = 0, 1, 2, 3
SEND_QUEUED = 1


class Upcall(Structure):
    _fields_ = [("size", c_size_t), ("type", c_int32), ("salt", c_char_p), ("request", c_void_p),
                ("request_data", c_void_p), ("reply", c_void_p), ("server_ip", c_char_p),
                ("server_port", c_uint16), ("sent", c_uint32), ("received", c_uint32),
                ("consistent", c_bool)]


class WaitResult(Structure):
    _fields_ = [("timed_out", c_bool), ("sent", c_uint32), ("received", c_uint32)]


class Datagram(Structure):
    _fields_ = [("data", POINTER(c_uint8)), ("len", c_size_t), ("ip", c_char_p),
                ("port", c_uint16)]


class Result(Structure):
    _fields_ = [("size", c_size_t), ("outcome", c_int32), ("reply", c_void_p),
                ("server_ip", c_char_p), ("server_port", c_uint16), ("sent", c_uint32),
                ("received", c_uint32), ("needed", c_uint32), ("errors", c_uint32),
                ("consistent", c_bool)]


class DrbdMinor(Structure):
    _fields_ = [("node", c_char_p), ("minor", c_int64), ("instance", c_char_p),
                ("disk", c_char_p), ("role", c_char_p), ("peer", c_char_p)]


class Stats(Structure):
    _fields_ = [(name, c_uint64) for name in (
        "requests datagrams_out send_errors datagrams_in replies dropped_magic dropped_malformed "
        "dropped_signature dropped_salt dropped_source dropped_duplicate dropped_overflow expired "
        "cancelled retries refused outstanding queued").split()]


class PeerStats(Structure):
    _fields_ = [("address", c_char * 64)] + [(name, c_uint64) for name in (
        "sent answered refused rtt_us rtt_last_us").split()] + [("serial", c_int64)]


UpcallFn = CFUNCTYPE(None, c_void_p, POINTER(Upcall), c_void_p)
LogFn = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)

ERROR = object()    # a confd_error: raised as a ConfdError unless it is 0
STRINGS = POINTER(c_char_p)
SIGNATURES = {
    "confd_last_error": (c_char_p, []),
    "confd_strerror": (c_char_p, [c_int32]),
    "confd_version": (c_char_p, []),
    "confd_version_number": (c_uint32, []),
    "confd_request_new": (ERROR, [c_int32, c_char_p, POINTER(c_void_p)]),
    "confd_request_set_ip": (ERROR, [c_void_p, c_char_p, c_char_p]),
    "confd_request_set_ips": (ERROR, [c_void_p, STRINGS, c_size_t, c_char_p]),
    "confd_request_set_fields": (ERROR, [c_void_p, POINTER(c_int32), c_size_t]),
    "confd_request_set_query_json": (ERROR, [c_void_p, c_char_p]),
    "confd_request_set_salt": (ERROR, [c_void_p, c_char_p]),
    "confd_request_salt": (c_char_p, [c_void_p]),
    "confd_request_type": (c_int32, [c_void_p]),
    "confd_request_query_json": (c_char_p, [c_void_p]),
    "confd_request_free": (None, [c_void_p]),
    "confd_options_new": (ERROR, [POINTER(c_void_p)]),
    "confd_options_free": (None, [c_void_p]),
    "confd_options_set_port": (ERROR, [c_void_p, c_uint16]),
    "confd_options_set_expire_ms": (ERROR, [c_void_p, c_int32]),
    "confd_options_set_max_request_bytes": (ERROR, [c_void_p, c_size_t]),
    "confd_options_set_filter": (ERROR, [c_void_p, c_int32]),
    "confd_options_set_any_source": (ERROR, [c_void_p, c_int32]),
    "confd_options_set_retry_ms": (ERROR, [c_void_p, c_int32]),
    "confd_options_set_refresh_ms": (ERROR, [c_void_p, c_int32]),
    "confd_options_set_receive_buffer": (ERROR, [c_void_p, c_size_t]),
    "confd_options_set_bind_address": (ERROR, [c_void_p, c_char_p]),
    "confd_options_set_external_io": (ERROR, [c_void_p, c_int32]),
    "confd_options_set_log": (ERROR, [c_void_p, LogFn, c_void_p, c_int32]),
    "confd_client_new": (ERROR, [c_char_p, c_size_t, STRINGS, c_size_t, UpcallFn, c_void_p,
                                 c_void_p, POINTER(c_void_p)]),
    "confd_client_open": (ERROR, [c_char_p, UpcallFn, c_void_p, c_void_p, POINTER(c_void_p)]),
    "confd_client_reload": (ERROR, [c_void_p]),
    "confd_client_update_peers": (ERROR, [c_void_p, STRINGS, c_size_t]),
    "confd_client_set_hmac_key": (ERROR, [c_void_p, c_char_p, c_size_t]),
    "confd_client_close": (ERROR, [c_void_p]),
    "confd_client_free": (None, [c_void_p]),
    "confd_client_send": (ERROR, [c_void_p, c_void_p, c_int32, c_uint32, c_void_p]),
    "confd_client_flush": (ERROR, [c_void_p]),
    "confd_client_receive": (ERROR, [c_void_p, c_int32, POINTER(c_size_t)]),
    "confd_client_wake": (ERROR, [c_void_p]),
    "confd_client_wait": (ERROR, [c_void_p, c_char_p, c_int32, POINTER(WaitResult)]),
    "confd_client_expire": (ERROR, [c_void_p]),
    "confd_client_cancel": (ERROR, [c_void_p, c_char_p]),
    "confd_client_outstanding": (ERROR, [c_void_p, POINTER(c_size_t), POINTER(c_size_t)]),
    "confd_needed_replies": (c_uint32, [c_uint32]),
    "confd_client_fd": (c_int, [c_void_p]),
    "confd_client_process": (ERROR, [c_void_p]),
    "confd_client_timeout_ms": (c_int32, [c_void_p]),
    "confd_reply_status": (c_int32, [c_void_p]),
    "confd_reply_protocol": (c_int32, [c_void_p]),
    "confd_reply_serial": (c_int64, [c_void_p]),
    "confd_reply_answer_json": (c_char_p, [c_void_p]),
    "confd_reply_error_text": (c_char_p, [c_void_p]),
    "confd_reply_string": (ERROR, [c_void_p, c_char_p, POINTER(c_char_p)]),
    "confd_reply_int": (ERROR, [c_void_p, c_char_p, POINTER(c_int64)]),
    "confd_reply_bool": (ERROR, [c_void_p, c_char_p, POINTER(c_bool)]),
    "confd_reply_double": (ERROR, [c_void_p, c_char_p, POINTER(c_double)]),
    "confd_reply_count": (ERROR, [c_void_p, c_char_p, POINTER(c_size_t)]),
    "confd_reply_key": (ERROR, [c_void_p, c_char_p, c_size_t, POINTER(c_char_p)]),
    "confd_reply_json": (ERROR, [c_void_p, c_char_p, POINTER(c_char_p)]),
    "confd_reply_clone": (ERROR, [c_void_p, POINTER(c_void_p)]),
    "confd_reply_free": (None, [c_void_p]),
    "confd_client_query": (ERROR, [c_void_p, c_void_p, c_int32, c_int32,
                                   POINTER(POINTER(Result))]),
    "confd_result_free": (None, [POINTER(Result)]),
    "confd_node_role_name": (c_char_p, [c_int64]),
    "confd_reply_node_ip": (ERROR, [c_void_p, c_size_t, POINTER(c_int32), POINTER(c_char_p)]),
    "confd_reply_drbd_minor": (ERROR, [c_void_p, c_size_t, POINTER(DrbdMinor)]),
    "confd_client_stats": (ERROR, [c_void_p, POINTER(Stats), c_size_t]),
    "confd_client_peer_stats": (ERROR, [c_void_p, c_size_t, POINTER(PeerStats), c_size_t]),
    "confd_client_poll_transmit": (ERROR, [c_void_p, POINTER(Datagram)]),
    "confd_client_handle_datagram": (ERROR, [c_void_p, c_char_p, c_size_t, c_char_p, c_uint16]),
    "confd_client_handle_unreachable": (ERROR, [c_void_p, c_char_p, c_uint16]),
}


class ConfdError(Exception):
    def __init__(self, code, text):
        self.code, self.name = code, ERRORS[code] if 0 <= code < len(ERRORS) else str(code)
        super().__init__("%s: %s" % (self.name, text))


class Library:
    """The library's functions by their names without `confd_`; loaded at the first use."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if "_loaded" not in self.__dict__:
            self.__dict__["_loaded"] = ctypes.CDLL(PATH)
        function = getattr(self._loaded, "confd_" + name)
        result, function.argtypes = SIGNATURES["confd_" + name]
        if result is ERROR:
            function.restype, function.errcheck = c_int32, self._check
        else:
            function.restype = result
        setattr(self, name, function)
        return function

    def _check(self, code, _function, _arguments):
        if code != 0:
            raise ConfdError(code, self.last_error().decode("utf-8", "replace"))
        return code

    def made(self, name, *arguments, kind=c_void_p):
        """Calls a function whose last argument is an output; that output's value."""
        out = kind()
        getattr(self, name)(*arguments, byref(out))
        return out.value if hasattr(out, "value") else out


lib = Library()


def text(value):
    """A Python string as C wants it; None stays NULL."""
    return value if value is None or isinstance(value, bytes) else value.encode("utf-8")


def strings(values):
    return (c_char_p * len(values))(*map(text, values)), len(values)


class Request:
    """A confd_request. `query`: None or a string; any JSON by set_json()."""

    def __init__(self, rtype, query=None):
        self.handle = None
        self.handle = lib.made("request_new", rtype, text(query))

    def set_salt(self, salt):
        lib.request_set_salt(self.handle, text(salt))
        return self

    def __del__(self):
        if self.handle is not None:
            lib.request_free(self.handle)

    def set_json(self, value):
        lib.request_set_query_json(self.handle, text(json.dumps(value)))
        return self

    def set_ip(self, ip, link=None):
        lib.request_set_ip(self.handle, text(ip), text(link))
        return self

    def set_ips(self, ips, link=None):
        lib.request_set_ips(self.handle, *strings(ips), text(link))
        return self

    def set_fields(self, fields):
        lib.request_set_fields(self.handle, (c_int32 * len(fields))(*fields), len(fields))
        return self

    @property
    def salt(self):
        return lib.request_salt(self.handle).decode("utf-8")

    @property
    def query(self):
        return json.loads(lib.request_query_json(self.handle))


Event = collections.namedtuple("Event", "type salt ip port status serial answer error_text "
                               "sent received consistent data")


def reply_fields(reply):
    """(status, serial, answer, error text) of a confd_reply."""
    error = lib.reply_error_text(reply)
    return (lib.reply_status(reply), lib.reply_serial(reply),
            json.loads(lib.reply_answer_json(reply)), error and error.decode("utf-8"))


class Client:
    """A confd_client whose upcalls are collected in `events`. Options by their names:
    Client(key, peers, port=1814, filter=1). Or with data_dir, of a node's folder."""

    def __init__(self, key=None, peers=None, data_dir=None, **options):
        self.handle, self.events, self.failures, self.on_event = None, [], [], None
        self._upcall = UpcallFn(self._collect)      # must live as long as the client
        chosen = lib.made("options_new")
        try:
            for name, value in options.items():
                getattr(lib, "options_set_" + name)(chosen, value)
            if data_dir is not None:
                self.handle = lib.made("client_open", text(data_dir), self._upcall, None, chosen)
            else:
                self.handle = lib.made("client_new", key, len(key), *strings(peers),
                                       self._upcall, None, chosen)
        finally:
            lib.options_free(chosen)

    def _collect(self, _client, upcall, _user_data):
        try:
            up = upcall.contents
            status, serial, answer, error = (
                reply_fields(up.reply) if up.reply else (None, None, None, None))
            self.events.append(Event(
                up.type, up.salt.decode("utf-8"), up.server_ip and up.server_ip.decode("ascii"),
                up.server_port, status, serial, answer, error, up.sent, up.received,
                up.consistent, up.request_data))
            if self.on_event is not None:
                self.on_event(up)
        except Exception as problem:    # ctypes would print it and go on
            self.failures.append(problem)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close()
        if kind is None and self.failures:
            raise self.failures[0]

    def close(self):
        if self.handle is not None:
            lib.client_free(self.handle)
            self.handle = None

    def send(self, request, coverage=0, flags=0, data=None):
        lib.client_send(self.handle, request.handle, coverage, flags, data)
        return request.salt

    def wait(self, salt, milliseconds):
        result = lib.made("client_wait", self.handle, text(salt), milliseconds, kind=WaitResult)
        return bool(result.timed_out), result.sent, result.received

    def receive(self, milliseconds):
        return lib.made("client_receive", self.handle, milliseconds, kind=c_size_t)

    def expire(self):
        lib.client_expire(self.handle)

    def cancel(self, salt):
        lib.client_cancel(self.handle, text(salt))

    def outstanding(self):
        """(all requests that are out, those of them that nobody has answered)."""
        total, unanswered = c_size_t(), c_size_t()
        lib.client_outstanding(self.handle, byref(total), byref(unanswered))
        return total.value, unanswered.value

    def update_peers(self, peers):
        lib.client_update_peers(self.handle, *strings(peers))

    def handle_datagram(self, payload, ip, port):
        lib.client_handle_datagram(self.handle, payload, len(payload), text(ip), port)

    def transmits(self):
        """What waits to be sent, with external_io: [(bytes, ip, port)…]."""
        out = []
        while True:
            try:
                one = lib.made("client_poll_transmit", self.handle, kind=Datagram)
            except ConfdError as end:
                if end.name == "NOT_FOUND":
                    return out
                raise
            out.append((ctypes.string_at(one.data, one.len), one.ip.decode("ascii"), one.port))

    def stats(self):
        out = Stats()
        lib.client_stats(self.handle, byref(out), ctypes.sizeof(out))
        return out

    def query(self, request, coverage, milliseconds):
        """(outcome, (status, serial, answer, error text) or None, ip, sent, received, needed)."""
        result = POINTER(Result)()
        lib.client_query(self.handle, request.handle, coverage, milliseconds, byref(result))
        try:
            r = result.contents
            return (r.outcome, r.reply and reply_fields(r.reply),
                    r.server_ip and r.server_ip.decode("ascii"), r.sent, r.received, r.needed)
        finally:
            lib.result_free(result)
