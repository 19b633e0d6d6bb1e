/* How clients end: in their own callbacks, by moving, in a child; and that every function is destroyed exactly once. */
#include "world.hpp"

#include <optional>
#include <thread>

using namespace std::chrono_literals;
using confd::upcall;
using confd::upcall_type;

namespace {

/** Counts the calls and the copies of a function that a request has. */
struct counted {
    std::shared_ptr<int> calls = std::make_shared<int>(0);
    confd::upcall_function function() const
    {
        return [seen = calls](const upcall &event) { *seen += event.last() ? 100 : 1; };
    }
    bool gone() const { return calls.use_count() == 1; }
};

void a_callback_destroys_its_client()
{
    std::optional<confd::client> client(external());
    const counted others[3];
    const auto held = std::make_shared<std::string>("held by the function that runs");
    for (const counted &one : others) {
        (void)ping(*client, one.function());
    }
    int last = 0;
    const std::string salt = ping(*client, [&, held](const upcall &event) {
        if (event.last()) {
            last++;
            CHECK(last == 1);
            return;
        }
        client.reset(); // nested in it: the last upcalls of all, that of this request included
        CHECK(last == 1);
        for (const counted &one : others) {
            CHECK(*one.calls == 100 && one.gone());
        }
        // The function that runs and the upcall's arguments are still there.
        CHECK(*held == "held by the function that runs");
        CHECK(event.salt().size() == 36 && event.reply()->answer_json() == "\"x\"");
    });
    THROWS(closed, answer(*client, salt, "\"x\""));
    CHECK(!client && last == 1 && held.use_count() == 1);
}

void so_does_the_callback_of_the_client_itself()
{
    std::optional<confd::client> client;
    int last = 0;
    client.emplace(external([&](const upcall &event) {
        last += event.last();
        if (event.type() == upcall_type::reply) {
            client.reset();
            throw thrown{5};
        }
    }));
    const std::string salt = ping(*client);
    CHECK(caught([&] { answer(*client, salt); }) == 5); // rather than that the client is closed
    CHECK(last == 1);
}

/** The call of the C API that it is nested in, and a send that comes upon it, have nothing of the client left. */
void whatever_call_it_is_in()
{
    int told = 0;
    confd::options options;
    options.unthrown([&](const std::exception_ptr &) { told++; });
    std::optional<confd::client> client(external(nullptr, std::move(options)));
    const auto destroys = [&](const upcall &) {
        client.reset();
        throw thrown{6};
    };
    const std::string salt = ping(*client, destroys);
    CHECK(confd_client_cancel(client->native(), salt.c_str()) == CONFD_ERR_CLOSED);
    CHECK(told == 1 && !client);

    client.emplace(external(nullptr, std::move(confd::options().expire(1ms))));
    (void)ping(*client, destroys);
    until_due(*client);
    const counted refused;
    CHECK(caught([&] { ping(*client, refused.function()); }) == 6);
    CHECK(!client && *refused.calls == 0 && refused.gone());
}

/** In the last upcall of all the function owns the client that calls it. */
void the_function_owns_the_client()
{
    auto client = std::make_shared<confd::client>(external());
    confd::client *const alive = client.get();
    const counted other;
    (void)ping(*client, other.function());
    const std::string salt = ping(*client, [owner = client](const upcall &) {});
    client.reset();
    THROWS(closed, alive->cancel(salt));
    CHECK(*other.calls == 100 && other.gone());
}

void what_the_end_throws()
{
    std::vector<int> unthrown;
    confd::options options;
    options.unthrown([&](const std::exception_ptr &exception) {
        unthrown.push_back(caught([&] { std::rethrow_exception(exception); }));
    });
    const auto throwing = [](int number) {
        return [number](const upcall &event) {
            if (event.last()) {
                throw thrown{number};
            }
        };
    };
    {
        confd::client client = external(nullptr, std::move(options));
        (void)ping(client, throwing(1));
        (void)ping(client, throwing(2));
    }
    CHECK((unthrown == std::vector<int>{1, 2}));

    // Inside a callback it goes to the call around it.
    std::optional<confd::client> client(external());
    (void)ping(*client, throwing(3));
    const std::string salt = ping(*client, [&](const upcall &event) {
        if (!event.last()) {
            client.reset();
        }
    });
    CHECK(caught([&] { answer(*client, salt); }) == 3);
}

void during_the_end_every_call_says_so()
{
    int last = 0;
    confd::client *self = nullptr;
    {
        confd::client client = external([&](const upcall &event) {
            last++;
            THROWS(closed, self->cancel(event.salt()));
            THROWS(closed, ping(*self));
            CHECK(self->fd() == -1 && !self->wake());
        });
        self = &client;
        (void)ping(client);
        (void)ping(client);
    }
    CHECK(last == 2);
}

void moving()
{
    const counted one;
    const counted two;
    confd::client first = external();
    confd::client second = external();
    const std::string salt = ping(first, one.function());
    (void)ping(second, two.function());
    second = std::move(first);
    CHECK(*two.calls == 100 && two.gone() && *one.calls == 0);
    answer(second, salt);
    CHECK(*one.calls == 1 && second && !first); // NOLINT: that is what is tested
    CHECK(first.fd() == -1 && !first.timeout() && !first.wake() && first.native() == nullptr);
    THROWS(invalid_argument, first.process());
    THROWS(invalid_argument, first.close());
    THROWS(invalid_argument, first.stats());
    THROWS(invalid_argument, first.peer_stats());
    THROWS(invalid_argument, first.update_peers({"127.0.0.1"}));
    THROWS(invalid_argument, (void)first.query_future(confd::request(confd::request_type::ping), 1s));
    CHECK(THROWS(invalid_argument, ping(first)).find("moved from") != std::string::npos);
    confd::client &same = second;
    second = std::move(same);
    CHECK(second && *one.calls == 1);
    first = std::move(second);
    CHECK(*one.calls == 1);
    const confd::client last(std::move(first));
    CHECK(last && *one.calls == 1);

    // Assigned to again by a callback of the client that ends.
    const counted nested;
    confd::client twice = external();
    (void)ping(twice, [&](const upcall &) {
        twice = external();
        (void)ping(twice, nested.function());
    });
    confd::client wins = external();
    const std::string winning = ping(wins, one.function());
    twice = std::move(wins);
    CHECK(*nested.calls == 100 && nested.gone() && twice.outstanding().total == 1);
    twice.cancel(winning);

    // Away, in its own callback.
    confd::client moves = external();
    std::optional<confd::client> place;
    const std::string other = ping(moves, [&](const upcall &event) {
        if (!event.last()) {
            place.emplace(std::move(moves));
        }
    });
    answer(moves, other);
    CHECK(place && !moves && place->outstanding().total == 1); // NOLINT: that is what is tested
}

/** Released with the last upcall, and before the client's end: by expiry, cancelling, refusal. */
void functions_are_destroyed_once()
{
    confd::client client = external(nullptr, std::move(confd::options().expire(1ms).max_request_bytes(400)));
    const counted expired;
    (void)ping(client, expired.function());
    until_due(client);
    client.expire();
    CHECK(*expired.calls == 100 && expired.gone());

    const counted refused;
    const confd::request big(confd::request_type::config_query, std::string(500, '/'));
    THROWS(request_too_big, client.send(big, refused.function()));
    THROWS(coverage, client.send(confd::request(confd::request_type::ping), refused.function(), confd::coverage{2}));
    CHECK(*refused.calls == 0 && refused.gone());

    const auto token = std::make_shared<int>(0);
    confd::request query(confd::request_type::ping);
    const auto hold = [token](const confd::result &) { ++*token; };
    client.query_async(query, 10s, hold);
    THROWS(coverage, client.query_async(query, 10s, hold, confd::coverage{2}));
    CHECK(*token == 0 && token.use_count() == 3);
    client.cancel(query.salt());
    CHECK(*token == 1 && token.use_count() == 2);
}

void in_a_child_nothing_is_called()
{
    const counted request;
    const auto token = std::make_shared<int>(0);
    std::optional<confd::client> client(external());
    (void)ping(*client, request.function());
    client->query_async(confd::request(confd::request_type::ping), 10s, [token](const confd::result &) { ++*token; });
    in_a_child([&] {
        const counted refused;
        CHECK(THROWS(closed, ping(*client, refused.function())) == "the client was inherited through fork()");
        THROWS(closed, client->process());
        const bool alive = !request.gone() && refused.gone();
        client.reset();
        const bool gone = request.gone() && token.use_count() == 1;
        return alive && gone && *request.calls == 0 && *token == 0;
    });
    CHECK(client->outstanding().total == 2 && *request.calls == 0);
    client.reset();
    CHECK(*request.calls == 100 && request.gone() && *token == 1 && token.use_count() == 1);
}

/** close() from another thread, join, destroy. */
void threads_end_together()
{
    const simulator sim(2);
    const counted one;
    {
        confd::client client = sim.client();
        std::thread waits([&] { THROWS(closed, for (;;) { client.receive(confd::no_limit); }); });
        (void)ping(client, one.function());
        client.close();
        waits.join();
    }
    CHECK(*one.calls >= 100 && one.gone());
}

} // namespace

void endings()
{
    a_callback_destroys_its_client();
    so_does_the_callback_of_the_client_itself();
    whatever_call_it_is_in();
    the_function_owns_the_client();
    what_the_end_throws();
    during_the_end_every_call_says_so();
    moving();
    functions_are_destroyed_once();
    in_a_child_nothing_is_called();
    threads_end_together();
}
