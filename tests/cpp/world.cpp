#include "world.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

void fail(const char *file, int line, const std::string &what)
{
    std::fprintf(stderr, "%s:%d: %s (last error: \"%s\")\n", file, line, what.c_str(), confd_last_error());
    std::fflush(stderr);
    _exit(1);
}

std::string throws(const char *file, int line, confd::errc code, const std::function<void()> &run)
{
    try {
        run();
    } catch (const confd::error &error) {
        if (error.code() == code) {
            return error.what();
        }
        fail(file, line, "throws " + error.code().message() + ", " + error.what());
    }
    fail(file, line, "nothing was thrown");
}

confd::client external(confd::upcall_function callback, confd::options options)
{
    options.external_io(true);
    return confd::client(KEY, {"192.0.2.7:1000"}, std::move(callback), options);
}

std::string ping(confd::client &client)
{
    const confd::request request(confd::request_type::ping);
    client.send(request);
    return std::string(request.salt());
}

std::string ping(confd::client &client, confd::upcall_function callback)
{
    const confd::request request(confd::request_type::ping);
    client.send(request, std::move(callback));
    return std::string(request.salt());
}

void answer(confd::client &client, std::string_view salt, std::string_view json, std::int64_t serial)
{
    char text[DATAGRAM];
    const std::size_t size =
        make_reply(text, KEY, std::string(salt).c_str(), 0, std::string(json).c_str(), serial);
    client.handle_datagram({text, size}, peer_ip, peer_port);
}

void until_due(confd::client &client)
{
    const std::int64_t until = now_ms() + 10000;
    while (client.timeout() != std::chrono::milliseconds(0)) {
        CHECK(now_ms() < until);
        pause_us(200);
    }
}

simulator::simulator(std::size_t candidates, std::initializer_list<const char *> arguments) : sim_()
{
    std::vector<std::string> addresses;
    std::vector<const char *> all;
    for (std::size_t i = 1; i <= candidates; i++) {
        addresses.push_back("127.0.0." + std::to_string(i));
    }
    for (const std::string &address : addresses) {
        all.insert(all.end(), {"--address", address.c_str()});
    }
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.push_back(nullptr);
    sim_start_with(&sim_, all.data());
    CHECK(sim_.n == candidates);
}

simulator::~simulator()
{
    sim_stop(&sim_);
}

std::vector<std::string_view> simulator::peers() const
{
    return std::vector<std::string_view>(sim_.peers, sim_.peers + sim_.n);
}

confd::client simulator::client(confd::upcall_function callback, const confd::options &options) const
{
    return confd::client(KEY, peers(), std::move(callback), options);
}

folder::folder() : path_((std::filesystem::temp_directory_path() / "confdclient.XXXXXX").string())
{
    CHECK(mkdtemp(path_.data()) != nullptr);
}

folder::~folder()
{
    std::filesystem::remove_all(path_);
}

void folder::write(const char *name, std::string_view text) const
{
    std::ofstream(path_ + "/" + name) << text;
}

void in_a_child(const std::function<bool()> &run)
{
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        _exit(run() ? 0 : 1);
    }
    child_succeeds(child);
}

int main()
{
    arguments();
    answers();
    calls();
    external_io();
    exceptions();
    endings();
    futures();
    std::puts("every test has passed");
}
