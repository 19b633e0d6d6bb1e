/* The client. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_CLIENT_HPP
#define CONFDCLIENT_CLIENT_HPP

#include "arguments.hpp"
#include "detail.hpp"
#include "error.hpp"
#include "options.hpp"
#include "request.hpp"
#include "result.hpp"
#include "state.hpp"
#include "upcall.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace confd {

/**
 * A client of the confd daemons of one cluster. Every function may be called from any thread at any time, but for
 * moving, assigning and destroying: close(), join the threads that use it, destroy.
 *
 * **Callbacks** are called inside the functions marked with "upcalls" here, on the thread that calls, one at a time for
 * each client, with no lock held. Inside one, receive(), wait(), process(), expire() and query() on the same client
 * throw errc::busy; all else is allowed, destroying the client included. A request that was accepted has
 * exactly one last upcall, expire or cancel, and a query exactly one result; then its function is destroyed.
 *
 * **Exceptions of callbacks**, and of the log function, do not end the work of the library. The function of the client
 * that was running throws the first of them, as it is, when it has done its work: a request is then accepted (unless
 * the client was closed), a result of that call is lost. Where the function itself has failed, other than with
 * errc::closed, it throws its own error, with the callback's exception nested in it (std::rethrow_if_nested). Where a
 * callback calls the client or destroys it, exceptions that this cannot throw go to the call around it. What is left,
 * further ones in one call and those in a destructor that is called by itself, is told to options::unthrown().
 *
 * **Destroying** closes the client, makes the last upcalls of what is outstanding, and drops replies that were not
 * delivered; then nothing is called any more. Inside a callback it does so at once, and the function that made
 * the callback throws errc::closed (or what the callback throws). In a child after fork() it only releases; every
 * other function throws errc::closed there.
 */
class client {
  public:
    /**
     * Makes a client.
     *
     * @param key       Every byte of the cluster's hmac.key, its trailing newline included. It is copied.
     * @param peers     The master candidates: IPv4 or IPv6 addresses of one family, with a port of their own where
     *                  they have one ("192.0.2.1:2000", "[2001:db8::1]:2000").
     * @param callback  Told of what happens to requests that are sent without a function of their own.
     * @param options   They are copied.
     * @throws error  errc::invalid_argument if the key is empty or a peer holds U+0000; errc::no_peers;
     *   errc::bad_peer; errc::mixed_families; errc::io if there is no socket, or the host has not the bind address.
     */
    client(bytes key, const string_list &peers, upcall_function callback = nullptr,
           const options &options = confd::options())
        : core_(made(std::move(callback), options))
    {
        const std::vector<const char *> list = peers.pointers();
        detail::call inside(core_);
        inside.check(confd_client_new(key.data(), key.size(), list.data(), list.size(), &detail::core::on_upcall,
                                      core_.get(), options.native(), &core_->handle));
    }

    /**
     * Makes a client of the cluster that this node belongs to, by the files hmac.key and
     * ssconf_master_candidates_ips.
     *
     * @param data_dir  Where they are; none for /var/lib/ganeti.
     * @param callback  As for the constructor.
     * @param options   As for the constructor.
     * @throws error  errc::cluster_dir if a file is absent, unreadable or malformed; errc::mixed_families;
     *   errc::invalid_argument; errc::io.
     */
    static client open(std::optional<std::string_view> data_dir = std::nullopt, upcall_function callback = nullptr,
                       const options &options = confd::options())
    {
        client opened(made(std::move(callback), options));
        const detail::optional_text directory(data_dir);
        detail::call inside(opened.core_);
        inside.check(confd_client_open(directory.get(), &detail::core::on_upcall, opened.core_.get(),
                                       options.native(), &opened.core_->handle));
        return opened;
    }

    /** Takes over the other's client. What is outstanding goes on. A reference that a callback holds does not move. */
    client(client &&other) noexcept : core_(std::move(other.core_)) {}

    /** Destroys this client first, with the last upcalls of what is outstanding, then takes over the other. */
    client &operator=(client &&other) noexcept
    {
        if (this != &other) {
            client taken(std::move(other));
            end();
            core_.swap(taken.core_); // should a callback have assigned meanwhile, that client ends here
        }
        return *this;
    }

    /** Closes the client and makes the last upcalls: see above. */
    ~client() { end(); }

    /** Whether there is a client: false once it has been moved from. */
    explicit operator bool() const noexcept { return core_ != nullptr; }

