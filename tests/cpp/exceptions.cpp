/* Where the exceptions of callbacks go: out of the call that made them, on its thread, and through no C frame. */
#include "world.hpp"

#include <atomic>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using confd::upcall;
using confd::upcall_type;

namespace {

/** A callback that throws this number in upcalls of this type. */
confd::upcall_function throwing(upcall_type type, int number)
{
    return [type, number](const upcall &event) {
        if (event.type() == type) {
            throw thrown{number};
        }
    };
}

/** Options that note the numbers of exceptions that could not be thrown. */
confd::options noting(std::vector<int> &unthrown)
{
    confd::options options;
    options.unthrown([&unthrown](const std::exception_ptr &exception) {
        unthrown.push_back(caught([&] { std::rethrow_exception(exception); }));
    });
    return options;
}

void the_call_that_made_the_upcall_throws()
{
    confd::client client = external(throwing(upcall_type::reply, 1));
    const std::string salt = ping(client);
    CHECK(caught([&] { answer(client, salt); }) == 1);
    CHECK(client.stats().replies == 1); // it has done its work
    const std::string other = ping(client, throwing(upcall_type::cancel, 2));
    CHECK(caught([&] { client.cancel(other); }) == 2);
    CHECK(client.outstanding().total == 1);
    client.cancel(salt);
    (void)ping(client, throwing(upcall_type::cancel, 3));
    CHECK(caught([&] { client.close(); }) == 3);

    confd::client queries = external();
    confd::request request(confd::request_type::ping);
    queries.query_async(request, 10s, [](const confd::result &) { throw thrown{4}; });
    CHECK(caught([&] { answer(queries, request.salt()); }) == 4);
    CHECK(queries.outstanding().total == 0);
}

void the_first_is_thrown_and_the_others_are_told()
{
    std::vector<int> unthrown;
    confd::client client = external(nullptr, noting(unthrown));
    for (int i = 1; i <= 3; i++) {
        (void)ping(client, throwing(upcall_type::cancel, i));
    }
    CHECK(caught([&] { client.close(); }) == 1);
    CHECK((unthrown == std::vector<int>{2, 3}));
}

void nobody_needs_to_be_told()
{
    confd::client client = external();
    (void)ping(client, throwing(upcall_type::cancel, 1));
    (void)ping(client, throwing(upcall_type::cancel, 2));
    CHECK(caught([&] { client.close(); }) == 1);

    int told = 0;
    confd::options options;
    options.unthrown([&](const std::exception_ptr &) {
        told++;
        throw thrown{9};
    });
    confd::client other = external(nullptr, std::move(options));
    (void)ping(other, throwing(upcall_type::cancel, 1));
    (void)ping(other, throwing(upcall_type::cancel, 2));
    CHECK(caught([&] { other.close(); }) == 1);
    CHECK(told == 1);
}

/** What send comes upon throws; the request is accepted all the same, or its own error is thrown around that. */
void a_send_throws_what_it_comes_upon()
{
    confd::client client = external(nullptr, std::move(confd::options().expire(1ms)));
    (void)ping(client, throwing(upcall_type::expire, 5));
    until_due(client);
    int last = 0;
    const confd::request request(confd::request_type::ping);
    CHECK(caught([&] { client.send(request, [&](const upcall &event) { last += event.last(); }); }) == 5);
    CHECK(client.stats().requests == 2);
    until_due(client);
    client.expire();
    CHECK(last == 1);

    (void)ping(client, throwing(upcall_type::expire, 6));
    until_due(client);
    try {
        client.send(request, [&](const upcall &) { last++; });
        CHECK(false);
    } catch (const confd::error &error) {
        CHECK(error.code() == confd::errc::duplicate_salt && *error.detail() != '\0');
        CHECK(caught([&] { std::rethrow_if_nested(error); }) == 6);
    }
    CHECK(last == 1 && client.outstanding().total == 0);
}

/** What an upcall brings about is delivered, and thrown, by the call that delivers. */
void nested_calls_leave_it_to_the_outer_one()
{
    confd::client client = external();
    bool nested = false;
    const std::string other = ping(client, throwing(upcall_type::cancel, 7));
    const std::string salt = ping(client, [&](const upcall &event) {
        if (event.type() == upcall_type::reply) {
            client.cancel(other);
            nested = true;
        }
    });
    CHECK(caught([&] { answer(client, salt); }) == 7);
    CHECK(nested && client.outstanding().total == 1);

    // An error of a call inside a callback is an exception of that callback.
    const std::string third = ping(client, [&](const upcall &event) {
        if (!event.last()) {
            client.process();
        }
    });
    THROWS(busy, answer(client, third));
    client.close();
}

void each_client_has_its_own()
{
    confd::client inner = external();
    confd::client outer = external();
    const std::string inner_salt = ping(inner, throwing(upcall_type::reply, 1));
    int seen = 0;
    const std::string outer_salt = ping(outer, [&](const upcall &event) {
        if (!event.last()) {
            seen = caught([&] { answer(inner, inner_salt); });
            throw thrown{2};
        }
    });
    CHECK(caught([&] { answer(outer, outer_salt); }) == 2);
    CHECK(seen == 1);
}

void each_thread_has_its_own()
{
    const simulator sim(2);
    confd::client client = sim.client();
    bool inside = false;
    std::atomic<bool> go(false);
    const confd::request request(confd::request_type::ping);
    std::thread delivers([&] {
        const int number = caught([&] {
            for (;;) {
                client.receive(confd::no_limit);
            }
        });
        CHECK(number == 8);
    });
    client.send(request, [&](const upcall &event) {
        if (!event.last() && !std::exchange(inside, true)) {
            CHECK(std::this_thread::get_id() == delivers.get_id());
            while (!go) { // until the other thread has made calls of its own
                std::this_thread::yield();
            }
            throw thrown{8};
        }
    }, confd::coverage{1});
    CHECK(client.outstanding().total == 1);
    client.flush();
    go = true;
    delivers.join();
    CHECK(inside);
    client.close();
}

void blocking_calls_throw_what_others_throw()
{
    const simulator sim(2);
    confd::client client = sim.client();
    const confd::request request(confd::request_type::ping);
    client.send(request, throwing(upcall_type::reply, 1), confd::coverage{1});
    CHECK(caught([&] { client.wait(request.salt(), 10s); }) == 1);

    // A query that makes the upcalls of another request on its way: its result is lost.
    confd::client other = sim.client();
    const std::string salt = ping(other, throwing(upcall_type::reply, 2));
    (void)salt;
    int number = -1;
    for (int i = 0; i < 100 && number < 0; i++) {
        number = caught([&] { (void)other.query(confd::request(confd::request_type::cluster_master), 10s); });
    }
    CHECK(number == 2);
}

void the_log_function_may_throw()
{
    bool loud = false;
    confd::options options;
    options.log([&](confd::log_level, std::string_view) {
        if (loud) {
            throw thrown{3};
        }
    }, confd::log_level::debug);
    confd::client client("key", {"127.0.0.1"}, nullptr, options);
    loud = true;
    CHECK(caught([&] { client.update_peers({"127.0.0.1", "127.0.0.2"}); }) == 3);
    CHECK(client.peer_stats().size() == 2); // it has done its work
    CHECK(client.fd() >= 0);                // and where nothing can be thrown, nothing is
    loud = false;
    client.close();
}

/** Through the C API nobody is there to throw it. */
void calls_through_the_c_api_tell()
{
    std::vector<int> unthrown;
    int plain = 0;
    confd::client client = external([&](const upcall &event) { plain += event.data() == &plain; }, noting(unthrown));
    const std::string salt = ping(client, throwing(upcall_type::cancel, 4));
    CHECK(confd_client_cancel(client.native(), salt.c_str()) == CONFD_OK);
    CHECK(unthrown == std::vector<int>{4});
    const confd::request request(confd::request_type::ping);
    CHECK(confd_client_send(client.native(), request.native(), 0, 0, &plain) == CONFD_OK);
    client.cancel(request.salt());
    CHECK(plain == 1);

    // Nor does a call on another client take it.
    confd::client outer = external();
    const std::string inner_salt = ping(client, throwing(upcall_type::cancel, 6));
    const std::string outer_salt = ping(outer, [&](const upcall &event) {
        if (!event.last()) {
            CHECK(confd_client_cancel(client.native(), inner_salt.c_str()) == CONFD_OK);
        }
    });
    answer(outer, outer_salt);
    CHECK((unthrown == std::vector<int>{4, 6}));
}

} // namespace

void exceptions()
{
    the_call_that_made_the_upcall_throws();
    the_first_is_thrown_and_the_others_are_told();
    nobody_needs_to_be_told();
    a_send_throws_what_it_comes_upon();
    nested_calls_leave_it_to_the_outer_one();
    each_client_has_its_own();
    each_thread_has_its_own();
    blocking_calls_throw_what_others_throw();
    the_log_function_may_throw();
    calls_through_the_c_api_tell();
}
