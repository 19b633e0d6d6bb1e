/* Every function of a client with a socket. */
#include "world.hpp"

#include <algorithm>
#include <thread>

#include <poll.h>

using namespace std::chrono_literals;
using confd::request;
using confd::request_type;
using confd::upcall;
using confd::upcall_type;

namespace {

void requests_and_their_upcalls()
{
    const simulator sim(3);
    int replies = 0;
    int ended = 0;
    int number = 17;
    confd::client client = sim.client([&](const upcall &event) {
        CHECK(event.request().type() == request_type::ping && event.request().salt() == event.salt());
        CHECK(event.request().query_json() == "null" && event.data() == &number && event.sent() == 2);
        CHECK(event.native().type == static_cast<std::int32_t>(event.type()));
        if (event.type() == upcall_type::reply) {
            replies++;
            CHECK(!event.last() && event.reply()->status() == confd::reply_status::ok && event.consistent());
            CHECK(event.server_ip().find("127.0.0.") == 0 && event.server_port() > 0);
            CHECK(event.received() >= 1 && event.received() <= 2);
        } else {
            ended++;
            CHECK(event.last() && event.type() == upcall_type::cancel);
            CHECK(!event.reply() && event.server_ip().empty() && event.server_port() == 0);
        }
    });
    confd::request request(request_type::ping);
    client.send(request, confd::coverage{2}, confd::send_mode::queued, &number);
    CHECK(client.stats().queued == 2 && client.stats().requests == 1);
    client.flush();
    CHECK(client.stats().queued == 0);
    const confd::wait_result waited = client.wait(request.salt(), 5s);
    CHECK(!waited.timed_out && waited.sent == 2 && waited.received == 2 && replies == 2);
    CHECK(client.outstanding().total == 1 && client.outstanding().unanswered == 0);
    CHECK(client.timeout() > 1s);
    THROWS(duplicate_salt, client.send(request, confd::coverage{2}, confd::send_mode::now, &number));
    client.expire();
    client.cancel(request.salt());
    CHECK(ended == 1 && client.outstanding().total == 0 && !client.timeout());
    THROWS(unknown_request, client.cancel(request.salt()));
    CHECK(client.wait("nobody's", 1s).timed_out);

    std::uint64_t sent = 0;
    for (const confd::peer_stats &peer : client.peer_stats()) {
        sent += peer.sent;
        CHECK(peer.address.find("127.0.0.") == 0 && peer.answered == peer.sent && peer.refused == 0);
        CHECK(peer.rtt.has_value() == (peer.sent > 0) && peer.rtt.has_value() == peer.rtt_last.has_value());
    }
    CHECK(sent == 2 && client.peer_stats().size() == 3);
    THROWS(coverage, client.send(request.set_salt(), confd::coverage{4}));
    using namespace std::string_literals;
    THROWS(invalid_argument, client.cancel("a\0b"s));
    THROWS(invalid_argument, client.wait("a\0b"s, 1s));
}

void a_function_of_its_own_for_each_request()
{
    const simulator sim(3);
    confd::client client = sim.client();
    THROWS(invalid_argument, ping(client)); // nobody would be told
    const auto token = std::make_shared<int>(0);
    std::string told;
    const auto note = [&told, token](const char *mark) {
        return [&told, token, mark](const upcall &event) { told += event.last() ? std::string("!") + mark : mark; };
    };
    confd::request first(request_type::ping);
    client.send(first, note("a"), confd::coverage{1});
    confd::request second(request_type::ping);
    client.send(second, note("b"), confd::coverage::all);
    const long held = token.use_count();
    THROWS(duplicate_salt, client.send(second, note("c")));
    CHECK(token.use_count() == held); // what was refused is destroyed
    CHECK(!client.wait(first.salt(), 5s).timed_out);
    while (client.stats().replies < 4) {
        client.receive(5s);
    }
    client.cancel(second.salt());
    CHECK(told.size() == 6 && told.substr(4) == "!b");
    CHECK(std::count(told.begin(), told.end(), 'b') == 4 && std::count(told.begin(), told.end(), 'a') == 1);
    CHECK(token.use_count() < held);
    client.close();
    CHECK(told.substr(6) == "!a" && token.use_count() == 2); // this one and that of `note`
}

void loops()
{
    const simulator sim(2);
    confd::client client = sim.client();
    const int fd = client.fd();
    CHECK(fd >= 0 && client.fd() == fd);
    int told = 0;
    client.query_async(confd::request(request_type::cluster_master), 5s, [&](const confd::result &result) {
        told++;
        CHECK(result.answered());
        THROWS(busy, client.receive(0s));
        THROWS(busy, client.process());
        THROWS(busy, client.expire());
        THROWS(busy, client.wait("x", 0s));
        THROWS(busy, client.query(confd::request(request_type::ping), 1s));
    });
    while (told == 0) {
        pollfd watched = {fd, POLLIN, 0};
        CHECK(poll(&watched, 1, 10000) == 1);
        client.process();
    }
    CHECK(told == 1);
    CHECK(client.receive(0s) <= 2);
    CHECK(client.wake());
    CHECK(client.receive(confd::no_limit) == 0);
    THROWS(invalid_argument, client.query_async(confd::request(request_type::ping), 1s, nullptr));
    confd::request cancelled(request_type::ping);
    client.query_async(cancelled, confd::no_limit, [&](const confd::result &) { told++; });
    client.cancel(cancelled.salt());
    CHECK(told == 2);
}

void another_thread_may_close()
{
    const simulator sim(1, {"--fault", "silent=true"});
    confd::client client = sim.client();
    std::thread waits([&] { THROWS(closed, client.query(confd::request(request_type::ping), confd::no_limit)); });
    while (client.stats().datagrams_out == 0) {
        std::this_thread::yield();
    }
    client.close();
    waits.join();
    client.close();
    THROWS(closed, client.receive(0s));
    THROWS(closed, client.flush());
    THROWS(closed, client.stats());
    THROWS(closed, client.peer_stats());
    THROWS(closed, client.outstanding());
    THROWS(closed, client.query_future(confd::request(request_type::ping), 1s));
    THROWS(closed, ping(client, [](const upcall &) {}));
    CHECK(!client.wake() && client.fd() == -1 && !client.timeout());
}

void peers_and_keys_change()
{
    const simulator sim(3);
    confd::client client("another key", {"127.0.0.9"});
    THROWS(bad_peer, client.update_peers({"node"}));
    THROWS(no_peers, client.update_peers({}));
    THROWS(mixed_families, client.update_peers({"::1"}));
    THROWS(invalid_argument, client.set_hmac_key(""));
    THROWS(invalid_argument, client.reload());
    client.update_peers(sim.peers());
    client.set_hmac_key(std::string(KEY));
    CHECK(client.query(confd::request(request_type::ping), 5s).answered());
}

void clients_of_a_data_directory()
{
    const simulator sim(2);
    const folder data;
    data.write("hmac.key", KEY);
    data.write("ssconf_master_candidates_ips", "127.0.0.1\n");
    const std::string_view peer = sim.peers()[0];
    const auto port = static_cast<std::uint16_t>(std::stoi(std::string(peer.substr(peer.find(':') + 1))));
    confd::client client = confd::client::open(data.path(), nullptr, confd::options().port(port));
    CHECK(client.query(confd::request(request_type::ping), 5s).sent() == 1);
    data.write("ssconf_master_candidates_ips", "127.0.0.1\n127.0.0.2\n");
    client.reload();
    CHECK(client.query(confd::request(request_type::ping), 5s).sent() == 2);
    data.write("ssconf_master_candidates_ips", "nobody\n");
    CHECK(THROWS(cluster_dir, client.reload()).find("ssconf_master_candidates_ips") != std::string::npos);
    CHECK(client.peer_stats().size() == 2);
}

void the_log()
{
    std::vector<std::string> lines;
    confd::options options;
    options.log([&](confd::log_level level, std::string_view line) {
        CHECK(level >= confd::log_level::debug && level <= confd::log_level::error && !line.empty());
        lines.emplace_back(line);
    });
    confd::client client("key", {"127.0.0.1"}, nullptr, options);
    options.log(nullptr); // the client has its copy
    lines.clear();
    client.update_peers({"127.0.0.1", "127.0.0.2"});
    CHECK(!lines.empty());
}

} // namespace

void calls()
{
    requests_and_their_upcalls();
    a_function_of_its_own_for_each_request();
    loops();
    another_thread_may_close();
    peers_and_keys_change();
    clients_of_a_data_directory();
    the_log();
}