    /**
     * Sends a request to some of the peers, and keeps it until its expiry. Upcalls, of earlier requests.
     *
     * @param request   The request; it is copied.
     * @param callback  Told of what happens to this request, in the place of the client's callback.
     * @param coverage  How many peers.
     * @param mode      Whether it is sent at once.
     * @throws error  errc::coverage; errc::missing_salt; errc::duplicate_salt if the salt has been used;
     *   errc::request_too_big; errc::io if it could be sent to nobody; errc::invalid_argument if there is no callback;
     *   errc::closed. The request is then not outstanding, and callback is destroyed without a call.
     */
    void send(const request &request, upcall_function callback, coverage coverage = confd::coverage::automatic,
              send_mode mode = send_mode::now)
    {
        auto entry = std::make_shared<detail::ticket>();
        entry->told = std::move(callback);
        send(request, std::move(entry), coverage, mode);
    }

    /**
     * The same with the client's callback.
     *
     * @param data  What upcall::data() gives in each upcall of this request; the last one is the place to release it.
     */
    void send(const request &request, coverage coverage = confd::coverage::automatic,
              send_mode mode = send_mode::now, void *data = nullptr)
    {
        auto entry = std::make_shared<detail::ticket>();
        entry->data = data;
        send(request, std::move(entry), coverage, mode);
    }

    /**
     * Asks a question and blocks until enough peers have answered, or the time is over; it asks again and asks others
     * meanwhile. Upcalls.
     *
     * @param request   The question; one whose salt has been used gets a fresh one.
     * @param limit     How long.
     * @param coverage  How many peers at first.
     * @return What it found: result::answered() says whether it was enough.
     * @throws error  errc::coverage; errc::missing_salt; errc::request_too_big; errc::io if it could be sent to nobody;
     *   errc::busy inside an upcall; errc::invalid_argument with external I/O; errc::closed, also meanwhile.
     */
    result query(request &request, time_limit limit, coverage coverage = confd::coverage::automatic)
    {
        struct holder { // also where copying it throws
            confd_result *found = nullptr;
            holder() = default;
            holder(const holder &) = delete;
            holder &operator=(const holder &) = delete;
            ~holder() { confd_result_free(found); }
        } owned;
        detail::call inside(core());
        inside.check(confd_client_query(inside.handle(), request.native(), static_cast<std::int32_t>(coverage),
                                        limit.ms(), &owned.found));
        return result(*owned.found);
    }

    /** The same for a request that is made in the call. */
    result query(request &&request, time_limit limit, coverage coverage = confd::coverage::automatic)
    {
        return query(request, limit, coverage);
    }

    /**
     * Asks as query() does, without blocking. Upcalls, of earlier requests.
     *
     * @param request   The question; it is copied. One whose salt has been used gets a fresh one.
     * @param limit     How long.
     * @param callback  Told of the result, exactly once, and never inside this call.
     * @param coverage  How many peers at first.
     * @throws error  As query() does, but for errc::busy; errc::invalid_argument if callback is empty. There will then
     *   be no result, and callback is destroyed without a call.
     */
    void query_async(request &request, time_limit limit, result_function callback,
                     coverage coverage = confd::coverage::automatic)
    {
        if (!callback) {
            throw error(errc::invalid_argument, "the callback is empty");
        }
        auto entry = std::make_shared<detail::ticket>();
        entry->finished = [told = std::move(callback)](const confd_result &native) { told(result(native)); };
        query_async(request, limit, std::move(entry), coverage);
    }

    /** The same for a request that is made in the call. */
    void query_async(request &&request, time_limit limit, result_function callback,
                     coverage coverage = confd::coverage::automatic)
    {
        query_async(request, limit, std::move(callback), coverage);
    }

    /**
     * Asks as query_async() does. The library has no threads: the future becomes ready while some thread is in
     * receive(), process() or another function with upcalls. A query that is cancelled, by the client's end too, has
     * a result as well, with outcome::cancelled.
     *
     * @return The result to come. Its get() throws only where memory runs out (or, in a child after fork(),
     *   std::future_errc::broken_promise once the client is destroyed).
     * @throws error  As query_async() does.
     */
    std::future<result> query_future(request &request, time_limit limit,
                                     coverage coverage = confd::coverage::automatic)
    {
        auto promise = std::make_shared<std::promise<result>>();
        std::future<result> future = promise->get_future();
        auto entry = std::make_shared<detail::ticket>();
        entry->finished = [promise](const confd_result &native) {
            try {
                promise->set_value(result(native));
            } catch (...) {
                promise->set_exception(std::current_exception());
            }
        };
        query_async(request, limit, std::move(entry), coverage);
        return future;
    }

    /** The same for a request that is made in the call. */
    std::future<result> query_future(request &&request, time_limit limit,
                                     coverage coverage = confd::coverage::automatic)
    {
        return query_future(request, limit, coverage);
    }

    /** Sends the datagrams that wait, as far as the socket takes them. @throws error  errc::closed. */
    void flush() { enter(confd_client_flush); }

