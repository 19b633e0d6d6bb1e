/* What a client is told at its creation. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_OPTIONS_HPP
#define CONFDCLIENT_OPTIONS_HPP

#include "arguments.hpp"
#include "detail.hpp"
#include "upcall.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace confd {

/**
 * What a client is told at its creation, where a copy is made. Used by one thread at a time. Each function gives the
 * options themselves: `confd::options().port(2000).expire(5s)`. Each throws errc::invalid_argument for what is out
 * of range, and changes nothing then.
 */
class options {
  public:
    /** The defaults. */
    options()
    {
        confd_options *made = nullptr;
        detail::check(confd_options_new(&made));
        native_.reset(made);
    }

    /** The port of peers that name none of their own, 1 to 65535. Default: by the services database, else 1814. */
    options &port(std::uint16_t port) { return done(confd_options_set_port(native(), port)); }

    /** How long a request is outstanding, more than 0. Default: 10 s. There is no "no limit" here. */
    options &expire(time_limit time) { return done(confd_options_set_expire_ms(native(), time.ms())); }

    /** The most bytes of a request's datagram, 1 to 65507. Default: 4096, which is what ganeti-confd 3.0 reads. */
    options &max_request_bytes(std::size_t size) { return done(confd_options_set_max_request_bytes(native(), size)); }

    /** Whether upcalls tell only of replies that say something new. Default: off. The others count all the same. */
    options &filter(bool on) { return done(confd_options_set_filter(native(), on)); }

    /** Whether replies from addresses that were not asked are delivered; they never count. Default: off. */
    options &any_source(bool on) { return done(confd_options_set_any_source(native(), on)); }

    /** After how long a query that is short of replies asks again; 0 for never. Default: 1 s. */
    options &retry(time_limit time) { return done(confd_options_set_retry_ms(native(), time.ms())); }

    /** How often the peers are brought up to date; 0, the default, for never. */
    options &refresh(time_limit time) { return done(confd_options_set_refresh_ms(native(), time.ms())); }

    /** Bytes asked of the kernel for the socket's receive buffer, 1 to 2^31 - 1. Default: what the kernel gives. */
    options &receive_buffer(std::size_t size) { return done(confd_options_set_receive_buffer(native(), size)); }

    /** The local address to send from, one of the peers' family. Default: as the kernel routes. */
    options &bind_address(std::string_view ip)
    {
        return done(confd_options_set_bind_address(native(), detail::c_text(ip).c_str()));
    }

    /** Whether the program does its own input and output: see client::poll_transmit(). Default: off. */
    options &external_io(bool on) { return done(confd_options_set_external_io(native(), on)); }

    /**
     * Where log lines go. By default there are none. It is called inside calls on the client, on the calling thread,
     * one line at a time for each client. Clients share one copy of the function.
     *
     * @param function   Takes the lines; an empty one for none. See log_function.
     * @param min_level  The least level to log.
     */
    options &log(log_function function, log_level min_level = log_level::info)
    {
        std::shared_ptr<log_function> sink;
        if (function) {
            sink = std::make_shared<log_function>(std::move(function));
        }
        detail::check(confd_options_set_log(native(), sink ? detail::log_line : nullptr, sink.get(),
                                            static_cast<std::int32_t>(min_level)));
        log_ = std::move(sink);
        return *this;
    }

    /**
     * Who is told of exceptions that cannot be thrown: the second and later ones of one call, and those of calls in
     * the client's destructor and in noexcept functions. Without it they are dropped. Called at the place where the
     * exception would be lost, on that thread; it must not destroy the client.
     *
     * @param function  Takes them; an empty one for nobody.
     */
    options &unthrown(exception_function function)
    {
        unthrown_ = std::move(function);
        return *this;
    }

    /** The options of the C API, which stay this object's: never free them. NULL once moved from. */
    confd_options *native() noexcept { return native_.get(); }
    /** The same, to look at. */
    const confd_options *native() const noexcept { return native_.get(); }

  private:
    friend class client;

    options &done(confd_error code)
    {
        detail::check(code);
        return *this;
    }

    struct deleter {
        void operator()(confd_options *native) const noexcept { confd_options_free(native); }
    };
    std::unique_ptr<confd_options, deleter> native_;
    std::shared_ptr<log_function> log_; // the library points to it
    exception_function unthrown_;
};

} // namespace confd

#endif
