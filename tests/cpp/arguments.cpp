/* What is passed in: durations, lists, bytes, texts; what is thrown when it is wrong; requests and options. */
#include "world.hpp"

#include <array>
#include <limits>
#include <list>
#include <set>

using namespace std::chrono_literals;

namespace {

void durations_are_rounded_up_and_saturate()
{
    constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
    static_assert(confd::time_limit(5s).ms() == 5000, "at compile time, too");
    CHECK(confd::time_limit(0s).ms() == 0);
    CHECK(confd::time_limit(1ns).ms() == 1);
    CHECK(confd::time_limit(1ms).ms() == 1);
    CHECK(confd::time_limit(1ms + 1us).ms() == 2);
    CHECK(confd::time_limit(-1ns).ms() == -1);
    CHECK(confd::time_limit(-24h).ms() == -1);
    CHECK(confd::no_limit.ms() == -1);
    CHECK(confd::time_limit(std::chrono::milliseconds(most)).ms() == most);
    CHECK(confd::time_limit(std::chrono::milliseconds(most) - 1ns).ms() == most);
    CHECK(confd::time_limit(std::chrono::milliseconds(most) - 1ms).ms() == most - 1);
    CHECK(confd::time_limit(25 * 24h).ms() == most);
    CHECK(confd::time_limit(std::chrono::hours::max()).ms() == most);
    CHECK(confd::time_limit(std::chrono::hours::min()).ms() == -1);
    CHECK(confd::time_limit(std::chrono::nanoseconds::max()).ms() == most);
    CHECK(confd::time_limit(std::chrono::duration<double>(0.0004)).ms() == 1);
    CHECK(confd::time_limit(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).ms() == most);
    CHECK(confd::time_limit(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).ms() == most);
    CHECK((confd::time_limit(std::chrono::duration<std::uint64_t, std::exa>(std::uint64_t(-1))).ms() == most));
}

bool is_ab(const confd::string_list &list)
{
    const std::vector<const char *> texts = list.pointers();
    return texts.size() == 2 && list.size() == 2 && std::string_view(texts[0]) == "a" &&
           std::string_view(texts[1]) == "b";
}

void lists_are_made_of_what_there_is()
{
    using namespace std::string_literals;
    const char *const argv[] = {"program", "a", "b", nullptr};
    const std::string_view text = "abc";
    CHECK(is_ab({"a", "b"}));
    CHECK(is_ab({"a"s, "b"s}));
    CHECK(is_ab({text.substr(0, 1), text.substr(1, 1)}));
    CHECK(is_ab(std::vector<std::string>{"a", "b"}));
    CHECK(is_ab(std::vector<std::string_view>{"a", "b"}));
    CHECK(is_ab(std::vector<const char *>{"a", "b"}));
    CHECK(is_ab(std::array<std::string, 2>{{"a", "b"}}));
    CHECK(is_ab(std::set<std::string>{"b", "a"}));
    CHECK(is_ab({argv + 1, argv + 3}));
    const std::list<std::string> list{"a", "b"};
    CHECK(is_ab({list.begin(), list.end()}));
    CHECK(confd::string_list().size() == 0 && confd::string_list({}).size() == 0);
    CHECK(confd::string_list({"ab"}).size() == 1);
    CHECK(THROWS(invalid_argument, confd::string_list({"a"s, "b\0c"s})) == "text 2 holds U+0000");
    CHECK(THROWS(invalid_argument, confd::string_list(argv, argv + 4)) == "text 4 is NULL");
}

bool is_key(confd::bytes bytes, std::size_t size)
{
    return bytes.size() == size && std::string_view(static_cast<const char *>(bytes.data()), 1) == "k";
}

void bytes_are_made_of_what_there_is()
{
    CHECK(is_key("key", 3));
    CHECK(is_key(std::string("k\0y", 3), 3));
    CHECK(is_key(std::string_view("key"), 3));
    CHECK(is_key(std::vector<unsigned char>{'k', 0}, 2));
    CHECK(is_key(std::array<std::byte, 1>{{std::byte('k')}}, 1));
    CHECK(is_key({"key", 2}, 2));
}

void errors_are_codes_too()
{
    const std::error_code code = confd::errc::bad_peer;
    CHECK(code && code == confd::errc::bad_peer && code != confd::errc::io);
    CHECK(code.category() == confd::category() && std::string_view(code.category().name()) == "confd");
    CHECK(code.value() == CONFD_ERR_BAD_PEER && code.message() == confd_strerror(CONFD_ERR_BAD_PEER));
    CHECK(code == std::errc::invalid_argument);
    CHECK(confd::make_error_code(confd::errc::invalid_argument) == std::errc::invalid_argument);
    CHECK(confd::make_error_code(confd::errc::io) == std::errc::io_error);
    CHECK(confd::make_error_code(confd::errc::request_too_big) == std::errc::message_size);
    CHECK(confd::make_error_code(confd::errc::busy) == std::errc::device_or_resource_busy);
    CHECK(confd::make_error_code(confd::errc::no_memory) == std::errc::not_enough_memory);
    CHECK(confd::make_error_code(confd::errc::closed).default_error_condition().category() == confd::category());
    CHECK(!confd::make_error_code(confd::errc::ok));
    CHECK(confd::strerror(confd::errc::closed) == confd_strerror(CONFD_ERR_CLOSED));
    CHECK(confd::version() == confd_version());
    CHECK(confd::version_number() == CONFD_VERSION_NUMBER);

    const confd::error bare(confd::errc::io);
    CHECK(std::string(bare.what()) == confd_strerror(CONFD_ERR_IO) && *bare.detail() == '\0');
    try {
        confd::client("key", {"192.0.2.1", "node7"});
        CHECK(false);
    } catch (const std::system_error &error) {
        CHECK(error.code() == confd::errc::bad_peer);
        CHECK(std::string(error.what()).find("peer 2, \"node7\"") == 0);
    }
}

void clients_say_what_is_wrong_with_their_arguments()
{
    using namespace std::string_literals;
    THROWS(invalid_argument, confd::client("", {"192.0.2.1"}));
    THROWS(no_peers, confd::client("key", {}));
    THROWS(mixed_families, confd::client("key", {"192.0.2.1", "2001:db8::1"}));
    THROWS(invalid_argument, confd::client("key", {"192.0.2.1"s, "192\0.0.2.2"s}));
    THROWS(cluster_dir, confd::client::open("/there is no such folder"));
    THROWS(invalid_argument, confd::client::open("/with\0nul"s));
}

void requests_hold_what_they_are_given()
{
    using namespace std::string_literals;
    using confd::request;
    using confd::request_type;
    request request(request_type::node_role_by_name, "node1");
    CHECK(request.type() == request_type::node_role_by_name && request.query_json() == "\"node1\"");
    const std::string first(request.salt());
    CHECK(first.size() == 36 && request.set_salt().salt() != first);
    CHECK(request.set_salt("mine").salt() == "mine" && request.view().salt() == "mine");
    CHECK(request.set_query_json("{\"a\": 1}").query_json().find("\"a\"") != std::string_view::npos);
    CHECK(THROWS(invalid_argument, request.set_salt("a\0b"s)) == "the text holds U+0000 at byte 1");
    THROWS(invalid_argument, request.set_query_json("[1"));
    THROWS(invalid_argument, request.set_query_json("null\0"s));
    THROWS(request_type, request.set_ip("192.0.2.1"));
    THROWS(request_type, request.set_fields({confd::master_field::ip}));
    CHECK(request.salt() == "mine");
    THROWS(invalid_argument, confd::request(request_type::ping, "a\0"s));
    THROWS(request_type, confd::request(static_cast<request_type>(12)));

    confd::request where(request_type::node_pip_by_instance_ip);
    CHECK(where.set_ip("192.0.2.1").query_json().find("192.0.2.1") != std::string_view::npos);
    CHECK(where.set_ip("192.0.2.1", "br1").query_json().find("br1") != std::string_view::npos);
    CHECK(where.set_ips({"192.0.2.1", "192.0.2.2"}, "br2").query_json().find("br2") != std::string_view::npos);
    THROWS(invalid_argument, where.set_ip("192.0.2.1\0"s));
    THROWS(invalid_argument, where.set_ip("192.0.2.1", "b\0"s));
    confd::request master(request_type::cluster_master);
    CHECK(master.set_fields({confd::master_field::name, confd::master_field::master_node_pip}).query_json() != "null");
    THROWS(invalid_argument, master.set_fields({static_cast<confd::master_field>(9)}));

    const confd::request moved(std::move(master));
    CHECK(moved.type() == request_type::cluster_master && moved.native() != nullptr);
    CHECK(master.native() == nullptr); // NOLINT: that is what is tested
    THROWS(invalid_argument, (void)master.salt());
    THROWS(invalid_argument, (void)master.type());
    THROWS(invalid_argument, (void)master.query_json());
    THROWS(invalid_argument, master.set_salt("x"));
}

void options_have_their_ranges()
{
    using namespace std::string_literals;
    confd::options options;
    options.port(2000).expire(5s).max_request_bytes(1400).filter(true).any_source(true).retry(0s).refresh(1h);
    options.receive_buffer(65536).bind_address("127.0.0.1").external_io(false).log(nullptr).unthrown(nullptr);
    THROWS(invalid_argument, options.port(0));
    THROWS(invalid_argument, options.expire(0s));
    THROWS(invalid_argument, options.expire(confd::no_limit));
    THROWS(invalid_argument, options.max_request_bytes(65508));
    THROWS(invalid_argument, options.retry(-1s));
    THROWS(invalid_argument, options.refresh(-1s));
    THROWS(invalid_argument, options.receive_buffer(0));
    THROWS(invalid_argument, options.bind_address("here"));
    THROWS(invalid_argument, options.bind_address("127.0.0.1\0"s));
    THROWS(invalid_argument, options.log([](confd::log_level, std::string_view) {}, static_cast<confd::log_level>(9)));
    const confd::options moved(std::move(options));
    CHECK(moved.native() != nullptr);
    THROWS(invalid_argument, options.port(1)); // NOLINT: that is what is tested
}

} // namespace

void arguments()
{
    durations_are_rounded_up_and_saturate();
    lists_are_made_of_what_there_is();
    bytes_are_made_of_what_there_is();
    errors_are_codes_too();
    clients_say_what_is_wrong_with_their_arguments();
    requests_hold_what_they_are_given();
    options_have_their_ranges();
}