    /**
     * Waits until at least one datagram has been handled or an upcall was made, and handles those that are there.
     * Upcalls. wake() ends it, or the next one; signals do not.
     *
     * @param limit  How long; zero does not block.
     * @return How many datagrams were handled; 0 at its timeout.
     * @throws error  errc::busy inside an upcall; errc::invalid_argument with external I/O; errc::closed.
     */
    std::size_t receive(time_limit limit)
    {
        std::size_t handled = 0;
        detail::call inside(core());
        inside.check(confd_client_receive(inside.handle(), limit.ms(), &handled));
        return handled;
    }

    /**
     * Makes the receive() that runs, or the next one, return at once. It may be called in a signal handler.
     *
     * @return False if the client is closed, or this object has been moved from.
     */
    bool wake() noexcept { return core_ != nullptr && confd_client_wake(core_->handle) == CONFD_OK; }

    /**
     * Waits until needed_replies() of a request's peers have answered and these upcalls have returned. Upcalls. It
     * extends the request's expiry by the limit; with no limit it waits until answered or expired.
     *
     * @param salt   The request's salt; an unknown one, or one that has ended, gives {true, 0, 0}.
     * @param limit  How long.
     * @throws error  errc::busy inside an upcall; errc::invalid_argument; errc::closed.
     */
    wait_result wait(std::string_view salt, time_limit limit)
    {
        const std::string text = detail::c_text(salt);
        wait_result found = {};
        detail::call inside(core());
        inside.check(confd_client_wait(inside.handle(), text.c_str(), limit.ms(), &found));
        return found;
    }

    /** Ends the requests whose expiry has come. Upcalls. @throws error  errc::busy inside an upcall; errc::closed. */
    void expire() { enter(confd_client_expire); }

    /**
     * Ends a request or a query. Upcalls; its own may come after this has returned.
     *
     * @param salt  Its salt.
     * @throws error  errc::unknown_request if no outstanding one has it; errc::invalid_argument; errc::closed.
     */
    void cancel(std::string_view salt)
    {
        const std::string text = detail::c_text(salt);
        detail::call inside(core());
        inside.check(confd_client_cancel(inside.handle(), text.c_str()));
    }

    /** How many requests are outstanding. @throws error  errc::closed. */
    confd::outstanding outstanding()
    {
        confd::outstanding found = {};
        detail::call inside(core());
        inside.check(confd_client_outstanding(inside.handle(), &found.total, &found.unanswered));
        return found;
    }

    /**
     * The one descriptor to poll for reading: readable whenever process() has something to do. It is the client's:
     * never read or close it.
     *
     * @return The same for the client's life; -1 with external I/O, closed, moved from, or if the system has none.
     */
    int fd() noexcept
    {
        const detail::call inside(core_, detail::throws::no);
        return core_ != nullptr ? confd_client_fd(inside.handle()) : -1;
    }

    /** Does what is to be done now, a bounded amount of it, and never blocks. Upcalls. @throws error  errc::busy inside
     * an upcall; errc::closed. */
    void process() { enter(confd_client_process); }

    /** The time to the next deadline, for loops that do not poll fd(); none if nothing is outstanding, or closed. */
    std::optional<std::chrono::milliseconds> timeout() noexcept
    {
        const detail::call inside(core_, detail::throws::no);
        const std::int32_t ms = core_ != nullptr ? confd_client_timeout_ms(inside.handle()) : -1;
        return ms >= 0 ? std::optional<std::chrono::milliseconds>(ms) : std::nullopt;
    }

    /**
     * Cancels what is outstanding, and ends the client: every running and later call throws errc::closed. Upcalls. Any
     * thread may call it, any number of times, also inside an upcall.
     *
     * @throws error  errc::closed while the client is destroyed.
     */
    void close() { enter(confd_client_close); }

    /** Reads both files of a client of open() again, all or nothing. @throws error  errc::cluster_dir;
     * errc::mixed_families; errc::invalid_argument if it was not made by open(); errc::closed. */
    void reload() { enter(confd_client_reload); }

    /** Replaces the peers, all or nothing. @throws error  As the constructor does, for peers; errc::closed. */
    void update_peers(const string_list &peers)
    {
        const std::vector<const char *> list = peers.pointers();
        detail::call inside(core());
        inside.check(confd_client_update_peers(inside.handle(), list.data(), list.size()));
    }

    /** Signs new requests with another key. @throws error  errc::invalid_argument if it is empty; errc::closed. */
    void set_hmac_key(bytes key)
    {
        detail::call inside(core());
        inside.check(confd_client_set_hmac_key(inside.handle(), key.data(), key.size()));
    }

    /** What the client has counted. @throws error  errc::closed. */
    client_stats stats()
    {
        client_stats found = {};
        detail::call inside(core());
        inside.check(confd_client_stats(inside.handle(), &found, sizeof found));
        return found;
    }

