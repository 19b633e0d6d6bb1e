/* What a query found. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_RESULT_HPP
#define CONFDCLIENT_RESULT_HPP

#include "reply.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace confd {

/** How a query ended. */
enum class outcome : std::int32_t {
    /** Enough peers have answered for the answer to be safe. */
    answered = CONFD_OUTCOME_ANSWERED,
    /** Some peers, but too few, have answered in time. */
    partial = CONFD_OUTCOME_PARTIAL,
    /** Nobody has answered in time. */
    no_reply = CONFD_OUTCOME_NO_REPLY,
    /** It was cancelled, or its client closed or destroyed. */
    cancelled = CONFD_OUTCOME_CANCELLED
};

/** What a query found: a value that owns all it has, and may be kept as long as one likes. */
class result {
  public:
    /** Copies a result of the C API. @param native  The result; it stays its owner's. */
    explicit result(const confd_result &native)
        : outcome_(static_cast<confd::outcome>(native.outcome)),
          reply_(native.reply != nullptr ? std::optional<confd::reply>(native.reply) : std::nullopt),
          server_ip_(native.server_ip != nullptr ? native.server_ip : ""), server_port_(native.server_port),
          sent_(native.sent), received_(native.received), needed_(native.needed), errors_(native.errors),
          consistent_(native.consistent)
    {
    }

    /** How the query ended. */
    confd::outcome outcome() const noexcept { return outcome_; }
    /** Whether enough peers have answered for the answer to be safe. */
    bool answered() const noexcept { return outcome_ == confd::outcome::answered; }
    /** The best reply: an ok one beats an error, among ok ones the highest serial wins. None if there is none. */
    const std::optional<confd::reply> &reply() const noexcept { return reply_; }
    /** The address of the peer that gave it; empty if there is none. */
    const std::string &server_ip() const noexcept { return server_ip_; }
    /** That peer's port; 0 if there is none. */
    std::uint16_t server_port() const noexcept { return server_port_; }
    /** Peers that were asked, those included that were asked later in the place of others. */
    std::uint32_t sent() const noexcept { return sent_; }
    /** Distinct ones of them that have answered. */
    std::uint32_t received() const noexcept { return received_; }
    /** Replies that make the query answered. */
    std::uint32_t needed() const noexcept { return needed_; }
    /** Error replies among those received. */
    std::uint32_t errors() const noexcept { return errors_; }
    /** False once two ok replies had one serial and different answers. */
    bool consistent() const noexcept { return consistent_; }

  private:
    confd::outcome outcome_;
    std::optional<confd::reply> reply_;
    std::string server_ip_;
    std::uint16_t server_port_;
    std::uint32_t sent_;
    std::uint32_t received_;
    std::uint32_t needed_;
    std::uint32_t errors_;
    bool consistent_;
};

/** How many replies make an answer safe, for a request that was sent to so many peers. */
inline std::uint32_t needed_replies(std::uint32_t sent) noexcept
{
    return confd_needed_replies(sent);
}

} // namespace confd

#endif
