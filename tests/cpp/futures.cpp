/* Queries as futures. */
#include "world.hpp"

#include <optional>
#include <thread>

using namespace std::chrono_literals;
using confd::request;
using confd::request_type;

namespace {

bool ready(const std::future<confd::result> &future)
{
    return future.wait_for(0s) == std::future_status::ready;
}

void one_thread_asks_and_receives()
{
    const simulator sim(3);
    confd::client client = sim.client();
    std::vector<std::future<confd::result>> futures;
    for (int i = 0; i < 20; i++) {
        futures.push_back(client.query_future(confd::request(request_type::cluster_master), 10s));
    }
    for (std::future<confd::result> &future : futures) {
        while (!ready(future)) {
            client.receive(confd::no_limit);
        }
        CHECK(future.get().reply()->get<std::string>() == "node1.example.com");
    }
}

void another_thread_receives()
{
    const simulator sim(2);
    confd::client client = sim.client();
    std::thread loop([&] { THROWS(closed, for (;;) { client.receive(confd::no_limit); }); });
    confd::request question(request_type::ping);
    CHECK(client.query_future(question, 10s).get().answered());
    CHECK(client.query_future(question, 10s, confd::coverage::all).get().sent() == 2);
    client.close();
    loop.join();
}

void the_end_of_the_client_is_a_result()
{
    std::optional<confd::client> client(external());
    std::future<confd::result> ended = client->query_future(confd::request(request_type::ping), confd::no_limit);
    confd::request question(request_type::ping);
    std::future<confd::result> cancelled = client->query_future(question, confd::no_limit);
    (void)client->query_future(confd::request(request_type::ping), 10s); // whose future nobody keeps
    CHECK(!ready(ended) && !ready(cancelled));
    client->cancel(question.salt());
    CHECK(!ready(ended) && cancelled.get().outcome() == confd::outcome::cancelled);
    client.reset();
    CHECK(ended.get().outcome() == confd::outcome::cancelled);
}

/** Its own function throws nothing; what others throw in the same call does not keep the result away. */
void it_throws_nothing_by_itself()
{
    confd::client client = external();
    confd::request question(request_type::ping);
    std::future<confd::result> future = client.query_future(question, 10s);
    answer(client, question.salt(), "5");
    CHECK(future.get().reply()->get<std::int64_t>() == 5);
    THROWS(coverage, client.query_future(question, 10s, confd::coverage{2}));

    future = client.query_future(question, 10s);
    (void)ping(client, [](const confd::upcall &) { throw thrown{1}; });
    CHECK(caught([&] { client.close(); }) == 1);
    CHECK(future.get().outcome() == confd::outcome::cancelled);
}

void in_a_child_the_promise_is_broken()
{
    std::optional<confd::client> client(external());
    std::future<confd::result> future = client->query_future(confd::request(request_type::ping), 10s);
    in_a_child([&] {
        client.reset();
        try {
            future.get();
        } catch (const std::future_error &error) {
            return error.code() == std::future_errc::broken_promise;
        }
        return false;
    });
}

} // namespace

void futures()
{
    one_thread_asks_and_receives();
    another_thread_receives();
    the_end_of_the_client_is_a_result();
    it_throws_nothing_by_itself();
    in_a_child_the_promise_is_broken();
}
