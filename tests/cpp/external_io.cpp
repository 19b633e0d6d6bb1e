/* Clients that do their own input and output. */
#include "world.hpp"

using namespace std::chrono_literals;

void external_io()
{
    std::vector<confd::reply> replies;
    confd::client client = external([&](const confd::upcall &event) {
        if (event.reply()) {
            replies.push_back(*event.reply()); // which outlives the upcall
        }
    });
    CHECK(!client.poll_transmit() && client.fd() == -1 && !client.timeout());
    const std::string salt = ping(client);
    const std::optional<confd::datagram> out = client.poll_transmit();
    CHECK(out && out->ip == peer_ip && out->port == peer_port && out->data.size() > salt.size());
    CHECK(std::string_view(static_cast<const char *>(out->data.data()), out->data.size()).find(salt) !=
          std::string_view::npos);
    CHECK(!client.poll_transmit());
    client.handle_datagram("noise", peer_ip, peer_port);
    client.handle_datagram({nullptr, 0}, peer_ip, peer_port);
    CHECK(replies.empty() && client.stats().datagrams_in == 2 && client.stats().replies == 0);
    client.handle_unreachable(peer_ip, peer_port);
    CHECK(client.stats().refused == 1 && client.peer_stats().at(0).refused == 1);
    answer(client, salt, "{\"t\": true, \"d\": 2.5, \"l\": [1, 2]}", 41);
    CHECK(replies.size() == 1 && replies[0].serial() == 41);
    CHECK(replies[0].get<bool>("/t") && replies[0].get<double>("/d") > 2);
    CHECK((replies[0].get<std::vector<std::int64_t>>("/l") == std::vector<std::int64_t>{1, 2}));
    CHECK(replies[0].key("", 1) == "d" && replies[0].kind("/t") == confd::json_kind::boolean);

    THROWS(invalid_argument, client.handle_datagram("x", "here", 1));
    THROWS(invalid_argument, client.handle_datagram("x", std::string_view("127.0.0.1\0", 10), 1));
    THROWS(invalid_argument, client.handle_unreachable("here", 1));
    THROWS(invalid_argument, client.receive(0s));
    THROWS(invalid_argument, client.wait(salt, 0s));
    THROWS(invalid_argument, client.query(confd::request(confd::request_type::ping), 1s));
    client.process();

    confd::client with_socket("key", {"127.0.0.1"});
    THROWS(invalid_argument, with_socket.poll_transmit());
}
