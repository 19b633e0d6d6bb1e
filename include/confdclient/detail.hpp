/*
 * How functions of the program are called from C, and where their exceptions go. Not for programs: anything here may
 * change. Part of confdclient.hpp.
 *
 * The library calls `core`, which outlives its client where it has to: when a callback destroys the client, the
 * function that runs and the member function that made the call are both still there. Each of these keeps it by a
 * reference of its own. Every member function that enters the library does so in a `call`, and an exception is kept
 * in the innermost call on that client on that thread, which throws it.
 */
#ifndef CONFDCLIENT_DETAIL_HPP
#define CONFDCLIENT_DETAIL_HPP

#include "error.hpp"
#include "result.hpp"
#include "upcall.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <sys/types.h>
#include <unistd.h>

namespace confd {
namespace detail {

class core;
class call;

/** The innermost call into the library on this thread. */
inline call *&innermost() noexcept
{
    static thread_local call *top = nullptr;
    return top;
}

/** What belongs to one request or query until its last call. */
struct ticket {
    core *owner = nullptr;
    upcall_function told;                              // of a request; may be empty
    std::function<void(const confd_result &)> finished; // of a query
    void *data = nullptr;
};

/** What of a client its callbacks use. */
class core : public std::enable_shared_from_this<core> {
  public:
    confd_client *handle = nullptr;
    upcall_function told;
    exception_function unthrown;
    std::shared_ptr<log_function> log; // the library points to it

    core() = default;
    core(const core &) = delete;
    core &operator=(const core &) = delete;
    ~core() { confd_client_free(handle); } // there is one only if its making has failed later

    /** Takes charge of a ticket until redeem(). Fails in a child after fork(), where nobody may hold the lock. */
    void admit(std::shared_ptr<ticket> entry)
    {
        if (getpid() != process_) {
            throw error(errc::closed, "the client was inherited through fork()");
        }
        entry->owner = this;
        const std::lock_guard<std::mutex> guard(lock_);
        tickets_.emplace(entry.get(), std::move(entry));
    }

    /** The ticket of a last call, or of a request that was refused; NULL if it is none of this client. */
    std::shared_ptr<ticket> redeem(const void *key) noexcept
    {
        const std::lock_guard<std::mutex> guard(lock_);
        const auto place = tickets_.find(key);
        if (place == tickets_.end()) {
            return nullptr;
        }
        std::shared_ptr<ticket> found = std::move(place->second);
        tickets_.erase(place);
        return found;
    }

    std::shared_ptr<ticket> find(const void *key) const noexcept
    {
        const std::lock_guard<std::mutex> guard(lock_);
        const auto place = tickets_.find(key);
        return place != tickets_.end() ? place->second : nullptr;
    }

    /** Ends the handle. What its callbacks throw goes to the call that this one is nested in. */
    void end() noexcept;

    /** Keeps an exception for the innermost call on this client on this thread. */
    void keep(std::exception_ptr exception) noexcept;

    /** The callbacks of the C API. */
    static void on_upcall(confd_client *, const confd_upcall *native, void *user_data) noexcept
    {
        // In this order: the ticket's functions may hold what destroys the client.
        const std::shared_ptr<core> self = static_cast<core *>(user_data)->shared_from_this();
        const upcall event(*native, native->request_data);
        const std::shared_ptr<ticket> own =
            event.last() ? self->redeem(native->request_data) : self->find(native->request_data);
        try {
            if (own == nullptr) {
                self->tell(self->told, event); // sent through the C API
            } else {
                self->tell(own->told ? own->told : self->told, upcall(*native, own->data));
            }
        } catch (...) {
            self->keep(std::current_exception());
        }
    }

    static void on_result(confd_client *, const confd_result *native, void *data) noexcept
    {
        const std::shared_ptr<core> self = static_cast<ticket *>(data)->owner->shared_from_this();
        const std::shared_ptr<ticket> own = self->redeem(data);
        try {
            own->finished(*native);
        } catch (...) {
            self->keep(std::current_exception());
        }
    }

  private:
    static void tell(const upcall_function &function, const upcall &event)
    {
        if (function) {
            function(event);
        }
    }

    mutable std::mutex lock_;
    std::unordered_map<const void *, std::shared_ptr<ticket>> tickets_;
    const pid_t process_ = getpid();
    bool ended_ = false;
};

/** Whether a call throws: what it cannot throw goes to the call around it. */
enum class throws { yes, no };

/** A call into the library: to its end it keeps the exceptions of this client's callbacks on this thread. */
class call {
  public:
    explicit call(std::shared_ptr<core> of, throws can = throws::yes) noexcept
        : core_(std::move(of)), outer_(innermost()), can_(can)
    {
        innermost() = this;
    }
    call(const call &) = delete;
    call &operator=(const call &) = delete;
    ~call() { innermost() = outer_; }

    core &of() const noexcept { return *core_; }
    confd_client *handle() const noexcept { return core_->handle; }

    /**
     * Throws what is to be thrown, right after the function of the C API that gave this code.
     *
     * That a client is closed is no news where a callback has closed or destroyed it: its exception is.
     */
    void check(confd_error code)
    {
        if (!kept_) {
            detail::check(code);
            return;
        }
        const std::exception_ptr kept = std::exchange(kept_, nullptr);
        if (code == CONFD_OK || code == CONFD_ERR_CLOSED) {
            std::rethrow_exception(kept);
        }
        const error failure(static_cast<errc>(code), confd_last_error());
        try {
            std::rethrow_exception(kept);
        } catch (...) {
            std::throw_with_nested(failure);
        }
    }

  private:
    friend class core;
    friend void log_line(std::int32_t, const char *, void *) noexcept;

    const std::shared_ptr<core> core_;
    call *const outer_;
    const throws can_;
    std::exception_ptr kept_;
};

inline void core::end() noexcept
{
    if (!std::exchange(ended_, true)) {
        const call inside(shared_from_this(), throws::no);
        confd_client_free(handle);
        handle = nullptr;
    }
}

inline void core::keep(std::exception_ptr exception) noexcept
{
    call *place = innermost();
    while (place != nullptr && (place->core_.get() != this || place->can_ == throws::no)) {
        place = place->outer_;
    }
    if (place != nullptr && !place->kept_) {
        place->kept_ = std::move(exception);
        return;
    }
    try {
        if (unthrown) {
            unthrown(std::move(exception));
        }
    } catch (...) { // told of exceptions that have nowhere to go, it throws one more
        return;
    }
}

/** The log function of the C API. */
inline void log_line(std::int32_t level, const char *message, void *data) noexcept
{
    try {
        (*static_cast<log_function *>(data))(static_cast<log_level>(level), message);
    } catch (...) {
        if (innermost() != nullptr) { // a call through the C API has none
            innermost()->core_->keep(std::current_exception());
        }
    }
}

} // namespace detail
} // namespace confd

#endif
