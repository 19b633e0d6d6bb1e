/*
 * libconfdclient for C++17 and later: the C API of confdclient.h as values, exceptions and functions.
 *
 * Copyright (c) 2026, the libconfdclient authors. SPDX-License-Identifier: BSD-2-Clause
 *
 * A program makes a client with the cluster's HMAC key and the addresses of its master candidates, and asks:
 *
 *     confd::client client(key, {"192.0.2.1", "192.0.2.2"});
 *     confd::result result = client.query(confd::request(confd::request_type::cluster_master), 5s);
 *     if (result.reply()) std::cout << result.reply()->get<std::string>() << '\n';
 *
 * It links with -lconfdclient (pkg-config confdclient); these headers have no code of their own to link.
 *
 * - What fails throws confd::error: its code() compares with confd::errc, what() has the particulars. A call that
 *   throws it leaves everything as it was. Functions marked noexcept say in their return value what there is to say.
 * - Texts go in as std::string_view, in UTF-8; one that holds U+0000 is errc::invalid_argument, since the C library
 *   would take what is before it for the whole. They come out as std::string, or as a view where the comment says
 *   how long it lives.
 * - Times are std::chrono durations of any unit. They are rounded up to milliseconds and saturate at 2^31 - 1 ms;
 *   negative ones mean no limit (confd::no_limit).
 * - Clients may be used from any thread at any time, but for moving and destroying; requests and options by one
 *   thread at a time; replies and results are values that any number of threads may read.
 * - Functions that the program passes in are copied, and destroyed outside any lock: one of a request or a query
 *   right after its last call, or when it is refused; those of a client when it goes.
 * - Exceptions that such a function throws never pass through the library. They are kept, and thrown from the
 *   member function of the client that made the call, on the thread that it was made on: see confd::client.
 * - A moved-from object may be assigned to and destroyed; all else throws errc::invalid_argument.
 */
#ifndef CONFDCLIENT_HPP
#define CONFDCLIENT_HPP

#include "confdclient/arguments.hpp"
#include "confdclient/client.hpp"
#include "confdclient/error.hpp"
#include "confdclient/options.hpp"
#include "confdclient/reply.hpp"
#include "confdclient/request.hpp"
#include "confdclient/result.hpp"
#include "confdclient/state.hpp"
#include "confdclient/upcall.hpp"

#endif
