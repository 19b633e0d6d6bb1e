/* What a client tells of itself, and small types of its functions. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_STATE_HPP
#define CONFDCLIENT_STATE_HPP

#include "arguments.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace confd {

/** Whether client::send() sends at once. */
enum class send_mode : std::uint32_t {
    /** It does. */
    now = 0,
    /** The datagrams are left for client::flush(), process(), receive(), wait() or the next send at once. */
    queued = CONFD_SEND_QUEUED
};

/** What client::wait() found: timed_out, sent and received, as confdclient.h explains them. */
using wait_result = confd_wait_result;

/** The counters of a client, as confdclient.h explains them. */
using client_stats = confd_stats;

/** What is known of a peer. */
struct peer_stats {
    /** The peer as it was written, with its port where it names one. */
    std::string address;
    /** Datagrams that were sent to it. */
    std::uint64_t sent;
    /** Requests that it has answered, late answers to queries included. */
    std::uint64_t answered;
    /** ICMP refusals (nothing listens there) of what was sent to it. */
    std::uint64_t refused;
    /** Its smoothed round trip; none if none was measured yet. */
    std::optional<std::chrono::microseconds> rtt;
    /** Its last round trip; none if none was measured yet. */
    std::optional<std::chrono::microseconds> rtt_last;
    /** The cluster's serial in its last ok answer that carries it; 0 if there was none. */
    std::int64_t serial;
};

/** How many requests are outstanding. */
struct outstanding {
    /** All of them. */
    std::size_t total;
    /** Those that nobody has answered yet. */
    std::size_t unanswered;
};

/** A datagram that the program is to send, valid until the next client::poll_transmit() or the client's end. */
struct datagram {
    /** The bytes. */
    bytes data;
    /** The address to send them to. */
    std::string_view ip;
    /** The port to send them to. */
    std::uint16_t port;
};

} // namespace confd

#endif
