/*
 * The smallest blocking program: prints the name of the cluster's master.
 *
 *     c++ -std=c++17 master.cpp -o master $(pkg-config --cflags --libs confdclient)
 *     ./master /var/lib/ganeti/hmac.key 192.0.2.1 192.0.2.2
 */
#include <confdclient.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>

using namespace std::chrono_literals;

int main(int argc, char **argv)
try {
    std::ifstream file(argc > 2 ? argv[1] : "", std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "Usage: master KEY-FILE PEER..., with a KEY-FILE that can be read\n");
        return 2;
    }
    // Every byte of the file: the newline at its end belongs to the key.
    const std::string key(std::istreambuf_iterator<char>(file), {});

    confd::client client(key, {argv + 2, argv + argc});
    const confd::result result = client.query(confd::request(confd::request_type::cluster_master), 5s);
    if (!result.answered()) {
        std::fprintf(stderr, "master: %u of %u have answered, too few\n", result.received(), result.sent());
        return 1;
    }
    if (const auto text = result.reply()->error_text()) {
        std::fprintf(stderr, "master: %s says: %s\n", result.server_ip().c_str(), text->c_str());
        return 1;
    }
    std::printf("%s\n", result.reply()->get<std::string>().c_str());
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "master: %s\n", error.what());
    return 1;
}
