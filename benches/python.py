"""The stock Python client under the same load as `load.c`: PORT COVERAGE IN-FLIGHT WARM-UP-MS MS.

Needs Debian's ganeti-3.0, and its python3.
"""

import sys
import time
import warnings

sys.path.insert(0, "/usr/share/ganeti/3.0")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # asyncore is deprecated since Python 3.6
    from ganeti import constants
    from ganeti.confd import client as confd

KEY = "a key for the benchmarks\n"


def main():
    port, coverage, in_flight, warm_up, length = map(int, sys.argv[1:])
    answers, counts = {}, {"replies": 0, "lost": 0}

    def ask():
        request = confd.ConfdClientRequest(type=constants.CONFD_REQ_PING)
        answers[request.rsalt] = 0
        client.SendRequest(request, coverage=coverage, async_=False)

    def on_upcall(upcall):
        if upcall.type == confd.UPCALL_REPLY:
            counts["replies"] += 1
            if upcall.salt not in answers:
                return
            answers[upcall.salt] += 1
            if answers[upcall.salt] == coverage:
                del answers[upcall.salt]
        elif answers.pop(upcall.salt, None) is not None:
            counts["lost"] += 1

    peers = ["127.0.0.%d" % (i + 1) for i in range(coverage)]
    client = confd.ConfdClient(KEY, peers, on_upcall, port=port)
    start, warm = time.monotonic(), None
    while warm is None or time.monotonic() < start + (warm_up + length) / 1000:
        while len(answers) < in_flight:
            ask()
        if not client.ReceiveReply(timeout=0.2):
            # Whatever is still owed was lost; the load goes on.
            counts["lost"] += len(answers)
            answers.clear()
        if warm is None and time.monotonic() >= start + warm_up / 1000:
            counts.update(replies=0, lost=0)
            warm = time.process_time()
    print("us_per_reply %g" % ((time.process_time() - warm) * 1e6 / max(counts["replies"], 1)))
    print("replies %d" % counts["replies"])
    print("lost %d" % counts["lost"])


main()
