/*
 * Several questions at once: one thread runs the client, the others ask. Each query is a future; pings have a function
 * of their own that hears of each server, and says when all have answered.
 *
 *     c++ -std=c++17 cluster.cpp -o cluster -pthread $(pkg-config --cflags --libs confdclient)
 *     ./cluster /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 */
#include <confdclient.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using confd::request;
using confd::request_type;

namespace {

/* Receives until the client is closed. What a callback throws comes out of receive(). */
void run(confd::client &client)
{
    for (;;) {
        try {
            client.receive(confd::no_limit);
        } catch (const confd::error &error) {
            if (error.code() == confd::errc::closed) {
                return;
            }
            std::fprintf(stderr, "cluster: %s\n", error.what());
        } catch (const std::exception &error) {
            std::fprintf(stderr, "cluster: a callback: %s\n", error.what());
        }
    }
}

/* Pings every server; the future is ready when all have answered, or the request has expired. */
std::future<unsigned> count_servers(confd::client &client)
{
    auto count = std::make_shared<std::promise<unsigned>>();
    auto future = count->get_future();
    const auto told = [&client, count](const confd::upcall &event) {
        if (event.last()) { // exactly once: count goes with this function
            count->set_value(event.received());
        } else if (event.received() == event.sent()) {
            client.cancel(event.salt()); // nothing more can come; the last upcall follows
        }
    };
    client.send(confd::request(request_type::ping), told, confd::coverage::all);
    return future;
}

int ask(confd::client &client)
{
    auto servers = count_servers(client);
    std::vector<std::pair<const char *, std::future<confd::result>>> questions;
    const auto query = [&](const char *text, confd::request request) {
        questions.emplace_back(text, client.query_future(std::move(request), 5s));
    };
    query("the master", confd::request(request_type::cluster_master));
    query("the nodes", confd::request(request_type::node_pip_list));
    query("the candidates", confd::request(request_type::mc_pip_list));
    query("the cluster's name", confd::request(request_type::config_query, "/cluster/cluster_name"));

    int unanswered = 0;
    for (auto &[text, future] : questions) {
        const confd::result result = future.get();
        std::printf("%s: %s (%u of %u answered)\n", text,
                    result.reply() ? result.reply()->answer_json().c_str() : "no reply", result.received(),
                    result.sent());
        unanswered += result.answered() ? 0 : 1;
    }
    std::printf("servers that are there: %u\n", servers.get());
    return unanswered == 0 ? 0 : 1;
}

/* Closes the client, which ends run(), and joins, whichever way main() is left. */
struct runner {
    confd::client &client;
    std::thread thread;

    explicit runner(confd::client &of) : client(of), thread([&of] { run(of); }) {}
    runner(const runner &) = delete;
    runner &operator=(const runner &) = delete;
    ~runner()
    {
        client.close();
        thread.join();
    }
};

} // namespace

int main(int argc, char **argv)
try {
    std::ifstream file(argc > 2 ? argv[1] : "", std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "Usage: cluster KEY-FILE PEER..., with a KEY-FILE that can be read\n");
        return 2;
    }
    const std::string key(std::istreambuf_iterator<char>(file), {});
    confd::client client(key, {argv + 2, argv + argc}, nullptr, confd::options().expire(5s));
    const runner running(client);
    return ask(client);
} catch (const std::exception &error) {
    std::fprintf(stderr, "cluster: %s\n", error.what());
    return 1;
}
