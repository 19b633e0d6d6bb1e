"""Five hosts with a real ganeti-confd each, and a switch between them and this process.

This process lives in the client's network namespace (see run.sh): 10.77.0.100. Each host is a namespace of its own,
and so is the switch, a bridge in which links are cut and packets are lost. Who was out of reach when is written down;
who was within reach is told by prober.py. The namespaces go with the process.
"""

import os
import signal
import subprocess
import time

import configs
from cluster import KEY, START_LIMIT, Daemon, Started, wait_until

PORT = 1814
CLIENT = "10.77.0.100"
HOSTS = 5


def sh(*command, inside=None, stdin=None):
    """Runs a command, in a namespace where one is named. It is expected to succeed."""
    prefix = ["nsenter", "--net=/run/netns/" + inside] if inside else []
    done = subprocess.run(prefix + list(command), input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stdout))
    return done.stdout


class Host(Daemon):
    """A daemon in a network namespace. `away` has the times in which nobody could reach it, as [from, until]."""

    def __init__(self, index, folder):
        super().__init__("equal", "10.77.0.%d" % (index + 1), PORT, folder)
        self.space, self.link = "host%d" % index, "to-host%d" % index
        self.within = ("nsenter", "--net=/run/netns/" + self.space)
        self.away = []

    def lost(self):
        """It is out of reach. Called after what brings that about."""
        self.away.append([time.monotonic(), float("inf")])

    def returns(self):
        """It is out of reach no more. Called before what brings that about."""
        if self.away:
            self.away[-1][1] = time.monotonic()

    def found(self):
        wait_until(lambda: self.ping() is not None, START_LIMIT,
                   "%s does not answer:\n%s" % (self.address, self.output()))

    def is_asked(self):
        """Whether a request waits for a daemon that is frozen."""
        table = sh("cat", "/proc/net/udp", inside=self.space).splitlines()[1:]
        return any(int(line.split()[4].split(":")[1], 16) > 0 for line in table)

    def cut(self):
        sh("ip", "link", "set", self.link, "down", inside="switch")
        self.lost()

    def mend(self):
        self.returns()
        sh("ip", "link", "set", self.link, "up", inside="switch")
        self.found()

    def crash(self):
        self.kill()
        self.lost()

    def restart(self):
        self.returns()
        self.start()
        self.found()

    def freeze(self):
        self.signal(signal.SIGSTOP, "T")
        self.lost()

    def thaw(self):
        self.returns()
        self.signal(signal.SIGCONT, "RSD")
        self.found()


class Network(Started):
    """The hosts, the switch, and what the switch loses; a context manager."""

    def __init__(self, folder):
        self.folder = folder
        self.hosts = [Host(i, os.path.join(folder, "host%d" % i)) for i in range(HOSTS)]
        self.addresses = [host.address for host in self.hosts]
        self.key_file = os.path.join(self.hosts[0].data, "hmac.key")
        self.key = KEY

    def close(self):
        for host in self.hosts:
            host.kill()
        for space in sh("ip", "netns").split():
            if space == "switch" or space.startswith("host"):
                sh("ip", "netns", "delete", space)
        subprocess.run(["ip", "link", "delete", "to-switch"], stderr=subprocess.DEVNULL, check=False)

    def _start(self):
        sh("ip", "netns", "add", "switch")
        sh("ip", "link", "add", "bridge", "type", "bridge", inside="switch")
        sh("ip", "link", "set", "bridge", "up", inside="switch")
        sh("ip", "link", "add", "to-switch", "type", "veth", "peer", "name", "to-client", "netns", "switch")
        sh("ip", "link", "set", "to-switch", "up")
        self.add_address()
        for host in self.hosts:
            sh("ip", "netns", "add", host.space)
            sh("ip", "link", "add", "to-switch", "type", "veth", "peer", "name", host.link,
               "netns", "/run/netns/switch", inside=host.space)
            for device in ("lo", "to-switch"):
                sh("ip", "link", "set", device, "up", inside=host.space)
            sh("ip", "address", "add", host.address + "/24", "dev", "to-switch", inside=host.space)
        for link in ["to-client"] + [host.link for host in self.hosts]:
            sh("ip", "link", "set", link, "master", "bridge", inside="switch")
            sh("ip", "link", "set", link, "up", inside="switch")
        base = configs.load()
        for host in self.hosts:
            host.write_config(base)
            host.start()
        for host in self.hosts:
            host.found()

    def add_address(self):
        sh("ip", "address", "add", CLIENT + "/24", "dev", "to-switch")

    def remove_address(self):
        sh("ip", "address", "delete", CLIENT + "/24", "dev", "to-switch")

    def lose(self, percent):
        """Of what passes the switch, this much is lost, in each direction."""
        sh("nft", "-f", "-", inside="switch", stdin="""
            table bridge faults
            delete table bridge faults
            table bridge faults {
                chain forward {
                    type filter hook forward priority 0
                    ip protocol udp numgen random mod 100 < %d counter drop
                }
            }
        """ % percent)

    def lost(self):
        """Packets that the switch has lost by order."""
        words = sh("nft", "list", "table", "bridge", "faults", inside="switch").split()
        return int(words[words.index("packets") + 1])

    def lose_nothing(self):
        sh("nft", "flush", "ruleset", inside="switch")