    /** What is known of each peer, in the order of the list of peers. @throws error  errc::closed. */
    std::vector<confd::peer_stats> peer_stats()
    {
        std::vector<confd::peer_stats> found;
        detail::call inside(core());
        const auto measured = [](std::uint64_t us) {
            return us != 0 ? std::optional<std::chrono::microseconds>(us) : std::nullopt;
        };
        for (confd_peer_stats one = {};;) {
            const confd_error code = confd_client_peer_stats(inside.handle(), found.size(), &one, sizeof one);
            inside.check(code != CONFD_ERR_NOT_FOUND ? code : CONFD_OK);
            if (code == CONFD_ERR_NOT_FOUND) {
                return found;
            }
            found.push_back({one.address, one.sent, one.answered, one.refused, measured(one.rtt_us),
                             measured(one.rtt_last_us), one.serial});
        }
    }

    /**
     * Takes the next datagram to send, of a client with external I/O; one thread at a time.
     *
     * @return The datagram; none if there is none left.
     * @throws error  errc::invalid_argument if the client has a socket; errc::closed.
     */
    std::optional<datagram> poll_transmit()
    {
        confd_datagram next = {};
        detail::call inside(core());
        const confd_error code = confd_client_poll_transmit(inside.handle(), &next);
        inside.check(code != CONFD_ERR_NOT_FOUND ? code : CONFD_OK);
        return code == CONFD_OK ? std::optional<datagram>({bytes(next.data, next.len), next.ip, next.port})
                                : std::nullopt;
    }

    /**
     * Takes in a datagram that the program has received. Upcalls. What does not count as a reply is no error.
     *
     * @param data  The bytes.
     * @param ip    The address that it came from.
     * @param port  The port that it came from.
     * @throws error  errc::invalid_argument if ip is no address; errc::closed.
     */
    void handle_datagram(bytes data, std::string_view ip, std::uint16_t port)
    {
        const std::string address = detail::c_text(ip);
        detail::call inside(core());
        inside.check(
            confd_client_handle_datagram(inside.handle(), data.data(), data.size(), address.c_str(), port));
    }

    /**
     * Tells the client of an ICMP refusal (port unreachable) of what it sent.
     *
     * @param ip    The address that the refused datagram was sent to.
     * @param port  The port that it was sent to.
     * @throws error  errc::invalid_argument if ip is no address; errc::closed.
     */
    void handle_unreachable(std::string_view ip, std::uint16_t port)
    {
        const std::string address = detail::c_text(ip);
        detail::call inside(core());
        inside.check(confd_client_handle_unreachable(inside.handle(), address.c_str(), port));
    }

    /**
     * The client of the C API, which stays this object's: never free it. NULL once moved from. Exceptions of callbacks
     * that calls through it make are told to options::unthrown().
     */
    confd_client *native() noexcept { return core_ != nullptr ? core_->handle : nullptr; }

  private:
    explicit client(std::shared_ptr<detail::core> core) noexcept : core_(std::move(core)) {}

    static std::shared_ptr<detail::core> made(upcall_function callback, const options &options)
    {
        auto core = std::make_shared<detail::core>();
        core->told = std::move(callback);
        core->log = options.log_;
        core->unthrown = options.unthrown_;
        return core;
    }

    /** A reference of the call's own, since a callback may destroy this object. */
    const std::shared_ptr<detail::core> &core() const { return (void)detail::there(core_.get()), core_; }

    void enter(confd_error (*function)(confd_client *))
    {
        detail::call inside(core());
        inside.check(function(inside.handle()));
    }

    void send(const request &request, std::shared_ptr<detail::ticket> entry, coverage coverage, send_mode mode)
    {
        detail::call inside(core());
        if (!entry->told && !inside.of().told) {
            throw error(errc::invalid_argument, "neither the client nor the request has a callback");
        }
        inside.of().admit(entry);
        const confd_error code =
            confd_client_send(inside.handle(), request.native(), static_cast<std::int32_t>(coverage),
                              static_cast<std::uint32_t>(mode), entry.get());
        if (code != CONFD_OK) {
            (void)inside.of().redeem(entry.get());
        }
        inside.check(code);
    }

    void query_async(request &request, time_limit limit, std::shared_ptr<detail::ticket> entry, coverage coverage)
    {
        detail::call inside(core());
        inside.of().admit(entry);
        const confd_error code =
            confd_client_query_async(inside.handle(), request.native(), static_cast<std::int32_t>(coverage),
                                     limit.ms(), &detail::core::on_result, entry.get());
        if (code != CONFD_OK) {
            (void)inside.of().redeem(entry.get());
        }
        inside.check(code);
    }

    void end() noexcept
    {
        if (core_ != nullptr) {
            core_->end();
        }
    }

    std::shared_ptr<detail::core> core_;
};

} // namespace confd

#endif
