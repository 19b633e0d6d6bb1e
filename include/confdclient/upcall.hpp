/* What happens to requests, and the functions that are told. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_UPCALL_HPP
#define CONFDCLIENT_UPCALL_HPP

#include "reply.hpp"
#include "request.hpp"
#include "result.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string_view>

namespace confd {

/** What has happened to a request. A later library may bring other kinds. */
enum class upcall_type : std::int32_t {
    /** A peer has answered. */
    reply = CONFD_UPCALL_REPLY,
    /** The request has reached its expiry. The last upcall of its request. */
    expire = CONFD_UPCALL_EXPIRE,
    /** The request was cancelled, or its client closed or destroyed. The last upcall of its request. */
    cancel = CONFD_UPCALL_CANCEL
};

/** An event of a request. It is valid only during the call that shows it; replies, being values, can be kept. */
class upcall {
  public:
    /**
     * @param native  The upcall of the C API.
     * @param data    What data() gives.
     */
    explicit upcall(const confd_upcall &native, void *data) noexcept : native_(native), data_(data) {}
    upcall(const upcall &) = delete;
    upcall &operator=(const upcall &) = delete;
    ~upcall() = default;

    /** What has happened. */
    upcall_type type() const noexcept { return static_cast<upcall_type>(native_.type); }
    /** Whether it is the last upcall of its request. */
    bool last() const noexcept { return type() == upcall_type::expire || type() == upcall_type::cancel; }
    /** The request's salt, valid during the upcall. */
    std::string_view salt() const noexcept { return native_.salt; }
    /** The request as it was sent, valid during the upcall. */
    request_view request() const noexcept { return request_view(native_.request); }
    /** What client::send() was given. */
    void *data() const noexcept { return data_; }
    /** The reply; none unless the type is reply. */
    std::optional<confd::reply> reply() const
    {
        return native_.reply != nullptr ? std::optional<confd::reply>(native_.reply) : std::nullopt;
    }
    /** The address of the peer that replied, valid during the upcall; empty unless the type is reply. */
    std::string_view server_ip() const noexcept { return native_.server_ip != nullptr ? native_.server_ip : ""; }
    /** The port of the peer that replied; 0 unless the type is reply. */
    std::uint16_t server_port() const noexcept { return native_.server_port; }
    /** Peers that the request was sent to. */
    std::uint32_t sent() const noexcept { return native_.sent; }
    /** Distinct ones of them that have answered so far, this one included. */
    std::uint32_t received() const noexcept { return native_.received; }
    /** False once two ok replies to the request had one serial and different answers. */
    bool consistent() const noexcept { return native_.consistent; }
    /** The upcall of the C API, valid during the upcall. */
    const confd_upcall &native() const noexcept { return native_; }

  private:
    const confd_upcall &native_;
    void *data_;
};

/** How much a line of the log matters. */
enum class log_level : std::int32_t {
    /** Each dropped datagram and the like, for those who look for a fault. */
    debug = CONFD_LOG_DEBUG,
    /** What changed, such as the peers. */
    info = CONFD_LOG_INFO,
    /** What works, but not as its user would want. */
    warning = CONFD_LOG_WARNING,
    /** What does not work. */
    error = CONFD_LOG_ERROR
};

/** Told of what happens to requests. It may do anything but wait for further upcalls, see client; and may throw. */
using upcall_function = std::function<void(const upcall &)>;
/** Told of the result of a query, exactly once. The same holds for it. */
using result_function = std::function<void(const result &)>;
/**
 * Takes a line for the log, which has no newline and is valid during the call. It may call the client, but must
 * not destroy it, and may throw.
 */
using log_function = std::function<void(log_level, std::string_view)>;
/** Told of exceptions that cannot be thrown, see options::unthrown(). What it throws itself is dropped. */
using exception_function = std::function<void(std::exception_ptr)>;

} // namespace confd

#endif
