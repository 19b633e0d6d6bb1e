/* Replies and results, as the simulated cluster gives them. */
#include "world.hpp"

using namespace std::chrono_literals;
using confd::request;
using confd::request_type;

namespace {

confd::reply ask(confd::client &client, confd::request question)
{
    const confd::result result = client.query(std::move(question), 5s);
    CHECK(result.answered() && result.outcome() == confd::outcome::answered && result.consistent());
    CHECK(result.sent() == 3 && result.needed() == 2 && result.received() >= 2);
    CHECK(result.reply() && result.server_ip().find("127.0.0.") == 0 && result.server_port() > 0);
    return *result.reply();
}

void values(confd::client &client)
{
    const confd::reply master = ask(client, confd::request(request_type::cluster_master));
    CHECK(master.status() == confd::reply_status::ok && master.protocol() == 1 && master.serial() > 0);
    CHECK(master.get<std::string>() == "node1.example.com" && !master.error_text());
    CHECK(master.answer_json() == "\"node1.example.com\"" && master.json("") == master.answer_json());
    CHECK(master.kind() == confd::json_kind::string);
    THROWS(wrong_type, master.get<std::int64_t>());
    THROWS(wrong_type, master.get<bool>());
    THROWS(wrong_type, master.get<std::vector<std::string>>());
    THROWS(wrong_type, (void)master.count());
    THROWS(not_found, master.get<std::string>("/0"));
    THROWS(invalid_argument, master.get<std::string>("no pointer"));
    THROWS(invalid_argument, master.get<std::string>(std::string_view("/a\0b", 4)));
    CHECK(!master.find<std::string>("/0"));
    CHECK(master.find<std::string>("") == "node1.example.com");
    THROWS(wrong_type, master.find<bool>(""));
    THROWS(invalid_argument, master.find<bool>("x"));

    const confd::reply version = ask(client, confd::request(request_type::ping));
    CHECK(version.get<std::int64_t>() > 0 && version.get<double>() > 0);

    const confd::reply nodes = ask(client, confd::request(request_type::node_pip_list));
    const auto addresses = nodes.get<std::vector<std::string>>();
    CHECK(addresses.size() == nodes.count() && addresses.size() > 2);
    CHECK(nodes.get<std::string>("/1") == addresses[1]);
    THROWS(wrong_type, nodes.get<std::vector<bool>>());

    const confd::reply cluster = ask(client, confd::request(request_type::config_query, "/cluster"));
    CHECK(cluster.kind("") == confd::json_kind::object && !cluster.key("", 0).empty());
    CHECK(cluster.count() > 3 && cluster.json("/cluster_name").front() == '"');
    THROWS(not_found, (void)cluster.key("", 100000));
    THROWS(not_found, (void)cluster.json("/no such member"));
    THROWS(not_found, (void)cluster.kind("/no such member"));
}

void typed(confd::client &client)
{
    const confd::reply role = ask(client, confd::request(request_type::node_role_by_name, "node4.example.com"));
    const auto number = static_cast<confd::node_role>(role.get<std::int64_t>());
    CHECK(number == confd::node_role::regular && confd::node_role_name(number) == "regular");
    CHECK(!confd::node_role_name(static_cast<confd::node_role>(-3)));
    THROWS(wrong_type, role.drbd_minor(0));
    THROWS(wrong_type, role.node_ip(0));

    const confd::reply drbd = ask(client, confd::request(request_type::node_drbd, "node1.example.com"));
    const confd::drbd_minor minor = drbd.drbd_minor(0);
    CHECK(minor.node == "node1.example.com" && minor.instance == "web.example.com" && minor.minor >= 0);
    CHECK(minor.role == "primary" && minor.peer == "node2.example.com" && minor.disk.find("disk/") == 0);
    THROWS(not_found, drbd.drbd_minor(drbd.count()));

    confd::request where(request_type::node_pip_by_instance_ip);
    where.set_ips(std::vector<std::string>{"198.51.100.1", "203.0.113.9"});
    const confd::reply ips = ask(client, std::move(where));
    CHECK(ips.node_ip(0).status == confd::reply_status::ok && ips.node_ip(0).ip == "192.0.2.11");
    CHECK(ips.node_ip(1).status == confd::reply_status::error && !ips.node_ip(1).ip);
    THROWS(not_found, ips.node_ip(2));

    const confd::reply unknown = ask(client, confd::request(request_type::node_role_by_name, "nobody"));
    CHECK(unknown.status() == confd::reply_status::error && unknown.error_text());
}

void replies_are_values(std::optional<confd::client> &client)
{
    confd::reply kept = ask(*client, confd::request(request_type::cluster_master));
    client.reset();
    confd::reply copy = kept;
    const confd::reply moved = std::move(kept);
    CHECK(moved.native() == copy.native() && moved.get<std::string>() == "node1.example.com");
    THROWS(invalid_argument, (void)kept.status()); // NOLINT: that is what is tested
    THROWS(invalid_argument, (void)kept.answer_json());
    THROWS(invalid_argument, (void)kept.get<std::string>());
    kept = copy;
    CHECK(kept.serial() == copy.serial());
    THROWS(invalid_argument, confd::reply(nullptr));
}

void results_without_enough_replies()
{
    const simulator sim(3, {"--fault", "silent=true"});
    confd::client client = sim.client();
    const confd::result nothing = client.query(confd::request(request_type::ping), 20ms);
    CHECK(nothing.outcome() == confd::outcome::no_reply && !nothing.answered() && !nothing.reply());
    CHECK(nothing.server_ip().empty() && nothing.server_port() == 0 && nothing.received() == 0);
    CHECK(nothing.errors() == 0 && confd::needed_replies(4) == 3);
    confd::request twice(request_type::ping);
    CHECK(client.query(twice, 0s).outcome() == confd::outcome::no_reply);
    const std::string salt(twice.salt());
    CHECK(client.query(twice, 1ms, confd::coverage{2}).sent() >= 2 && twice.salt() != salt);
    THROWS(coverage, client.query(twice, 1s, confd::coverage{4}));
    THROWS(invalid_argument, client.query(twice, 1s, confd::coverage{-2}));
    THROWS(missing_salt, client.query(twice.set_salt(""), 1s));
}

} // namespace

void answers()
{
    const simulator sim(3);
    std::optional<confd::client> client(sim.client());
    values(*client);
    typed(*client);
    replies_are_values(client);
    results_without_enough_replies();
}
